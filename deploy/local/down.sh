#!/usr/bin/env bash
# down.sh: stops exactly what up.sh started; data stay in .run for the next start.
#
# Usage:   down.sh
# Outputs: messages on stderr.
# Exit:    0 nothing of it runs any more.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"
# shellcheck source=deploy/local/gateway.sh
source "$here/gateway.sh"

# The control plane stops its Envoy; one that it left behind when it was killed is found by its bootstrap.
for what in "cubegate.pid $run/gateway" "gateway/envoy/envoy.pid $run/gateway/envoy/bootstrap.yaml"; do
	read -r file word <<<"$what"
	if pid=$(running "$run/$file" "$word"); then
		say "stopping process $pid (${file##*/})"
		stop_pid "$pid" "${file##*/}"
	fi
	rm -f "$run/$file"
done
for name in pivot-cluster member-1; do
	[[ ! -d $run/$name ]] || "$here/apiserver.sh" stop "$run/$name"
done
say "everything is stopped; the data stay in .run (remove the folder to start afresh)"
