#!/usr/bin/env bash
# run.sh: builds the images on a machine without a registry, runs them, and checks what is promised of them.
#
# Usage:   run.sh                  (`make images-test`)
# Needs:   root; the packages podman buildah runc netavark aardvark-dns iptables debootstrap; what tools.sh gets.
# Reads:   PREBUILT                a folder of compile.sh with the programs; default: target/images/prebuilt, filled if it is empty
#          ARCHES                  default: amd64; "amd64 arm64" also builds for the other one and runs its programs by qemu (emulated.sh)
# Outputs: one line a check on stderr, the sizes on stdout.
# Exit:    0 all hold; 1 with the one that does not.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"
# shellcheck source=deploy/images/test/engine.sh
source "$here/engine.sh"
need buildah buildah
cd "$root"

# Over the base, compressed as registries keep them; filter and health check together.
readonly max_cubegate=20000000 max_envoy=2000000
prebuilt=${PREBUILT:-target/images/prebuilt}
read -ra arches <<<"${ARCHES:-amd64}"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
work=$(mktemp -d)
started=()

end() {
	trap - EXIT
	((!${#started[@]})) || podman rm --force --time 1 "${started[@]}" >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM

holds() { say "ok: $*"; }

# === Building ===

for arch in "${arches[@]}"; do
	if [[ ! -e $prebuilt/$arch/cubegate || ! -e $prebuilt/$arch/cubegate-health || ! -e $prebuilt/$arch/cubegate_filter.wasm ]]; then
		deploy/images/compile.sh "$prebuilt/$arch" "$arch" cubegate health filter
	fi
done
"$here/bases.sh" >/dev/null
export ENGINE=podman CUBEGATE_BUILDER=localhost/cubegate-test/base CUBEGATE_BASE=localhost/cubegate-test/base CUBEGATE_ENVOY_BASE=localhost/cubegate-test/envoy
for arch in "${arches[@]}"; do
	deploy/images/build.sh --prebuilt "$prebuilt" --arch "$arch" cubegate envoy >/dev/null
done
deploy/images/build.sh --prebuilt "$prebuilt" filter >/dev/null
holds "the images are built for ${arches[*]}"

# === What they are made of ===

# layers IMAGE: the compressed bytes of each layer, as a registry keeps them.
layers() {
	local folder=$work/layers
	rm -rf "$folder"
	buildah push --quiet "$1" "oci:$folder:it" >/dev/null
	python3 - "$folder" <<-'PYTHON'
		import json, sys
		folder = sys.argv[1]
		blob = lambda it: json.load(open(f"{folder}/blobs/{it['digest'].replace(':', '/')}"))
		for layer in blob(json.load(open(f"{folder}/index.json"))["manifests"][0])["layers"]:
		    print(layer["size"])
	PYTHON
}

# check_size IMAGE BASE LIMIT: how much the image has over its base.
check_size() {
	local over=0 base size
	mapfile -t base < <(layers "$2")
	while read -r size; do over=$((over + size)); done < <(layers "$1" | tail -n +$((${#base[@]} + 1)))
	printf '%s: %d bytes over its base, compressed (limit %d)\n' "$1" "$over" "$3"
	((over > 0 && over <= $3)) || die "$1 has $over bytes over its base; at most $3 are promised"
}
check_size "localhost/cubegate:$version" localhost/cubegate-test/base "$max_cubegate"
check_size "localhost/cubegate-envoy:$version" localhost/cubegate-test/envoy "$max_envoy"
holds "the images are no larger than promised"

inspect() { podman image inspect --format "$2" "localhost/$1"; }
for image in "cubegate:$version" "cubegate-envoy:$version"; do
	[[ $(inspect "$image" '{{.Config.User}}') == 65532:65532 ]] || die "$image does not run as 65532:65532"
	[[ $(inspect "$image" '{{.Config.Healthcheck}}') == *cubegate* ]] || die "$image has no health check"
	[[ $(inspect "$image" '{{index .Labels "org.opencontainers.image.licenses"}}') == Apache-2.0 ]] || die "$image has no OCI labels"
	[[ $(inspect "$image" '{{index .Labels "org.opencontainers.image.version"}}') == "$version" ]] || die "$image has no version"
done
holds "they run as nobody in particular, check their health and say what they are"

for arch in "${arches[@]}"; do
	case $arch in amd64) tag=$version machine=x86-64 ;; arm64) tag=$version-arm64 machine=aarch64 ;; esac
	for file in "cubegate /usr/local/bin/cubegate" "cubegate-envoy /usr/local/bin/cubegate-health"; do
		read -r image path <<<"$file"
		container=$(buildah from "localhost/$image:$tag")
		what=$(file --brief "$(buildah mount "$container")$path")
		buildah rm "$container" >/dev/null
		[[ $what == *"$machine"* ]] || die "$path of $image:$tag is no program for $arch: $what"
		[[ $image == cubegate || $what == *static* ]] || die "$path of $image:$tag needs libraries that Envoy's image does not have: $what"
	done
done
holds "the programs are those of their architecture, and the health check is static"

[[ " ${arches[*]} " != *" arm64 "* || $(uname -m) == aarch64 ]] || "$here/emulated.sh" "$prebuilt/arm64"

# === The filter as an artifact ===

"$here/artifact.py" "localhost/cubegate-filter:$version" "$prebuilt/${arches[0]}/cubegate_filter.wasm"

# === Running ===

hardened=(--read-only --cap-drop=all --security-opt=no-new-privileges --memory=512m)

# healthy CONTAINER: its own health check says so within 30 s.
healthy() {
	local deadline=$((SECONDS + 30))
	until podman healthcheck run "$1" >/dev/null 2>&1; do
		((SECONDS < deadline)) || { podman logs "$1" >&2 && die "$1 is not healthy after 30 s; its log is above"; }
		sleep 0.3
	done
}

name=cubegate-images-test-$$
podman volume create "$name" >/dev/null
started+=("$name-control-plane")
podman run --detach --name "$name-control-plane" "${hardened[@]}" --volume "$name:/var/lib/cubegate" --publish 127.0.0.1::30443 \
	"localhost/cubegate:$version" serve --listen 0.0.0.0:30443 >/dev/null
healthy "$name-control-plane"
holds "the control plane starts with a read-only root file system and is healthy"
podman volume create "$name-xds" >/dev/null
trap 'end; podman volume rm --force "$name" "$name-xds" >/dev/null' EXIT
# A first volume gets the owner of the image's folder.
podman run --rm --volume "$name-xds:/etc/cubegate/xds" --entrypoint /usr/local/bin/envoy "localhost/cubegate-envoy:$version" --version >/dev/null
podman run --rm "${hardened[@]}" --volume "$name:/var/lib/cubegate" --volume "$name-xds:/etc/cubegate/xds" "localhost/cubegate:$version" \
	bootstrap --xds-address 127.0.0.1:18000 --api-address 127.0.0.1:8080 --write-certs /etc/cubegate/xds --output /etc/cubegate/xds/bootstrap.yaml
started+=("$name-envoy")
podman run --detach --name "$name-envoy" "${hardened[@]}" --network "container:$name-control-plane" --volume "$name-xds:/etc/cubegate/xds" \
	"localhost/cubegate-envoy:$version" --config-path /etc/cubegate/xds/bootstrap.yaml --disable-hot-restart --concurrency 1 --log-level warning >/dev/null
healthy "$name-envoy"
holds "Envoy gets the filter and is healthy when the filter answers"
port=$(podman port "$name-control-plane" 30443 | sed 's/.*://')
[[ $(curl -sk "https://127.0.0.1:$port/livez/filter") == ok ]] || die "the filter does not answer from outside"
podman stop --time 10 "$name-control-plane" >/dev/null
code=$(podman inspect --format '{{.State.ExitCode}}' "$name-control-plane")
((code == 0)) || die "the control plane ends with $code when it is stopped, not with 0"
! podman healthcheck run "$name-control-plane" >/dev/null 2>&1 || die "a control plane that has ended is healthy"
holds "the control plane ends in order when it is stopped"
