#!/bin/sh
# filter.sh: the filter, byte for byte the same wherever and whenever it is built from one commit.
#
# Usage:   filter.sh OUT
# Reads:   CARGO_TARGET_DIR     default: target/reproducible, so that the everyday build is left alone
# Needs:   Rust of rust-toolchain.toml with its target wasm32-wasip1; python3 is not needed.
# Outputs: OUT/cubegate_filter.wasm, and its SHA-256 on stdout
# Exit:    0 built; else cargo's own.
#
# What would differ: paths of the checkout, of cargo's home and of the toolchain, which panics name; and the time. The first
# are given other names, the second is the epoch of 1970 for whatever should ask.
set -eu
cd "$(dirname "$0")/../.."
out=$1
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target/reproducible}" SOURCE_DATE_EPOCH=0
# They would replace what .cargo/config.toml says.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
# Joined with the flags of .cargo/config.toml; of several that match, the last counts.
cargo build --locked --package cubegate-filter --profile filter --target wasm32-wasip1 --config "target.wasm32-wasip1.rustflags = [
	'--remap-path-prefix=$sysroot=/rust', '--remap-path-prefix=$home=/cargo', '--remap-path-prefix=$PWD=/cubegate',
	'-Cstrip=symbols' ]"
mkdir -p "$out"
cp "$CARGO_TARGET_DIR/wasm32-wasip1/filter/cubegate_filter.wasm" "$out/"
sha256sum "$out/cubegate_filter.wasm"
