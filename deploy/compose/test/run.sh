#!/usr/bin/env bash
# run.sh: brings the local stack up with podman-compose, goes through the guide, and breaks one part after the other.
#
# Usage:   run.sh                  (`make compose-test`)
# Needs:   root; podman runc netavark aardvark-dns iptables debootstrap jq curl; podman-compose (PyPI; fetched if it is missing).
# Reads:   PREBUILT                a folder of compile.sh with the programs; default: target/images/prebuilt, filled if it is empty
#          UP_LIMIT                what `up` and the guide may take, in seconds; default 60
#          COMPOSE_LIMIT           what one `up` or `down` may take before it is given up, in seconds; default 300
#          SHORT                   if set, nothing is broken: up and the guide, Prometheus, one's own clusters
#          KEEP                     if set, the stack is left running
# Outputs: one line a check on stderr.
# Exit:    0 all hold; 1 with the one that does not, and the last words of all services.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$root/deploy/local/lib.sh"
# shellcheck source=deploy/images/test/engine.sh
source "$root/deploy/images/test/engine.sh"
need jq jq
need curl curl
cd "$root"

compose_program=$(command -v podman-compose || true)
if [[ -z $compose_program ]]; then
	python3 -m venv "$cache/podman-compose"
	"$cache/podman-compose/bin/pip" --quiet install podman-compose==1.6.0
	compose_program=$cache/podman-compose/bin/podman-compose
fi

prebuilt=${PREBUILT:-target/images/prebuilt}
work=$(mktemp -d)
mkdir "$work/kubeconfigs"
export GATEWAY_PORT=${GATEWAY_PORT:-31443} CUBEGATE_RUN=$work
readonly project=cubegate-test
parts=localhost/cubegate-test/parts
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
export CUBEGATE_IMAGE=localhost/cubegate:$version CUBEGATE_ENVOY_IMAGE=localhost/cubegate-envoy:$version
export PROMETHEUS_IMAGE=localhost/cubegate-test/prometheus CUBEGATE_KUBECONFIGS=$work/kubeconfigs
export CUBEGATE_TOOLS_IMAGE=$parts POSTGRES_IMAGE=$parts ETCD_IMAGE=$parts APISERVER_IMAGE=$parts

readonly own=cubegate-test-own
# compose_of PROJECT ARGUMENT...: podman-compose with the stack's file; more of them may be named.
compose_of() {
	local of=$1
	shift
	timeout "${COMPOSE_LIMIT:-300}" "$compose_program" --podman-path "$here/podman" --project-name "$of" --file deploy/compose/compose.yaml "$@" >>"$work/compose.log" 2>&1
}
compose() { compose_of "$project" "$@"; }
container() { echo "${project}_$1_1"; }
loads=()

