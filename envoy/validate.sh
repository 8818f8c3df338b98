#!/usr/bin/env bash
# validate.sh: checks the configurations of this folder with Envoy itself.
#
# Usage:   validate.sh ENVOY CUBEGATE FILTER    (the three programs' paths)
# Outputs: one line a file on stderr.
# Exit:    0 all are good; 1 one is not, with Envoy's own message.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
envoy=$1 cubegate=$2 filter=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The paths in the files are those of a real installation; here they lead to a
# folder with certificates made for this check.
# Certificates come from a gateway, which a control plane makes when it starts.
"$cubegate" serve --plain --data-dir "$work/data" --api-listen 127.0.0.1:0 --xds-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 --filter "$filter" >"$work/serve" 2>&1 &
until grep -qs '^HTTP API' "$work/serve"; do
	kill -0 $! 2>/dev/null || { cat "$work/serve" >&2 && exit 1; }
	sleep 0.1
done
kill $! && wait $! || true
"$cubegate" bootstrap --data-dir "$work/data" --write-certs "$work/xds" >"$work/printed.yaml"
for name in listener member-client; do
	# Certificate and key are one file there.
	cp "$work/xds/tls.pem" "$work/$name.crt"
	cp "$work/xds/tls.pem" "$work/$name.key"
done
cp "$work/xds/ca.crt" "$work/member-ca.crt"
cp "$filter" "$work/cubegate_filter.wasm"

if ! diff -u "$here/bootstrap.yaml" "$work/printed.yaml" >&2; then
	echo "envoy/bootstrap.yaml is not what 'cubegate bootstrap' prints; run: make generate" >&2
	exit 1
fi
sed -i "s#/etc/cubegate#$work#g" "$work"/xds/*.yaml
is_valid() { "$envoy" --mode validate --config-path "$1" --log-level error >"$work/log" 2>&1; }

# Whoever deploys static.yaml as it stands must not get an Envoy that trusts a key
# from a public file.
readonly placeholder=PUBLIC-KEY-IN-HEX
key=$(openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n')
for file in bootstrap static; do
	sed "s#/etc/cubegate#$work#g" "$here/$file.yaml" >"$work/$file.yaml"
done
if is_valid "$work/static.yaml" || ! grep -q 'key "example" is not 32 bytes in hex' "$work/log"; then
	cat "$work/log" >&2
	echo "envoy/static.yaml must be refused for its key as long as nobody has written one in the place of $placeholder" >&2
	exit 1
fi
sed -i "s#$placeholder\"#$key\"#" "$work/static.yaml"
for file in bootstrap static; do
	if ! is_valid "$work/$file.yaml"; then
		cat "$work/log" >&2
		echo "envoy/$file.yaml is not valid" >&2
		exit 1
	fi
	echo "envoy/$file.yaml is valid" >&2
done
