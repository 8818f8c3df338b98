#!/usr/bin/env bash
# build.sh: builds the images, with docker where there is one, else with podman.
#
# Usage:   build.sh [--prebuilt FOLDER] [--arch amd64|arm64] [IMAGE...]     IMAGE among cubegate, envoy, filter; all of them when none is named
#          --prebuilt takes the programs from FOLDER/ARCH in place of compiling them in a container; `compile.sh` makes that folder
# Reads:   ENGINE            docker or podman; default: docker if its engine answers, else podman
#          VERSION           the images' tag; default: that of Cargo.toml
#          CUBEGATE_BUILDER, CUBEGATE_BASE, CUBEGATE_ENVOY_BASE      other images than the Dockerfiles' own
#          SBOM              a folder: what each image is made of goes there too (sbom.sh)
# Outputs: the images cubegate:VERSION, cubegate-envoy:VERSION and cubegate-filter:VERSION, with -arm64 after VERSION for
#          another architecture than this machine's; their names on stdout.
# Exit:    0 built; 1 with the reason; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"

prebuilt=
case $(uname -m) in aarch64 | arm64) machine=arm64 ;; *) machine=amd64 ;; esac
arch=$machine
while [[ ${1:-} == --* ]]; do
	(($# >= 2)) || set -- --help ''
	case $1 in
	--prebuilt) prebuilt=$(realpath -- "$2") ;;
	--arch) arch=$2 ;;
	*) sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
	esac
	shift 2
done
(($#)) || set -- cubegate envoy filter
[[ $arch == amd64 || $arch == arm64 ]] || die "images are made for amd64 and arm64, not for $arch"

engine=${ENGINE:-}
if [[ -z $engine ]]; then
	# A client without an engine is of no use.
	if docker info >/dev/null 2>&1; then engine=docker; elif command -v podman >/dev/null 2>&1; then engine=podman; else
		die "neither a running Docker engine nor podman is here; start Docker, or run: apt-get install podman"
	fi
fi

version=${VERSION:-$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$root/Cargo.toml")}
tag=$version
[[ $arch == "$machine" ]] || tag+=-$arch
revision=$(git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown)
# The commit's time, so that the same commit gives the same labels.
created=$(TZ=UTC git -C "$root" log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null || echo 1970-01-01T00:00:00Z)

context=$root
if [[ -n $prebuilt ]]; then
	[[ -d $prebuilt/$arch ]] || die "there is no folder $prebuilt/$arch; run: deploy/images/compile.sh $prebuilt/$arch $arch cubegate health filter"
	# Nothing else of the checkout is needed, and nothing else is sent.
	context=$(mktemp -d)
	trap 'rm -rf "$context"' EXIT
	mkdir -p "$context/deploy/images" "$context/prebuilt"
	cp "$here/compile.sh" "$context/deploy/images/"
	cp -r "$prebuilt/$arch" "$context/prebuilt/"
fi

# build IMAGE NAME ARGUMENT...
build() {
	local file=$here/$1.Dockerfile name=$2
	shift 2
	local flags=(--file "$file" --tag "$name" --platform "linux/$arch" --build-arg "TARGETARCH=$arch"
		--build-arg "VERSION=$version" --build-arg "REVISION=$revision" --build-arg "CREATED=$created" "$@")
	[[ -z ${CUBEGATE_BUILDER:-} ]] || flags+=(--build-arg "BUILDER=$CUBEGATE_BUILDER")
	# Podman's own format has no room for a health check.
	if [[ $engine == podman ]]; then flags+=(--format docker --build-arg "BUILDPLATFORM=linux/$machine"); fi
	"$engine" build "${flags[@]}" "$context" >&2
	printf '%s\n' "$name"
}

for image in "$@"; do
	base=()
	case $image in
	cubegate)
		[[ -z ${CUBEGATE_BASE:-} ]] || base=(--build-arg "BASE=$CUBEGATE_BASE")
		build cubegate "cubegate:$tag" "${base[@]}"
		;;
	envoy)
		[[ -z ${CUBEGATE_ENVOY_BASE:-} ]] || base=(--build-arg "BASE=$CUBEGATE_ENVOY_BASE")
		build envoy "cubegate-envoy:$tag" "${base[@]}"
		;;
	# The same on every machine.
	filter) build filter "cubegate-filter:$version" ;;
	*) die "there is no image $image; there are: cubegate, envoy, filter" ;;
	esac
	[[ -z ${SBOM:-} ]] || "$here/sbom.sh" "$image" "$SBOM" "$([[ $image == filter ]] && echo amd64 || echo "$arch")" >&2
done
