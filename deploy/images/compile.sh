#!/bin/sh
# compile.sh: the programs of an image, for one architecture. Runs in the builder stage of the Dockerfiles.
#
# Usage:   compile.sh OUT ARCH WHAT...     ARCH is amd64 or arm64 (Docker's TARGETARCH), WHAT among cubegate, health, filter
# Reads:   prebuilt/ARCH/WHAT              programs that are taken as they are, and nothing is compiled for them;
#                                          `build.sh --prebuilt` puts them there
# Needs:   Rust of rust-toolchain.toml, a C compiler; for another architecture than its own apt-get, to get the cross compiler.
# Outputs: OUT/cubegate, OUT/cubegate-health, OUT/cubegate_filter.wasm
# Exit:    0 all are there; 1 with the reason.
set -eu
out=$1 arch=$2
shift 2
mkdir -p "$out"

file_of() {
	case $1 in
	cubegate) echo cubegate ;;
	health) echo cubegate-health ;;
	filter) echo cubegate_filter.wasm ;;
	*) echo "compile.sh: there is nothing named $1 to compile" >&2 && return 1 ;;
	esac
}

# The target's triple, and its linker and C compiler when that is not this machine.
case $arch in
amd64) target=x86_64-unknown-linux-gnu cross=x86_64-linux-gnu package=x86-64-linux-gnu ;;
arm64) target=aarch64-unknown-linux-gnu cross=aarch64-linux-gnu package=aarch64-linux-gnu ;;
*) echo "compile.sh: images are made for amd64 and arm64, not for $arch" >&2 && exit 1 ;;
esac

# The folder of the results, and cargo's flags for them: none where nothing is crossed, so that `make build` has the same.
results=${CARGO_TARGET_DIR:-target}/release
flags=
ready() {
	[ "$(rustc -vV | sed -n 's/^host: //p')" != "$target" ] || return 0
	results=${CARGO_TARGET_DIR:-target}/$target/release
	flags="--target $target"
	rustup target list --installed | grep -qx "$target" || rustup target add "$target"
	if ! command -v "$cross-gcc" >/dev/null; then
		apt-get update
		apt-get install --yes --no-install-recommends "gcc-$package" "libc6-dev-$arch-cross"
	fi
	variable=$(echo "$target" | tr 'a-z-' 'A-Z_')
	export "CARGO_TARGET_${variable}_LINKER=$cross-gcc" "CC_$(echo "$target" | tr - _)=$cross-gcc"
}

for what in "$@"; do
	file=$(file_of "$what")
	if [ -e "prebuilt/$arch/$file" ]; then
		echo "compile.sh: $file is taken from prebuilt/$arch" >&2
		cp "prebuilt/$arch/$file" "$out/$file"
		continue
	fi
	# shellcheck disable=SC2086 # the flags are words
	case $what in
	cubegate)
		ready
		cargo build --locked --release --package cubegate $flags
		cp "$results/$file" "$out/"
		;;
	health)
		ready
		# Static, because Envoy's image has no libgcc. Only what is linked last is told so.
		cargo rustc --locked --release --package cubegate-health --bin cubegate-health $flags -- -C target-feature=+crt-static -C strip=symbols
		cp "$results/$file" "$out/"
		;;
	filter)
		deploy/images/filter.sh "$out"
		;;
	esac
done
