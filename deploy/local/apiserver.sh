#!/usr/bin/env bash
# apiserver.sh: one real kube-apiserver with its etcd, on loopback, for the local stack and the tests.
#
# Usage:   apiserver.sh start NAME DIR [--port P] [--token-webhook FILE] [--token-file CSV] [--tls-min-version V]
#                                                   start it, or say that it runs already; NAME is the kubeconfig's context,
#                                                   FILE a kubeconfig that leads to whoever checks bearer tokens, CSV a file of
#                                                   tokens (token,user,uid,"group,group"), V the least TLS that it speaks, as
#                                                   VersionTLS13
#          apiserver.sh gateway-kubeconfig DIR      make the gateway's own identity in that cluster (the server must run)
#          apiserver.sh stop DIR                    SIGTERM, and SIGKILL after 10 s; the data stay
#          apiserver.sh kill DIR                    SIGKILL at once, for tests; the data stay
# Needs:   openssl, curl; the programs tools.sh finds or gets.
# Outputs: `start` prints DIR/kubeconfig, `gateway-kubeconfig` prints DIR/gateway.kubeconfig, on stdout; all else on stderr.
#          In DIR: kubeconfig (administrator, 0600), gateway.kubeconfig (0600), pki/, etcd/, ports,
#          etcd.{pid,log}, kube-apiserver.{pid,log}. A DIR used before keeps its certificates, its data and, if they
#          are still free, its ports, so that a kubeconfig stays valid.
# Exit:    0 done, or there was nothing to do; 1 with the reason; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"
# shellcheck source=deploy/local/pki.sh
source "$here/pki.sh"

usage() {
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

# === Processes ===

# ours WHAT: sets `pid` to the process recorded for WHAT (etcd or kube-apiserver); false when it is gone, or when its
# number is now somebody else's.
ours() {
	local mark
	[[ -s $dir/$1.pid ]] || return 1
	read -r pid <"$dir/$1.pid" || return 1
	[[ $pid =~ ^[0-9]+$ ]] || return 1
	case $1 in
	etcd) mark=--data-dir=$dir/etcd ;;
	*) mark=--cert-dir=$dir/pki ;;
	esac
	tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qxF -e "$mark"
}

# detach WHAT COMMAND...: starts COMMAND in a session of its own, recorded as WHAT, with none of our files open, so that
# it outlives the shell and the pipes of whoever called us.
detach() {
	local what=$1
	shift
	rm -f "$dir/$what.pid"
	# shellcheck disable=SC2016 # expanded by the inner shell
	setsid --fork bash -c '
		for fd in /proc/$$/fd/*; do fd=${fd##*/}; ((fd <= 2)) || eval "exec $fd>&-"; done
		echo $$ >"$1"; shift; exec "$@"' detach "$dir/$what.pid" "$@" </dev/null >>"$dir/$what.log" 2>&1
	until [[ -s $dir/$what.pid ]]; do sleep 0.02; done
}

# end SIGNAL WHAT: sends SIGNAL and waits until the process is gone; SIGKILL after 10 s.
end() {
	local deadline=$((SECONDS + 10)) signal=$1
	while ours "$2"; do
		if [[ -n $signal ]]; then kill "-$signal" "$pid" 2>/dev/null || true; fi
		signal=
		if ((SECONDS >= deadline)); then
			say "$2 (process $pid) does not end; killing it"
			kill -KILL "$pid" 2>/dev/null || true
			deadline=$((SECONDS + 10))
		fi
		sleep 0.05
	done
	rm -f "$dir/$2.pid"
}

# The API server first: with etcd gone it would wait for it.
end_both() { end "$1" kube-apiserver && end "$1" etcd; }

# === Ports ===

# port_is_free PORT: nobody listens there and we could.
port_is_free() {
	python3 - "$1" <<-'PYTHON' 2>/dev/null
		import socket, sys
		with socket.socket() as s:
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(("127.0.0.1", int(sys.argv[1])))
		    s.listen()
	PYTHON
}

# new_port: a free port below the range from which the kernel serves outgoing connections, and other than those chosen.
new_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 10000))
		[[ " $api_port $etcd_port $peer_port " != *" $port "* ]] && port_is_free "$port" && break
	done
	printf '%s' "$port"
}

# choose_ports: those of the last time where they are free, else new ones; an explicit --port must be free.
choose_ports() {
	api_port='' etcd_port='' peer_port=''
	# shellcheck source=/dev/null
	if [[ -s $dir/ports ]]; then source "$dir/ports"; fi
	if [[ -n $wanted_port ]]; then
		port_is_free "$wanted_port" || die "port $wanted_port of 127.0.0.1 is in use or not ours to take; give another one, or leave --port out"
		api_port=$wanted_port
	elif [[ -n $api_port ]] && ! port_is_free "$api_port"; then
		say "port $api_port, used by this server before, is taken; $dir/kubeconfig gets another one"
		api_port=
	fi
	api_port=${api_port:-$(new_port)}
	if [[ -z $etcd_port ]] || ! port_is_free "$etcd_port"; then etcd_port= && etcd_port=$(new_port); fi
	if [[ -z $peer_port ]] || ! port_is_free "$peer_port"; then peer_port= && peer_port=$(new_port); fi
	printf 'api_port=%s\netcd_port=%s\npeer_port=%s\n' "$api_port" "$etcd_port" "$peer_port" >"$dir/ports"
}

