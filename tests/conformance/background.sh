#!/usr/bin/env bash
# background.sh: a program that runs beside a capability, and waiting for what it says. Sourced by the other scripts; reads DIR, an
# empty folder.

# background PROGRAM ARGUMENT...: runs it, writing to $DIR/out, until the script ends.
started=
trap '[[ -z $started ]] || kill "$started" 2>/dev/null || true' EXIT
background() {
	"$@" >"$DIR/out" &
	started=$!
}

# until_in FILE TEXT: waits until it is there.
until_in() {
	for _ in {1..200}; do
		! grep -qF -- "$2" "$1" || return 0
		sleep 0.1
	done
	echo "'$2' has not come" >&2
	cat "$1" >&2
	return 1
}
