#!/usr/bin/env bash
# postgres.sh: a PostgreSQL server on loopback with an empty data directory, for the tests; it ends with its caller.
#
# Usage:   postgres.sh        start it, print how to reach it, and stop it when stdin ends, or on SIGINT or SIGTERM
# Needs:   what `tools.sh postgres` gets; openssl. As root also setpriv (util-linux), because PostgreSQL refuses to run as root.
# Outputs: three lines on stdout: the URL without a database (postgres://cubegate:PASSWORD@127.0.0.1:PORT; the user may do
#          everything), the file of the CA of its certificate, and the folder of its programs. All else on stderr.
#          The data lie in a new folder of the system's temporary one, which every user can reach, and go with the server.
# Exit:    0 it ran and was stopped; 1 with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"

find_postgres || die "PostgreSQL is missing; run: deploy/local/tools.sh postgres"
need openssl openssl
as=()
if ((!EUID)); then
	need setpriv util-linux
	user=nobody
	if id postgres >/dev/null 2>&1; then user=postgres; fi
	as=(setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups)
fi
dir=$(mktemp -d "${TMPDIR:-/tmp}/cubegate-postgres.XXXXXX")
data=$dir/data
started=

end() {
	trap - EXIT
	if [[ -n $started ]]; then
		"${as[@]}" "$path/pg_ctl" stop -D "$data" -m immediate -w -t 20 >"$dir/stop.log" || say "the server in $data does not end"
	fi
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 0' INT TERM

password=$(openssl rand -hex 16)
printf '%s\n' "$password" >"$dir/password"
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${new_key[@]}" -days 2 -subj /CN=cubegate-test-ca -keyout "$dir/ca.key" -out "$dir/ca.crt" 2>/dev/null
openssl req "${new_key[@]}" -subj /CN=cubegate-test -keyout "$dir/server.key" -out "$dir/server.csr" 2>/dev/null
openssl x509 -req -in "$dir/server.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -days 2 -out "$dir/server.crt" \
	-extfile <(echo subjectAltName=IP:127.0.0.1) 2>/dev/null
if ((!EUID)); then chown -R "$user" "$dir"; fi
chmod 600 "$dir/server.key"
cd "$dir" # PostgreSQL's programs look for the folder that they are started in

# Sorting as people do it, where the server can: what depends on the database's language is to show itself.
language=(--locale C.UTF-8)
if [[ $("${as[@]}" "$path/initdb" --help) == *--locale-provider* ]]; then language+=(--locale-provider icu --icu-locale en-US); fi
"${as[@]}" "$path/initdb" -D "$data" -U cubegate --pwfile "$dir/password" --auth scram-sha-256 --encoding UTF8 --no-sync \
	"${language[@]}" >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2 && die "initdb failed"; }
# Nothing here must survive the machine.
"${as[@]}" tee -a "$data/postgresql.conf" >/dev/null <<-END
	listen_addresses = '127.0.0.1'
	unix_socket_directories = ''
	max_connections = 200
	fsync = off
	full_page_writes = off
	synchronous_commit = off
	ssl = on
	ssl_cert_file = '$dir/server.crt'
	ssl_key_file = '$dir/server.key'
END
for _ in 1 2 3 4 5; do
	# Below the range from which the kernel serves outgoing connections.
	port=$((20000 + RANDOM % 10000))
	if "${as[@]}" "$path/pg_ctl" start -D "$data" -l "$dir/log" -w -t 30 -o "-p $port" </dev/null >"$dir/start.log" 2>&1; then
		started=yes
		break
	fi
	grep -q 'Address already in use' "$dir/log" || break
done
if [[ -z $started ]]; then
	cat "$dir/start.log" "$dir/log" >&2 || true
	die "PostgreSQL does not start"
fi
trap '' PIPE # whoever has read enough may close its end
printf 'postgres://cubegate:%s@127.0.0.1:%s\n%s\n%s\n' "$password" "$port" "$dir/ca.crt" "$path" || true
while read -r _; do :; done
