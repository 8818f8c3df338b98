#!/usr/bin/env bash
# deny.sh: checks licences, bans and sources of all dependencies, and the advisories of RustSec where they can be had.
#
# Usage:   deny.sh CARGO_DENY
# Reads:   CUBEGATE_CACHE   the cache folder, in which the advisories are kept; default ${XDG_CACHE_HOME:-~/.cache}/cubegate
# Exit:    0 nothing is wrong, or only the advisories could not be had, which is said; else 1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
deny=("$1" --log-level error)
database=${CUBEGATE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cubegate}/advisories

"${deny[@]}" check --hide-inclusion-graph bans licenses sources

# A machine without the internet has those of the last time, if any.
config=$(mktemp)
trap 'rm -f "$config"' EXIT
sed "s|^\[advisories\]|&\ndb-path = \"$database\"|" deny.toml >"$config"
if ! timeout 60 "${deny[@]}" --config "$config" fetch db 2>/dev/null; then
	echo "warning: RustSec's advisories cannot be fetched; those of the last time are taken, if there are any" >&2
fi
if compgen -G "$database/advisory-db-*/crates" >/dev/null; then
	"${deny[@]}" --config "$config" --offline check --hide-inclusion-graph advisories
else
	echo "warning: there are no advisories here: dependencies were NOT checked against them" >&2
fi
