#!/usr/bin/env bash
# postgres.sh: PostgreSQL of the local stack: TLS only, with a password, in a folder that is made at the first start.
#
# Usage:   postgres.sh            makes the cluster if it is not there, and becomes the server
#          postgres.sh is-ready   whether it takes connections
# Reads:   PGDATA                           the cluster's folder
#          /etc/postgresql-secrets          server.crt, server.key, password
# Exit:    the server's; 0 or 1 for is-ready.
set -euo pipefail
programs=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
PATH=$programs:$PATH
secrets=/etc/postgresql-secrets

if [[ ${1:-} == is-ready ]]; then exec pg_isready --quiet --host localhost --username cubegate; fi

if [[ ! -s $PGDATA/PG_VERSION ]]; then
	# A folder that a first start has left half made is made anew.
	rm -rf "$PGDATA.new"
	initdb --pgdata "$PGDATA.new" --username cubegate --pwfile "$secrets/password" --auth scram-sha-256 --encoding UTF8 --locale C.UTF-8
	cat >"$PGDATA.new/pg_hba.conf" <<-END
		local   all all     scram-sha-256
		hostssl all all all scram-sha-256
	END
	postgres --single -j -D "$PGDATA.new" postgres <<<"CREATE DATABASE cubegate ENCODING 'UTF8' TEMPLATE template0;" >/dev/null
	mv "$PGDATA.new" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp -c ssl=on \
	-c ssl_cert_file="$secrets/server.crt" -c ssl_key_file="$secrets/server.key" -c ssl_min_protocol_version=TLSv1.2
