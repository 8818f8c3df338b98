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

# stop_recorded PIDFILE WORD...: stops the process that is recorded there, if it has one of these among its arguments.
stop_recorded() {
	local pid word file=$run/$1
	for word in "${@:2}"; do
		if pid=$(running "$file" "$word"); then
			say "stopping process $pid (${file##*/})"
			stop_pid "$pid" "${file##*/}"
		fi
	done
	rm -f "$file"
}

# The control plane stops its Envoys; those that it left behind when it was killed are found by their bootstraps.
stop_recorded cubegate.pid "$run/gateway"
for file in envoy.pid standby.pid; do
	stop_recorded "gateway/envoy/$file" "$run"/gateway/envoy/bootstrap{,-2}.yaml
done
for name in pivot-cluster member-1; do
	[[ ! -d $run/$name ]] || "$here/apiserver.sh" stop "$run/$name"
done
say "everything is stopped; the data stay in .run (remove the folder to start afresh)"