# === Files ===

# write_kubeconfig OUTPUT NAME USER CERTIFICATE: whole or not at all, 0600.
write_kubeconfig() {
	local output=$1 name=$2 user=$3 certificate=$4
	(
		umask 077
		cat >"$output.new" <<-YAML
			apiVersion: v1
			kind: Config
			current-context: $name
			clusters:
			- name: $name
			  cluster:
			    server: https://127.0.0.1:$api_port
			    certificate-authority-data: $(base64 -w0 "$dir/pki/ca.crt")
			users:
			- name: $user
			  user:
			    client-certificate-data: $(base64 -w0 "$certificate.crt")
			    client-key-data: $(base64 -w0 "$certificate.key")
			contexts:
			- name: $name
			  context:
			    cluster: $name
			    user: $user
		YAML
	)
	chmod 600 "$output.new"
	mv -f "$output.new" "$output"
}

# is_ready: the server answers 200 to the administrator's certificate.
is_ready() {
	[[ $(curl -s -o /dev/null -w '%{http_code}' --noproxy '*' --max-time 5 --cacert "$dir/pki/ca.crt" --cert "$dir/pki/admin.crt" \
		--key "$dir/pki/admin.key" "https://127.0.0.1:$api_port/readyz" 2>/dev/null) == 200 ]]
}

# === Commands ===

run_both() {
	local etcd_url=http://127.0.0.1:$etcd_port peer_url=http://127.0.0.1:$peer_port
	detach etcd "$etcd" --name="$name" --data-dir="$dir/etcd" --logger=zap --log-level=error \
		--listen-client-urls="$etcd_url" --advertise-client-urls="$etcd_url" \
		--listen-peer-urls="$peer_url" --initial-advertise-peer-urls="$peer_url" --initial-cluster="$name=$peer_url"
	# 127.0.0.1 is no valid endpoint of the Service `kubernetes` (reconciler none), and no controller makes the
	# ServiceAccounts that pods would need (admission plugin off).
	detach kube-apiserver "$apiserver" --etcd-servers="$etcd_url" \
		--bind-address=127.0.0.1 --secure-port="$api_port" --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
		--cert-dir="$dir/pki" --tls-cert-file="$dir/pki/apiserver.crt" --tls-private-key-file="$dir/pki/apiserver.key" \
		--client-ca-file="$dir/pki/ca.crt" --service-account-issuer=https://kubernetes.default.svc \
		--service-account-key-file="$dir/pki/sa.pub" --service-account-signing-key-file="$dir/pki/sa.key" \
		--kubelet-client-certificate="$dir/pki/kubelet-client.crt" --kubelet-client-key="$dir/pki/kubelet-client.key" \
		--service-cluster-ip-range=10.0.0.0/24 --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount \
		"${webhook_flags[@]}" "${token_flags[@]}" "${tls_flags[@]}"
}

# wait_ready: 0 ready; 1 not within 60 s; 2 one of the two ended.
wait_ready() {
	local deadline=$((SECONDS + 60))
	until is_ready; do
		ours etcd && ours kube-apiserver || return 2
		((SECONDS < deadline)) || return 1
		sleep 0.1
	done
}