finish() {
	local status=$?
	trap - EXIT
	((!${#loads[@]})) || kill "${loads[@]}" 2>/dev/null || true
	if ((status)); then
		tail -n 15 "$work/compose.log" >&2 || true
		for each in $(for of in "$project" "$own"; do podman ps --all --quiet --filter "label=io.podman.compose.project=$of"; done); do
			echo "=== $(podman inspect --format '{{.Name}}: {{.State.Status}} {{.State.ExitCode}}' "$each")" >&2
			podman logs --tail 4 "$each" >&2 || true
		done
	fi
	if [[ -z ${KEEP:-} ]]; then
		compose_of "$own" down --volumes || true
		compose down --volumes || true
		rm -rf "$work"
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

holds() { say "ok: $*"; }

# until_true SECONDS WHAT COMMAND...: tries until the command succeeds.
until_true() {
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		((SECONDS < deadline)) || die "$what: not within the time"
		sleep 0.2
	done
}

# === Images ===

if [[ ! -e $prebuilt/amd64/cubegate || ! -e $prebuilt/amd64/cubegate-health || ! -e $prebuilt/amd64/cubegate_filter.wasm ]]; then
	deploy/images/compile.sh "$prebuilt/amd64" amd64 cubegate health filter
fi
"$root/deploy/images/test/bases.sh" >/dev/null
ENGINE=podman CUBEGATE_BUILDER=localhost/cubegate-test/base CUBEGATE_BASE=localhost/cubegate-test/base CUBEGATE_ENVOY_BASE=localhost/cubegate-test/envoy \
	deploy/images/build.sh --prebuilt "$prebuilt" cubegate envoy >/dev/null 2>"$work/build.log" || { cat "$work/build.log" >&2 && die "the images cannot be built"; }
compose_of "$own" down --volumes || true
compose down --volumes || true

# === Up, and the guide to its last line ===

began=$EPOCHREALTIME
compose up --detach --wait || die "the stack does not come up"
# shellcheck source=/dev/null
source "$work/env"
ca=$work/gateway-ca.crt
gw() { curl --silent --max-time 20 --cacert "$ca" "$@"; }
status() { gw --output /dev/null --write-out '%{http_code}' "$@" || true; }

# login: logs the administrator in, with the session in $work/cookies. A control plane that gets no turn on a busy machine finds
# no connection to its database within its time, and says so (503): then it is asked again.
login() {
	local said deadline=$((SECONDS + 20))
	until said=$(gw --show-error --write-out '\n%{http_code}' --cookie-jar "$work/cookies" "$GATEWAY_URL/api/v1/cube/login" \
		--data "{\"name\":\"$ADMIN_USER\",\"password\":\"$ADMIN_PASSWORD\",\"loginType\":\"normal\"}" 2>&1) && [[ ${said##*$'\n'} == 200 ]]; do
		[[ ${said##*$'\n'} == 503 ]] && ((SECONDS < deadline)) || die "the administrator cannot log in: ${said//$ADMIN_PASSWORD/…}"
		sleep 0.5
	done
}
# is_taken CLUSTER: both Envoys have it. One may take longer than the command that registers waits, which then says so.
is_taken() {
	gw --cookie "$work/cookies" "$GATEWAY_URL/api/v1/cube/clusters" |
		jq --exit-status --arg name "$1" '.items[]? | select(.name == $name) | .envoys.connected == 2 and .envoys.waiting == 0' >/dev/null
}
login
for each in pivot-cluster member-1; do until_true 30 "both Envoys have $each" is_taken "$each"; done
key=$(gw --cookie "$work/cookies" "$GATEWAY_URL/api/v1/cube/key/create")
ak=$(jq -r .accessKey <<<"$key") sk=$(jq -r .secretKey <<<"$key")
exchange() { gw "$GATEWAY_URL/api/v1/cube/key/token" --header 'Content-Type: application/json' --data "{\"accessKey\":\"$ak\",\"secretKey\":\"$sk\"}"; }
token=$(exchange | jq -r .token)
pivot=$GATEWAY_URL/api/v1/cube/proxy/clusters/pivot-cluster
as_us() { gw --header "Authorization: Bearer $token" "$@"; }
# page URL TOTAL ITEMS: the page has so many items, of so many.
page() {
	local answer said
	answer=$(as_us "$1")
	said=$(jq -r '"\(.total) \(.items | length)"' <<<"$answer")
	[[ $said == "$2 $3" ]] || die "$1 gives '$said' (total and items), not '$2 $3': ${answer:0:300}"
}
page "$pivot/api/v1/pods" 205 10
[[ $(as_us "$pivot/api/v1/namespaces/kubecube/pods/kubecube" | jq -r .reason) == NotFound ]] || die "the API server's own 404 does not come"
page "$pivot/apis/apps/v1/namespaces/shop/deployments?sortName=metadata.creationTimestamp&sortOrder=desc&pageSize=20&pageNum=2" 50 20
page "$pivot/apis/tenant.kubecube.io/v1/tenants?selector=metadata.name~a" 5 5
[[ $(as_us "$pivot/api/v1/pods?selector=status.phase=Running,metadata.namespace~shop&pageSize=3" | jq '.items | length') == 3 ]] || die "the last line of the guide gives no page"
[[ $(as_us "$GATEWAY_URL/clusters/member-1/api/v1/namespaces" | jq -r .kind) == NamespaceList ]] || die "member-1 gives no namespaces"
took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f", b - a }')
((took <= ${UP_LIMIT:-60})) || die "up and the guide took $took s; ${UP_LIMIT:-60} are promised"
holds "from nothing to the last line of the guide: $took s"

# === Who may what ===

for each in $(podman ps --all --quiet --filter "label=io.podman.compose.project=$project"); do
	read -r name read_only user <<<"$(podman inspect --format '{{.Name}} {{.HostConfig.ReadonlyRootfs}} {{.Config.User}}' "$each")"
	caps=$(podman inspect --format '{{.EffectiveCaps}}' "$each")
	[[ $read_only == true ]] || die "$name has a root file system that it can write to"
	[[ $name == *_init_* || ($user != 0* && $user != root && -n $user && $caps == '[]') ]] || die "$name runs as '$user' with the capabilities $caps"
done
holds "no service is root or has capabilities, but for init; none can write to its root file system"
! podman inspect $(podman ps --all --quiet --filter "label=io.podman.compose.project=$project") | grep -qF "$ADMIN_PASSWORD" || die "the password stands in a container's settings"
holds "no password stands in a container's settings"

if [[ -z ${SHORT:-} ]]; then

# === Load ===

# begin_load NAME [--keep]: lists of pods, until end_load.
begin_load() {
	local name=$1
	shift
	python3 "$here/load.py" "$pivot/api/v1/pods?pageSize=1" "$ca" "$token" "$@" >"$work/$name.json" &
	loads+=($!)
	declare -g "pid_$name=$!"
	sleep 1
}
# end_load NAME: sets `asked`, `failed`, `failures`.
end_load() {
	local pid=pid_$1
	kill "${!pid}"
	wait "${!pid}" || true
	read -r asked failed < <(jq -r '"\(.asked) \(.failed)"' "$work/$1.json")
	failures=$(jq -c .failures "$work/$1.json")
	((asked > 20)) || die "the load asked only $asked times: $failures"
}
gives_tokens() { [[ $(status "$GATEWAY_URL/api/v1/cube/key/token?accessKey=$ak&secretKey=$sk") == 200 ]]; }

# --- A control plane is killed ---
begin_load planes
podman kill "$(container control-plane-1)" >/dev/null
until_true 10 "tokens come from the other control plane" gives_tokens
for _ in 1 2 3 4 5 6 7 8 9 10; do gives_tokens || die "a control plane that is gone is still asked"; done
# A change reaches both Envoys: a user is made, and what it had is taken from it.
podman exec "$(container control-plane-2)" /usr/local/bin/cubegate user add jeff --password correct-horse >/dev/null
jeff=$(gw "$GATEWAY_URL/oauth/token" --data grant_type=password --data-urlencode username=jeff --data-urlencode password=correct-horse | jq -r .access_token)
as_jeff() { status --header "Authorization: Bearer $jeff" "$GATEWAY_URL/clusters/pivot-cluster/api/v1/pods"; }
[[ $(as_jeff) == 403 ]] || die "jeff, who may nothing in the cluster, is answered $(as_jeff)"
podman exec "$(container control-plane-2)" /usr/local/bin/cubegate user disable jeff >/dev/null
is_out() { for _ in 1 2 3 4 5 6; do [[ $(as_jeff) == 401 ]] || return 1; done; }
until_true 5 "a user who was disabled is refused by both Envoys" is_out
end_load planes
((failed == 0)) || die "of $asked requests $failed failed while a control plane was killed: $failures"
podman start "$(container control-plane-1)" >/dev/null 2>&1
holds "a control plane killed: $asked requests, 0 failed; tokens, users and their end work on"

# --- An Envoy is killed ---
begin_load envoys
podman kill "$(container envoy-1)" >/dev/null
sleep 4
end_load envoys
# What was under way there is lost; who comes later is not.
late=$(jq '[.failures[] | select(.[0] > 4)] | length' "$work/envoys.json")
((failed <= 12 && late == 0)) || die "of $asked requests $failed failed when an Envoy was killed, $late of them later: $failures"
podman start "$(container envoy-1)" >/dev/null 2>&1
"$here/podman" wait --condition=healthy "$(container envoy-1)"
holds "an Envoy killed: $asked requests, $failed failed, which were under way there; none later"

# --- PostgreSQL is started again ---
begin_load database --keep
podman stop "$(container postgres)" >/dev/null
refused=$(gw --write-out '\n%{http_code}' "$GATEWAY_URL/api/v1/cube/key/token?accessKey=$ak&secretKey=$sk" || true)
[[ ${refused##*$'\n'} == 503 && $(jq -r .message <<<"${refused%$'\n'*}") == *" "* ]] || die "without a database the API says: $refused"
podman start "$(container postgres)" >/dev/null 2>&1
"$here/podman" wait --condition=healthy "$(container postgres)"
until_true 15 "tokens come again after the database" gives_tokens
end_load database
((failed == 0)) || die "of $asked requests $failed failed while PostgreSQL was started again: $failures"
holds "PostgreSQL started again: $asked requests, 0 failed; the API said 503 ($(jq -r .message <<<"${refused%$'\n'*}")) and is back"

# --- All is stopped and started again ---
compose down || die "the stack does not end"
compose up --detach --wait || die "the stack does not come up a second time"
page "$pivot/api/v1/pods" 205 10
gives_tokens || die "the key is gone after everything was started again"
# Podman's name server takes new containers in while it is asked, and a question that it loses costs the resolver more than
# the command waits for a connection, which it says.
is_jeff_there() { [[ $(podman exec "$(container control-plane-1)" /usr/local/bin/cubegate user list) == *jeff* ]]; }
until_true 45 "the users of before are there after everything was started again" is_jeff_there
holds "all stopped and started again: the token of before is good, and keys, users and clusters are there"

fi

# === Prometheus, by its profile ===

export PROMETHEUS_PORT=${PROMETHEUS_PORT:-31090}
# prometheus WHAT FLAG...: asks its API.
prometheus() {
	local what=$1
	shift
	curl --silent --max-time 10 "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/$what" "$@"
}
# Without --wait, which would wait for Grafana, too.
compose --profile observability up --detach prometheus || die "Prometheus does not come up"
all_are_read() { [[ $(prometheus targets | jq '[.data.activeTargets[] | select(.health == "up")] | length') == 4 ]]; }
until_true 60 "Prometheus reads both control planes and both Envoys" all_are_read
alerts=$(prometheus rules | jq '[.data.groups[].rules[] | select(.type == "alerting")] | length')
((alerts > 0 && alerts == $(grep -c '^ *- alert:' deploy/observability/rules.yaml))) || die "Prometheus has $alerts alerts, not those of deploy/observability/rules.yaml"
filters=$(prometheus query --get --data-urlencode 'query=count(count by (instance) (cubegate_filter_refused_total))' | jq -r '.data.result[0].value[1]')
[[ $filters == 2 ]] || die "Prometheus has series of $filters filters, not of 2"
holds "the profile observability: Prometheus reads two control planes and two Envoys, and has $alerts alerts"

# === Clusters of one's own, in the place of those of the stack ===

# The API servers of the first stack are what a user has already: reached by a name, with a kubeconfig each.
for each in first=pivot-cluster second=member-1; do
	podman run --rm --user 0:0 --volume "${project}_clusters:/clusters:ro" "$parts" cat "/clusters/${each#*=}.gateway.json" >"$work/kubeconfigs/${each%=*}.kubeconfig"
done
chown -R 65532:65532 "$work/kubeconfigs"
chmod 400 "$work"/kubeconfigs/*
podman network exists "${own}_default" || podman network create "${own}_default" >/dev/null
for each in pivot-cluster member-1; do podman network connect --alias "$each" "${own}_default" "$(container "$each")"; done
mkdir "$work/own"
GATEWAY_PORT=$((GATEWAY_PORT + 1)) CUBEGATE_RUN=$work/own compose_of "$own" --file deploy/compose/own-clusters.yaml up --detach --wait || die "the stack does not come up with clusters of one's own"
# shellcheck source=/dev/null
source "$work/own/env"
ca=$work/own/gateway-ca.crt
login
for each in first second; do until_true 60 "both Envoys have $each" is_taken "$each"; done
mine=$(gw --cookie "$work/cookies" "$GATEWAY_URL/api/v1/cube/clusters" | jq -c '[.items[].name] | sort')
[[ $mine == '["first","second"]' ]] || die "the clusters are $mine, not first and second"
for each in first=205 second=220; do
	total=$(gw --cookie "$work/cookies" "$GATEWAY_URL/api/v1/cube/proxy/clusters/${each%=*}/api/v1/pods" | jq -r .total)
	[[ $total == "${each#*=}" ]] || die "the cluster ${each%=*} has $total pods, not ${each#*=}"
done
! podman ps --all --format '{{.Names}}' | grep -qE "^${own}_(pivot-cluster|member-1)" || die "an API server was started all the same"
holds "with own-clusters.yaml two clusters of one's own are served, and no others are started"
