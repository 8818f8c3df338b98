# shellcheck shell=bash
# engine.sh: podman as the tests run it.
#
# Usage:   source "$here/engine.sh"      (after lib.sh)
# Outputs: CONTAINERS_CONF, for this script and what it starts.

need podman 'podman runc netavark aardvark-dns iptables'
need debootstrap debootstrap
((!EUID)) || die "containers of the tests are made by root; run it with sudo"

# Podman's name server before 1.11 (Debian 12 has 1.4) closes its sockets whenever a container starts or ends. What is asked
# meanwhile is lost, on a busy machine for seconds; a client asks again after five, and after two such times a name is not
# found. So a newer one is compiled, once.
readonly aardvark_version=1.17.0
# find_name_server: sets `name_server` to the folder of a name server that does not do that; empty when podman's own one is such.
find_name_server() {
	local own version='' log=$cache/aardvark-dns.log
	name_server=
	for own in /usr/libexec/podman/aardvark-dns /usr/lib/podman/aardvark-dns; do
		[[ -x $own ]] || continue
		version=$("$own" --version 2>/dev/null)
		[[ $version =~ ' '(0|1\.[0-9]|1\.10)(\.|$) ]] || return 0
	done
	name_server=$cache/aardvark-dns-$aardvark_version/bin
	[[ ! -x $name_server/aardvark-dns ]] || return 0
	command -v cargo >/dev/null 2>&1 || die "podman's name server is too old for these tests ($(head -n 1 <<<"$version")), and there is no cargo to compile another one"
	: >"$log"
	CARGO_TARGET_DIR=$cache/build-cargo-tools CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
		long "compiling a name server for podman (2 minutes, once)" "$log" : \
		cargo install --locked aardvark-dns --version "$aardvark_version" --root "${name_server%/bin}" ||
		die "the name server cannot be compiled; the log is $log"
}

# crun does not get along with hybrid cgroups, and not every machine lets a container have podman's default limits.
if [[ -z ${CONTAINERS_CONF:-} ]]; then
	mkdir -p "$cache"
	need runc runc
	find_name_server
	export CONTAINERS_CONF=$cache/containers.conf
	cat >"$CONTAINERS_CONF" <<-END
		[engine]
		runtime="runc"
		helper_binaries_dir=[${name_server:+"\"$name_server\", "}"/usr/libexec/podman", "/usr/lib/podman", "/usr/local/libexec/podman", "/usr/local/lib/podman"]
		[containers]
		default_ulimits=["nofile=16384:16384","nproc=4096:4096"]
	END
fi