start() {
	local began=$EPOCHREALTIME try status
	[[ $name =~ ^[a-z0-9]([-a-z0-9]*[a-z0-9])?$ ]] || die "'$name' is no cluster name; use small letters, digits and dashes"
	need openssl openssl
	need curl curl
	need python3 python3
	mkdir -p "$dir" && [[ -w $dir ]] || die "cannot write to $dir; make it writable or choose another folder"
	exec 9>"$dir/.lock"
	flock 9
	if ours kube-apiserver && ours etcd && [[ -s $dir/ports && -s $dir/kubeconfig ]]; then
		# shellcheck source=/dev/null
		source "$dir/ports"
		if is_ready; then
			say "$name is running already at https://127.0.0.1:$api_port"
			[[ -z $wanted_port || $wanted_port == "$api_port" ]] ||
				die "$name runs on port $api_port and not on $wanted_port; to move it run: $0 stop $dir"
			printf '%s\n' "$dir/kubeconfig"
			return 0
		fi
	fi
	end_both KILL # a half that is left of the last time
	etcd=$("$here/tools.sh" etcd)
	apiserver=$("$here/tools.sh" apiserver)
	make_pki "$dir"
	# What it shows to kubelets, of which the tests have one.
	if ! certificate_is_good kubelet-client; then
		(umask 077 && sign_client "$dir/pki" "$dir/pki/kubelet-client" /CN=kube-apiserver-kubelet-client)
	fi
	for try in 1 2 3; do
		choose_ports
		: >"$dir/etcd.log"
		: >"$dir/kube-apiserver.log"
		run_both
		status=0
		wait_ready || status=$?
		((status)) || break
		end_both KILL
		# Somebody took a port between our look and the server's.
		if ((status == 2 && try < 3)) && grep -qi 'address already in use' "$dir"/{etcd,kube-apiserver}.log; then
			say "a port was taken meanwhile; trying again"
			continue
		fi
		tail -n 5 "$dir/etcd.log" "$dir/kube-apiserver.log" >&2
		if ((status == 2)); then
			die "$name ended while starting; its last words are above. If its data are damaged run: rm -rf $dir, and start it again"
		fi
		die "$name was not ready within 60 s; its last words are above. Start it again when the machine is less busy"
	done
	write_kubeconfig "$dir/kubeconfig" "$name" kubernetes-admin "$dir/pki/admin"
	[[ ! -s $dir/gateway.kubeconfig ]] || ! certificate_is_good gateway || write_kubeconfig "$dir/gateway.kubeconfig" "$name" cubegate "$dir/pki/gateway"
	say "$name is ready at https://127.0.0.1:$api_port after $(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }') s"
	printf '%s\n' "$dir/kubeconfig"
}

# certificate_is_good NAME: it is there, and the CA's.
certificate_is_good() {
	[[ -s $dir/pki/$1.key ]] && openssl verify -CAfile "$dir/pki/ca.crt" "$dir/pki/$1.crt" >/dev/null 2>&1
}

gateway_kubeconfig() {
	local kubectl
	[[ -s $dir/kubeconfig && -s $dir/ports ]] || die "there is no API server in $dir; run: $0 start NAME $dir"
	# shellcheck source=/dev/null
	source "$dir/ports"
	is_ready || die "the API server of $dir does not answer; run: $0 start NAME $dir"
	kubectl=$("$here/tools.sh" kubectl)
	name=$(sed -n 's/^current-context: //p' "$dir/kubeconfig")
	if ! certificate_is_good gateway; then (umask 077 && sign_client "$dir/pki" "$dir/pki/gateway" /CN=cubegate); fi
	"$kubectl" --kubeconfig "$dir/kubeconfig" apply -f "$here/gateway-rbac.yaml" >&2 ||
		die "kubectl could not make the gateway's role in $name; what it says is above"
	# Of earlier versions, and wider: every group could be impersonated.
	"$kubectl" --kubeconfig "$dir/kubeconfig" delete --ignore-not-found \
		clusterrolebinding/cubegate-impersonator clusterrole/cubegate-impersonator >&2 || true
	write_kubeconfig "$dir/gateway.kubeconfig" "$name" cubegate "$dir/pki/gateway"
	printf '%s\n' "$dir/gateway.kubeconfig"
}

command=${1:-}
wanted_port=
webhook_flags=()
token_flags=()
tls_flags=()
case $command in
start)
	(($# >= 3)) || usage
	name=$2 dir=$3
	shift 3
	while (($#)); do
		(($# >= 2)) || usage
		case $1 in
		--port)
			wanted_port=$2
			if ! [[ $wanted_port =~ ^[1-9][0-9]{0,4}$ ]] || ((wanted_port > 65535)); then die "'$wanted_port' is no port number"; fi
			;;
		--token-webhook)
			[[ -r $2 ]] || die "there is no kubeconfig of a token webhook at $2"
			# What it was told of a token counts for a second: one that is taken back is refused soon.
			webhook_flags=(--authentication-token-webhook-config-file="$(realpath -- "$2")" --authentication-token-webhook-cache-ttl=1s)
			;;
		--token-file)
			[[ -r $2 ]] || die "there is no file of tokens at $2"
			token_flags=(--token-auth-file="$(realpath -- "$2")")
			;;
		--tls-min-version)
			[[ $2 =~ ^VersionTLS1[23]$ ]] || die "'$2' is no version of TLS here; write VersionTLS12 or VersionTLS13"
			tls_flags=(--tls-min-version="$2")
			;;
		*) usage ;;
		esac
		shift 2
	done
	;;
stop | kill | gateway-kubeconfig)
	(($# == 2)) || usage
	dir=$2
	;;
*) usage ;;
esac
dir=$(realpath -m -- "$dir")
[[ $dir != *[[:space:]]* ]] || die "the folder's name has a blank in it, which etcd and kubectl do not take well: $dir"

case $command in
start) start ;;
gateway-kubeconfig) gateway_kubeconfig ;;
stop) end_both TERM ;;
kill) end_both KILL ;;
esac
