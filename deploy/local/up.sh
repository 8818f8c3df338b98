#!/usr/bin/env bash
# up.sh: starts the whole local stack: two API servers with objects in them, and the gateway in front.
#
# Usage:   up.sh                (`make up` builds first, then calls this)
# Reads:   CUBEGATE_LISTEN      where clients connect; default 127.0.0.1:30443
# Writes:  .run/env             shell-sourceable: GATEWAY_URL, GATEWAY_CA, ADMIN_USER, ADMIN_PASSWORD, ENVOY_ADMIN_URL,
#                               CONTROL_PLANE_URL, CONTROL_PLANE_CA, KUBECONFIG_PIVOT, KUBECONFIG_MEMBER
#          .run/{pivot-cluster,member-1,gateway}/   data, logs and process ids
# Outputs: the URL, the admin user and three lines to try, on stdout; messages on stderr.
# Exit:    0 everything answers (also when it did before); 1 with the reason and what to do.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"
# shellcheck source=deploy/local/gateway.sh
source "$here/gateway.sh"

listen=${CUBEGATE_LISTEN:-127.0.0.1:30443}
mkdir -p "$run"

start_cluster() { # NAME
	"$here/apiserver.sh" start "$1" "$run/$1" >/dev/null
	"$here/apiserver.sh" gateway-kubeconfig "$run/$1" >/dev/null
	python3 "$here/seed.py" "$run/$1/kubeconfig" "$1" >&2
}

say "1/4 getting Envoy, etcd, kube-apiserver and kubectl"
KUBECTL=
eval "$("$here/tools.sh" stack | sed 's/^\([a-z]*\)=\(.*\)$/\U\1\E="\2"/')"
export KUBECTL

say "2/4 starting the API servers pivot-cluster and member-1"
start_cluster pivot-cluster &
pivot=$!
start_cluster member-1 || die "member-1 did not start; its log is $run/member-1/kube-apiserver.log"
wait "$pivot" || die "pivot-cluster did not start; its log is $run/pivot-cluster/kube-apiserver.log"

say "3/4 starting the gateway on $listen"
password=$(saved_password)
start_gateway "$listen" "$ENVOY" "$password"

say "4/4 registering the clusters"
for name in pivot-cluster member-1; do
	"$cubegate" cluster add "$name" --replace --kubeconfig "$run/$name/gateway.kubeconfig" --data-dir "$run/gateway" >&2
done
write_env "$password"
# shellcheck source=/dev/null
source "$run/env"
make_password_count
wait_for_cluster pivot-cluster
wait_for_cluster member-1

cat <<TEXT

Cubegate is up.
  URL       $GATEWAY_URL   (CA: $GATEWAY_CA)
  user      $ADMIN_USER
  password  $ADMIN_PASSWORD

Try, in this folder:
  . .run/env
  curl -s --cacert "\$GATEWAY_CA" -c .run/cookies -d '{"name":"'"\$ADMIN_USER"'","password":"'"\$ADMIN_PASSWORD"'","loginType":"normal"}' "\$GATEWAY_URL/api/v1/cube/login"
  curl -s --cacert "\$GATEWAY_CA" -b .run/cookies "\$GATEWAY_URL/api/v1/cube/proxy/clusters/pivot-cluster/api/v1/pods?selector=status.phase=Running&pageSize=2"
  curl -s --cacert "\$GATEWAY_CA" -b .run/cookies "\$GATEWAY_URL/api/v1/cube/proxy/clusters/member-1/apis/apps/v1/namespaces/shop/deployments?sortName=metadata.creationTimestamp&sortOrder=desc&pageSize=20&pageNum=2"

Stop it with: make down
TEXT
