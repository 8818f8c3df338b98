#!/usr/bin/env bash
# Runs fuzz targets, each for a number of seconds: fuzz/run.sh SECONDS [TARGET...]
# Reads FUZZ_SEED, 1 unless it is set; 0 is another one each time.
# With 0 seconds they are built and not run, and with FUZZ_BUILT=1 run as they are.
# What it finds is kept under the project's target folder, and never in the tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:?fuzz/run.sh SECONDS [TARGET...]}
shift
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(engine query scanner)

command -v "${CXX:-c++}" >/dev/null || {
  echo "a C++ compiler is missing, libFuzzer is written in C++; run: apt-get install g++" >&2
  exit 1
}

out=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/fuzz
host=$(rustc --version --verbose | sed -n 's/^host: //p')

# What `cargo fuzz` passes, without a sanitizer: those need a nightly compiler,
# and the code under test is safe Rust but for the loads of a block. Naming the host as the target keeps the
# instrumentation out of build scripts.
instrumentation=(
  --cfg=fuzzing
  -Cpasses=sancov-module
  -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
  -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares
  -Cllvm-args=-simplifycfg-branch-fold-threshold=0
  -Ccodegen-units=1
)
[[ ${FUZZ_BUILT:-} == 1 ]] || RUSTFLAGS="${instrumentation[*]}" cargo build --manifest-path fuzz/Cargo.toml \
  --release --target "$host" --target-dir "$out" --bins

[[ $seconds != 0 ]] || exit 0

for target in "${targets[@]}"; do
  mkdir -p "$out/found/$target" "$out/artifacts" "$out/logs"
  log=$out/logs/$target.log
  # What earlier runs found comes first: new finds are written there.
  if ! "$out/$host/release/$target" "$out/found/$target" "fuzz/corpus/$target" \
    -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 \
    -dict="fuzz/$([[ $target == query ]] && echo query || echo json).dict" \
    -artifact_prefix="$out/artifacts/$target-" -print_final_stats=1 >"$log" 2>&1; then
    grep --invert-match --extended-regexp '^#[0-9]+' "$log" | tail -n 60 >&2
    echo "fuzz target $target failed; make the input a test in common/list/tests/documents," >&2
    echo "and run it again with: $out/$host/release/$target $out/artifacts/$target-..." >&2
    exit 1
  fi
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "fuzz target $target: $inputs inputs in $seconds s, no failure"
done
