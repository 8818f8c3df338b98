#!/usr/bin/env bash
# check-tests.sh: proves that every test which a document names exists.
#
# Usage:   check-tests.sh FILE...
# A word in `backticks` counts as a test when it is `{path}.rs::{name}`, or `::{name}` for the file of the test named before
# it on the line; a name that ends with … is the beginning of one. Paths may be short as in docs/threats.md.
# Exit:    0 all exist; 1 with the words that do not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Prints the whole path of a short one.
whole() {
	case $1 in
	e2e/*) echo "tests/$1" ;;
	pipeline/*) echo "filter/$1" ;;
	api/* | store/* | runtime/* | member/* | xds/* | snapshot/*) echo "control-plane/$1" ;;
	*) echo "$1" ;;
	esac
}

bad=0
for document in "$@"; do
	file=
	while read -r word; do
		name=${word##*::}
		[[ $word == ::* ]] || file=$(whole "${word%%::*}")
		case $name in
		*…) pattern="fn ${name%…}" ;;
		*) pattern="fn $name(" ;;
		esac
		if ! grep -qsF -- "$pattern" "$file"; then
			echo "$document names the test $name in $file, which does not exist" >&2
			bad=1
		fi
	done < <(grep -oE '`([A-Za-z0-9_./-]+\.rs)?::[a-z0-9_]+…?`' "$document" | tr -d '`')
done
exit "$bad"
