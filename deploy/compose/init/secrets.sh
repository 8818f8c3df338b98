#!/usr/bin/env bash
# secrets.sh: everything in the local stack that has to be secret, and whose it is. Runs in the service `init`.
#
# Usage:   secrets.sh              (as root, with the volumes of the services at /secrets, deploy/local at /local)
# Reads:   GATEWAY_PORT            where clients connect
#          POSTGRES_UID            whom PostgreSQL runs as; everything else runs as 65532
# Outputs: /secrets/*              certificates, keys and passwords, each only for the service that needs it
#          /run/cubegate/env       shell-sourceable: GATEWAY_URL, GATEWAY_CA, ADMIN_USER, ADMIN_PASSWORD
#          /run/cubegate/gateway-ca.crt
# Exit:    0 made, or all of it was there; 1 with the reason.
#
# What is made together is made anew together: a group without its file `.made` was left half done.
set -euo pipefail
export HOME=/tmp
# shellcheck source=deploy/local/lib.sh
source "${LOCAL:-/local}/lib.sh"
# shellcheck source=deploy/local/pki.sh
source "${LOCAL:-/local}/pki.sh"
need openssl openssl
umask 077

readonly secrets=${SECRETS:-/secrets} out=${OUT:-/run/cubegate} ours=65532 postgres=${POSTGRES_UID:-999}

# is_made GROUP: its folder is complete.
is_made() { [[ -e $secrets/$1/.made ]]; }

# begin GROUP: sets `dir` to its empty folder, which everybody may enter: each file has an owner of its own.
begin() {
	dir=$secrets/$1
	find "$dir" -mindepth 1 -delete
	chown 0:0 "$dir"
	chmod 755 "$dir"
}

# done_with OWNER FILE...: gives the files to whom they are for, and marks the group as complete.
done_with() {
	local owner=$1 file
	shift
	for file in "$@"; do
		chmod 400 "$dir/$file"
		chown "$owner:$owner" "$dir/$file"
	done
	rm -f "$dir"/ca.key "$dir"/ca.srl
	touch "$dir/.made"
}

# folder NAME OWNER: a folder that its service fills by itself.
folder() {
	[[ $(stat -c %u "$secrets/$1") == "$2" ]] || { chmod 700 "$secrets/$1" && chown "$2:$2" "$secrets/$1"; }
}

random() { head -c 24 /dev/urandom | base64 | tr '+/' 'ab'; }

# server DIR FILE NAMES: a certificate of DIR's CA for a server.
server() { sign "$1" "$1/$2" "/CN=$2" "extendedKeyUsage=serverAuth,clientAuth
subjectAltName=$3"; }

# kubeconfig FILE CLUSTER USER: in JSON, which is YAML, with the certificate DIR/USER.
kubeconfig() {
	printf '{"apiVersion":"v1","kind":"Config","current-context":"%s","clusters":[{"name":"%s","cluster":{"server":"https://%s:6443","certificate-authority-data":"%s"}}],"users":[{"name":"%s","user":{"client-certificate-data":"%s","client-key-data":"%s"}}],"contexts":[{"name":"%s","context":{"cluster":"%s","user":"%s"}}]}\n' \
		"$2" "$2" "$2" "$(base64 -w0 "$dir/ca.crt")" "$3" "$(base64 -w0 "$dir/$3.crt")" "$(base64 -w0 "$dir/$3.key")" "$2" "$2" "$3" >"$1"
	chmod 400 "$1"
	chown "$ours:$ours" "$1"
}

# === PostgreSQL, and what the control planes need for it and for their clients ===

if ! is_made postgres || ! is_made control-plane; then
	password=$(random)
	begin postgres
	make_ca "$dir" /CN=cubegate-database-ca
	server "$dir" server DNS:postgres,DNS:localhost,IP:127.0.0.1
	echo "$password" >"$dir/password"
	cp "$dir/ca.crt" /tmp/database-ca.crt
	done_with "$postgres" ca.crt server.crt server.key password
	begin control-plane
	make_ca "$dir" /CN=cubegate-gateway-ca
	server "$dir" listener DNS:localhost,DNS:balancer,DNS:envoy-1,DNS:envoy-2,IP:127.0.0.1,IP:::1
	mv /tmp/database-ca.crt "$dir/database-ca.crt"
	echo "postgres://cubegate:$password@postgres:5432/cubegate?sslmode=verify-full&sslrootcert=/etc/cubegate/secrets/database-ca.crt" >"$dir/database-url"
	random >"$dir/admin-password"
	done_with "$ours" ca.crt listener.crt listener.key database-ca.crt database-url admin-password
	say "certificates and passwords of PostgreSQL and of the listener are made"
fi
folder postgres-data "$postgres"
folder keys "$ours"
folder xds-1 "$ours"
folder xds-2 "$ours"

# === Clusters ===

chmod 755 "$secrets/clusters"
for cluster in pivot-cluster member-1; do
	folder "$cluster-data" "$ours"
	if is_made "$cluster"; then continue; fi
	begin "$cluster"
	# A CA of its own, so that no certificate for the API server opens its etcd.
	make_ca "$dir" "/CN=$cluster-etcd-ca"
	server "$dir" etcd DNS:etcd,DNS:localhost,IP:127.0.0.1
	sign_client "$dir" "$dir/etcd-client" /CN=kube-apiserver
	mv "$dir/ca.crt" "$dir/etcd-ca.crt"
	make_ca "$dir" "/CN=$cluster-ca"
	server "$dir" apiserver "DNS:$cluster,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:10.0.0.1,IP:127.0.0.1"
	sign_client "$dir" "$dir/admin" /O=system:masters/CN=kubernetes-admin
	sign_client "$dir" "$dir/cubegate" /CN=cubegate
	new_key "$dir/sa.key"
	ssl pkey -in "$dir/sa.key" -pubout -out "$dir/sa.pub"
	kubeconfig "$secrets/clusters/$cluster.admin.json" "$cluster" admin
	kubeconfig "$secrets/clusters/$cluster.gateway.json" "$cluster" cubegate
	rm "$dir"/{admin,cubegate}.{crt,key}
	done_with "$ours" ca.crt etcd-ca.crt etcd.{crt,key} etcd-client.{crt,key} apiserver.{crt,key} sa.{key,pub}
	say "certificates of $cluster are made"
done

# === Grafana ===

if ! is_made grafana; then
	begin grafana
	random >"$dir/password"
	# Whom Grafana's image runs as.
	done_with 472 password
fi

# === What clients need, for whoever has the checkout ===

owner=$(stat -c %u:%g "$out")
cp "$secrets/control-plane/ca.crt" "$out/gateway-ca.crt"
cat >"$out/env" <<ENV
GATEWAY_URL='https://localhost:${GATEWAY_PORT:-30443}'
GATEWAY_CA='deploy/compose/run/gateway-ca.crt'
ADMIN_USER='admin'
ADMIN_PASSWORD='$(<"$secrets/control-plane/admin-password")'
GRAFANA_PASSWORD='$(<"$secrets/grafana/password")'
ENV
chmod 644 "$out/gateway-ca.crt"
chmod 600 "$out/env"
chown "$owner" "$out/gateway-ca.crt" "$out/env"
