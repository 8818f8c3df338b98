#!/usr/bin/env bash
# check-paths.sh: proves that every path which a document names in `backticks` exists.
#
# Usage:   check-paths.sh FILE...
# A word counts as a path when it has a slash, begins with a folder of the checkout and has no blank or placeholder.
# Exit:    0 all exist; 1 with the words that do not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bad=0
for document in "$@"; do
	while read -r path; do
		[[ -d ${path%%/*} ]] || continue
		if [[ ! -e $path ]]; then
			echo "$document names $path, which does not exist" >&2
			bad=1
		fi
	done < <(grep -o '`[A-Za-z0-9_.-]*/[A-Za-z0-9_./-]*`' "$document" | tr -d '`' | grep -v '^target/' | sort -u)
done
exit "$bad"
