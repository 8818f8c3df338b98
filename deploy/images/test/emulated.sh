#!/usr/bin/env bash
# emulated.sh: runs what was compiled for arm64 on a machine of another kind, by qemu.
#
# Usage:   emulated.sh [FOLDER]    what compile.sh has made; default: target/images/prebuilt/arm64, filled if it is empty
# Needs:   curl; the packages qemu-user-static binutils libc6-arm64-cross libgcc-s1-arm64-cross. Nothing of it is root's.
# Outputs: one line a check on stderr.
# Exit:    0 all hold; 1 with the one that does not.
#
# The libraries are Debian's for the cross compiler, which are those of the base image. Envoy itself is not run: it is not
# compiled here, and its public image is there for both.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"
need qemu-aarch64-static qemu-user-static
need readelf binutils
need curl curl
libraries=/usr/aarch64-linux-gnu
[[ -e $libraries/lib/libgcc_s.so.1 ]] || die "there are no libraries for arm64; run: apt-get install libc6-arm64-cross libgcc-s1-arm64-cross"
cd "$root"

folder=${1:-target/images/prebuilt/arm64}
if [[ ! -e $folder/cubegate || ! -e $folder/cubegate-health || ! -e $folder/cubegate_filter.wasm ]]; then
	deploy/images/compile.sh "$folder" arm64 cubegate health filter
fi
work=$(mktemp -d)
server=
end() {
	trap - EXIT
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
holds() { say "ok: $*"; }
emulated() { timeout 120 qemu-aarch64-static -L "$libraries" "$@"; }

# === What they are ===

for program in cubegate cubegate-health; do
	[[ $(LC_ALL=C readelf --file-header "$folder/$program") =~ Machine:\ *AArch64 ]] || die "$folder/$program is not for arm64"
done
mapfile -t needed < <(LC_ALL=C readelf --dynamic "$folder/cubegate" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
for each in "${needed[@]}"; do
	case $each in
	libc.so.6 | libm.so.6 | libgcc_s.so.1 | ld-linux-aarch64.so.1) ;;
	*) die "cubegate needs $each, which its base image does not have" ;;
	esac
done
((${#needed[@]})) || die "it cannot be read what cubegate needs"
! LC_ALL=C readelf --dynamic "$folder/cubegate-health" | grep -q NEEDED || die "cubegate-health needs libraries, which Envoy's image does not have"
holds "both are for arm64; cubegate needs ${needed[*]} and the health check nothing"

# === What they do ===

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[[ $(emulated "$folder/cubegate" --version) == *" $version"* ]] || die "cubegate --version does not say $version"
# Ports that nobody has.
mapfile -t ports < <(python3 -c 'import socket
all = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
print(*[each.getsockname()[1] for each in all], sep="\n")')
data=$work/data
qemu-aarch64-static -L "$libraries" "$folder/cubegate" serve --data-dir "$data" --filter "$folder/cubegate_filter.wasm" --listen "127.0.0.1:${ports[0]}" \
	--api-listen "127.0.0.1:${ports[1]}" --xds-listen "127.0.0.1:${ports[2]}" --metrics-listen "127.0.0.1:${ports[3]}" >"$work/log" 2>&1 &
server=$!
url=https://127.0.0.1:${ports[1]}
answers() { [[ $(curl --silent --max-time 10 --cacert "$data/pki/xds-ca.crt" "$url$1" || true) == ok ]]; }
deadline=$((SECONDS + 120))
until answers /readyz; do
	kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2 && die "the control plane has ended; its log is above"; }
	((SECONDS < deadline)) || { cat "$work/log" >&2 && die "the control plane is not ready after 120 s; its log is above"; }
	sleep 0.5
done
password=$(sed -n 's/^user admin is made; its password, shown only now: //p' "$work/log")
said=$(curl --silent --max-time 30 --cacert "$data/pki/xds-ca.crt" "$url/api/v1/cube/login" --data "{\"name\":\"admin\",\"password\":\"$password\",\"loginType\":\"normal\"}")
[[ $said == *'"name":"admin"'* ]] || die "the administrator cannot log in: $said"
emulated "$folder/cubegate" user add jeff --password correct-horse --data-dir "$data" >/dev/null
[[ $(emulated "$folder/cubegate" user list --data-dir "$data") == *jeff* ]] || die "a user that was added is not listed"
holds "the control plane is ready, lets its administrator in, and users are made"

CUBEGATE_HEALTH_URL=$url/livez emulated "$folder/cubegate" health || die "cubegate health does not find the control plane"
CUBEGATE_HEALTH_URL=$url/livez emulated "$folder/cubegate-health" || die "cubegate-health does not find the control plane"
kill -TERM "$server"
status=0
wait "$server" || status=$?
server=
((status == 0)) || { cat "$work/log" >&2 && die "the control plane ends with $status when it is stopped, not with 0"; }
for program in "cubegate health" cubegate-health; do
	# shellcheck disable=SC2086 # a program and its argument
	! CUBEGATE_HEALTH_URL=$url/livez emulated "$folder/"$program 2>/dev/null || die "$program finds a control plane that has ended"
done
holds "it ends in order, and both health checks know a control plane that lives from one that does not"
