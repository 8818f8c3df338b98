#!/usr/bin/env bash
# check.sh: proves that the packages are what they should be.
#
# Usage:   check.sh BIN FILTER OUT    as dist.sh, after it
# Does:    packs once more elsewhere and compares the bytes; installs the package into an empty root; runs the command from
#          there and from the tarball; has systemd judge the units.
# Exit:    0 good; 1 not, with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(realpath "$1") filter=$(realpath "$2") out=$(realpath "$3")
# What `systemd-analyze security` may find at most (0 best, 10 worst). Envoy's code is compiled when it starts.
declare -rA most=([cubegate.service]=1.5 [cubegate-envoy.service]=2.0 [cubegate-renew.service]=1.5)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
	echo "$1" >&2
	exit 1
}

(cd / && "$here/dist.sh" "$bin" "$filter" "$work/again" >/dev/null) 2>&1 || fail "dist.sh does not run elsewhere"
diff "$out/SHA256SUMS" "$work/again/SHA256SUMS" >&2 || fail "the same input gave other packages"

deb=("$out"/*.deb) tar=("$out"/*.tar.gz)
[[ ${#deb[@]} == 1 && ${#tar[@]} == 1 ]] || fail "$out has packages of several versions; remove the old ones"
mkdir -p "$work/root/var/lib/dpkg/"{info,updates}
touch "$work/root/var/lib/dpkg/status"
# Without its dependencies: only the package itself is looked at.
dpkg --root="$work/root" --force-depends --force-script-chrootless --force-not-root --install "${deb[0]}" >"$work/dpkg.log" 2>&1 ||
	{ cat "$work/dpkg.log" >&2 && fail "the package cannot be installed"; }
version=$("$work/root/usr/bin/cubegate" --version)
[[ $version == "cubegate "* ]] || fail "the installed command says: $version"
tar -xzf "${tar[0]}" -C "$work"
"$work"/cubegate-*/usr/bin/cubegate --version >/dev/null || fail "the command of the tarball does not run"
[[ $(head -c 4 "$work/root/usr/share/cubegate/cubegate_filter.wasm" | od -An -tx1) == " 00 61 73 6d" ]] || fail "the filter is no wasm module"
strangers=$(dpkg-deb --contents "${deb[0]}" | awk '$2 != "root/root" || $1 ~ /s|t$/')
[[ -z $strangers ]] || fail "files that are not root's, or setuid: $strangers"

command -v systemd-analyze >/dev/null || fail "systemd-analyze is missing; run: apt-get install systemd"
units=$work/root/usr/lib/systemd/system
# They name programs that are not on this machine, at their places: the package's own stand in for them.
for unit in "$units"/*; do
	sed -i "s#^\(Exec[A-Za-z]*=\)/usr/bin/envoy#\1$work/root/usr/bin/cubegate#; s#^\(Exec[A-Za-z]*=\)/usr/#\1$work/root/usr/#; s#^\(User\|Group\)=.*#\1=daemon#" "$unit"
done
said=$(systemd-analyze verify "$units"/* 2>&1 | grep -F cubegate || true)
[[ -z $said ]] || fail "systemd says of the units: $said"
for unit in "${!most[@]}"; do
	exposure=$(systemd-analyze security --offline=true --no-pager "$units/$unit" 2>/dev/null | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
	[[ -n $exposure ]] || fail "systemd-analyze security says nothing of $unit"
	awk -v e="$exposure" -v m="${most[$unit]}" 'BEGIN { exit !(e <= m) }' || fail "$unit has an exposure of $exposure, and ${most[$unit]} is what it may have"
	echo "$unit: exposure $exposure" >&2
done
echo "the packages are good: $version, $(du -h "${deb[0]}" | cut -f1) as .deb, $(du -h "${tar[0]}" | cut -f1) as tarball" >&2
