# shellcheck shell=bash
# engine.sh: podman as the tests run it.
#
# Usage:   source "$here/engine.sh"      (after lib.sh)
# Outputs: CONTAINERS_CONF, for this script and what it starts.

need podman 'podman runc netavark aardvark-dns iptables'
need debootstrap debootstrap
((!EUID)) || die "containers of the tests are made by root; run it with sudo"

# crun does not get along with hybrid cgroups, and not every machine lets a container have podman's default limits.
if [[ -z ${CONTAINERS_CONF:-} ]]; then
	mkdir -p "$cache"
	export CONTAINERS_CONF=$cache/containers.conf
	need runc runc
	cat >"$CONTAINERS_CONF" <<-'END'
		[engine]
		runtime="runc"
		[containers]
		default_ulimits=["nofile=16384:16384","nproc=4096:4096"]
	END
fi
