#!/usr/bin/env bash
# Looks for faults that the gate does not know: tests/explore.sh MINUTES
# Property tests with fresh random seeds, and the fuzz targets, in turns until the
# time is over. What a property test finds is written into the tree, as a case that
# every later run begins with; what a fuzz target finds is kept under the target folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes=${1:?tests/explore.sh MINUTES}
fuzz_seconds=30
end=$((SECONDS + minutes * 60))
kept=$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/explore
mkdir -p "$kept"

# Every file that holds a property test: its crate, its target and its module.
declare -A binaries=() filters=()
while read -r file; do
  crate=${file%%/src/*}
  crate=${crate%%/tests/*}
  inside=${file#"$crate"/}
  case $inside in
  src/*) target=--lib module=${inside#src/} ;;
  tests/*/*) target=${inside#tests/} target="--test ${target%%/*}" module=${inside#tests/*/} ;;
  esac
  module=${module%.rs}
  key="$crate $target"
  filters[$key]+=" ${module//\//::}::"
done < <(grep --recursive --files-with-matches --include='*.rs' '^proptest! {' common filter control-plane tests | sort)

# Built once and put aside, so that the tree can be worked on meanwhile.
for key in "${!filters[@]}"; do
  read -r crate target <<<"$key"
  # shellcheck disable=SC2086 # the target is two words
  built=$(cargo test --no-run --manifest-path "$crate/Cargo.toml" $target 2>&1) || { echo "$built" >&2; exit 1; }
  binary=$(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built")
  binaries[$key]=$kept/$(basename "$binary")
  cp "$binary" "${binaries[$key]}"
done

fuzz/run.sh 0

failed=0
round=0
while ((SECONDS < end)); do
  round=$((round + 1))
  seed=$(od --address-radix=n --format=u8 --read-bytes=8 /dev/urandom | tr -d ' ')
  echo "round $round: seed $seed"
  for key in "${!filters[@]}"; do
    read -r crate target <<<"$key"
    # shellcheck disable=SC2086 # the filters are several words
    if ! output=$(cd "$crate" && PROPTEST_RNG_SEED=$seed "${binaries[$key]}" ${filters[$key]} 2>&1); then
      failed=1
      echo "$output"
      echo "FOUND in $crate; see it again with: PROPTEST_RNG_SEED=$seed cargo test --manifest-path $crate/Cargo.toml $target"
    fi
  done
  if ((SECONDS < end)); then
    FUZZ_BUILT=1 FUZZ_SEED=0 fuzz/run.sh "$fuzz_seconds" || { failed=1; echo "FOUND by a fuzz target"; }
  fi
done
if ((failed)); then
  echo "$round rounds in $minutes minutes, with finds: add each as a case with a name, then mend it" >&2
  exit 1
fi
echo "$round rounds in $minutes minutes, no find"
