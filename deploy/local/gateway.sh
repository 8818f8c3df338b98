# shellcheck shell=bash
# gateway.sh: the gateway of the local stack, as up.sh and down.sh see it.
#
# Usage:   source "$here/gateway.sh"   (after lib.sh, with `here` and `root` set)
# Reads:   CARGO_TARGET_DIR            where the programs are; default: target
# Outputs: messages on stderr.

# shellcheck disable=SC2154 # root is set by who sources this
run=$root/.run
# Where cargo puts what it builds.
built=$(cd "$root" && realpath -m -- "${CARGO_TARGET_DIR:-target}")
cubegate=$built/debug/cubegate
filter=$built/wasm32-wasip1/filter/cubegate_filter.wasm

# is_ours PID WORD: whether PID is a process that has WORD among its arguments.
is_ours() {
	[[ -n $1 && -r /proc/$1/cmdline ]] && tr '\0' '\n' <"/proc/$1/cmdline" | grep -qxF -- "$2"
}

# running PIDFILE WORD: prints the recorded pid if that process still is the one that was recorded.
running() {
	local pid
	pid=$(cat "$1" 2>/dev/null) || return 1
	is_ours "$pid" "$2" && echo "$pid"
}

# stop_pid PID WHAT: asks, and after 15 s kills.
stop_pid() {
	local tries=150
	kill -TERM "$1" 2>/dev/null || return 0
	while kill -0 "$1" 2>/dev/null; do
		((tries-- > 0)) || {
			say "$2 does not stop and is killed"
			kill -KILL "$1" 2>/dev/null || true
		}
		sleep 0.1
	done
}

# saved_password: the admin password of an earlier start, or a new one.
saved_password() {
	local saved
	saved=$(sed -n "s/^ADMIN_PASSWORD='\(.*\)'$/\1/p" "$run/env" 2>/dev/null || true)
	[[ -n $saved ]] || saved=$(head -c 15 /dev/urandom | base64 | tr '+/' 'ab')
	echo "$saved"
}

# start_gateway LISTEN ENVOY PASSWORD: unless it runs, and is not older than what was built.
start_gateway() {
	local pid data=$run/gateway
	if pid=$(running "$run/cubegate.pid" "$data"); then
		if [[ ! $cubegate -nt $run/cubegate.pid && ! $filter -nt $run/cubegate.pid ]]; then
			say "the gateway runs already (process $pid)"
			return 0
		fi
		say "the gateway was built anew and is started again"
		stop_pid "$pid" "the gateway"
	fi
	CUBEGATE_ADMIN_PASSWORD=$3 setsid "$cubegate" up --listen "$1" --data-dir "$data" --envoy "$2" --filter "$filter" \
		>"$run/cubegate.log" 2>&1 </dev/null &
	pid=$!
	echo "$pid" >"$run/cubegate.pid"
	disown
	local tries=600
	until grep -q '^gateway ' "$run/cubegate.log" 2>/dev/null; do
		if ! kill -0 "$pid" 2>/dev/null; then
			tail -n 3 "$run/cubegate.log" >&2
			! grep -q "cannot listen on $1" "$run/cubegate.log" || die "$1 is taken; choose another address: CUBEGATE_LISTEN=127.0.0.1:30444 make up"
			die "the gateway did not start; its log is $run/cubegate.log"
		fi
		((tries-- > 0)) || die "the gateway does not answer after a minute; its log is $run/cubegate.log"
		sleep 0.1
	done
}

# endpoint NAME: a value of the gateway's endpoints.json.
endpoint() {
	python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]] or "")' "$run/gateway/endpoints.json" "$1"
}

# write_env PASSWORD
write_env() {
	(
		umask 077
		cat >"$run/env.new" <<ENV
GATEWAY_URL='$(endpoint gateway)'
GATEWAY_CA='$(endpoint ca)'
ADMIN_USER='admin'
ADMIN_PASSWORD='$1'
ENVOY_ADMIN_URL='$(endpoint envoy_admin)'
CONTROL_PLANE_URL='$(endpoint control_plane)'
CONTROL_PLANE_CA='$(endpoint control_plane_ca)'
KUBECONFIG_PIVOT='$run/pivot-cluster/kubeconfig'
KUBECONFIG_MEMBER='$run/member-1/kubeconfig'
ENV
	)
	mv "$run/env.new" "$run/env"
}

# log_in: with the user and password of .run/env; prints the status.
log_in() {
	curl -s -o /dev/null -w '%{http_code}' --cacert "$GATEWAY_CA" -c "$run/cookies" "$GATEWAY_URL/api/v1/cube/login" \
		-d "{\"name\":\"$ADMIN_USER\",\"password\":\"$ADMIN_PASSWORD\",\"loginType\":\"normal\"}" || true
}

# make_password_count: the password in .run/env must be the one that counts, whatever became of either. A new one ends
# all of the user's tokens, so one that counts already is left alone.
make_password_count() {
	if [[ $(log_in) == 401 ]]; then
		"$cubegate" user passwd "$ADMIN_USER" --password "$ADMIN_PASSWORD" --data-dir "$run/gateway" >&2
	fi
}

# wait_for_cluster NAME: until the gateway knows it. Without a token the answer is 401 for every cluster, so this logs in.
wait_for_cluster() {
	local tries=100 jar=$run/cookies code
	until code=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$GATEWAY_CA" -b "$jar" \
		"$GATEWAY_URL/api/v1/cube/proxy/clusters/$1/version") && [[ $code == 200 ]]; do
		((tries-- > 0)) || die "the gateway does not reach $1 (it answers $code); its log is $run/cubegate.log"
		[[ $code != 401 ]] || log_in >/dev/null
		sleep 0.2
	done
}
