#!/usr/bin/env bash
# reproducible.sh: builds the filter in two folders with two cargo homes, and compares the bytes.
#
# Usage:   reproducible.sh         (`make reproducible`; a minute and a half a build on two idle cores)
# Outputs: the SHA-256 on stdout.
# Exit:    0 both are the same, and no path of this machine is in them; 1 with what differs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/cubegate-reproducible.XXXXXX")
trap 'rm -rf "$work"' EXIT
home=${CARGO_HOME:-$HOME/.cargo}
for name in one another-and-longer; do
	checkout=$work/$name/checkout
	mkdir -p "$checkout" "$work/$name/cargo"
	# What is committed, and what has changed since.
	(cd "$root" && git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- --create --ignore-failed-read) | tar -x -C "$checkout"
	# Crates that are here already need not be fetched again; their paths are others all the same.
	for part in registry git; do [[ ! -d $home/$part ]] || ln -s "$home/$part" "$work/$name/cargo/$part"; done
	CARGO_HOME=$work/$name/cargo CARGO_TARGET_DIR='' "$checkout/deploy/images/filter.sh" "$work/$name" >/dev/null
	say "built in $checkout"
done
cmp "$work"/{one,another-and-longer}/cubegate_filter.wasm || die "the two builds differ"
for path in "$work" "$home" "$root"; do
	! grep -qaF -- "$path" "$work/one/cubegate_filter.wasm" || die "the filter names the path $path"
done
for section in producers .debug_info; do
	! grep -qaF -- "$section" "$work/one/cubegate_filter.wasm" || die "the filter has a section $section"
done
sha256sum <"$work/one/cubegate_filter.wasm" | cut -d' ' -f1
