#!/usr/bin/env bash
# curl.sh: one capability by curl alone, as kubectl.sh has those of kubectl; it says what is read and printed.
# Reads too: SERVER, CA, and CURL_AUTH, a file of curl's settings by which it says who it is.
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/background.sh"

c() { curl -sS --max-time 30 --cacert "$CA" -K "$CURL_AUTH" "$@"; }
# The same without what is another one each time.
plain() { sed -E 's/"(resourceVersion|uid|creationTimestamp|time|manager|selfLink)": ?"[^"]*",?//g; s/"kind":"Status"/&/' | grep -vE '^ *$'; }
base=$SERVER/api/v1/namespaces/$NS
maps=$base/configmaps
json=(-H 'Content-Type: application/json')
# start PATH: curl in the background.
start() { background curl -sSN --max-time 600 --cacert "$CA" -K "$CURL_AUTH" "$1"; }

map() { c "${json[@]}" -d "{\"metadata\":{\"name\":\"$1\"},\"data\":{\"k\":\"v\"}}" -o /dev/null "$maps"; }
data() { c "$maps/a" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"])'; }
names() { python3 -c 'import json, sys; print([i["metadata"]["name"] for i in json.load(sys.stdin)["items"]])'; }

server_version() { c "$SERVER/version"; }
discovery() { c "$SERVER/api/v1" && c "$SERVER/apis/apps/v1"; }
explain() { c "$SERVER/openapi/v2" -o "$DIR/openapi" && python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["definitions"]["io.k8s.api.core.v1.Container"])' "$DIR/openapi"; }
get_raw() { c "$maps?limit=0" | plain; }
create() { c "${json[@]}" -w '%{http_code}' -d '{"metadata":{"name":"a"},"data":{"k":"v"}}' "$maps" | plain; }
get() { map a && c "$maps/a" | plain; }
update() { map a && c "${json[@]}" -X PUT -d '{"metadata":{"name":"a"},"data":{"k":"other"}}' "$maps/a" | plain && data; }
delete() { map a && c -X DELETE "$maps/a" | plain && c -w '%{http_code}' "$maps/a"; }
delete_collection() { map a && map b && c -o /dev/null -w '%{http_code}' -X DELETE "$maps?labelSelector=" && c "$maps" | names; }
labels_and_selectors() { map a && map b && c "$maps?fieldSelector=metadata.name%3Db" | names; }
dry_run() { c "${json[@]}" -d '{"metadata":{"name":"a"}}' "$maps?dryRun=All" | plain && c -w '%{http_code}' "$maps/a"; }
server_side_apply() {
	local apply=(-X PATCH -H 'Content-Type: application/apply-patch+yaml' -w '%{http_code}')
	c "${apply[@]}" --data-binary $'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n' "$maps/a?fieldManager=one" | plain
	c "${apply[@]}" --data-binary $'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w}\n' "$maps/a?fieldManager=two"
}
patch() { map a && c -X PATCH -H "Content-Type: application/$1" -d "$2" "$maps/a" | plain && data; }
patch_strategic() { patch strategic-merge-patch+json '{"data":{"l":"m"}}'; }
patch_merge() { patch merge-patch+json '{"data":{"k":null,"l":"m"}}'; }
patch_json() { patch json-patch+json '[{"op":"add","path":"/data/l","value":"m"}]'; }
scale() { c "${json[@]}" -o /dev/null -d '{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"x","image":"x"}]}}}}' "$SERVER/apis/apps/v1/namespaces/$NS/deployments" && c -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"spec":{"replicas":3}}' "$SERVER/apis/apps/v1/namespaces/$NS/deployments/d/scale" | plain; }
status_subresource() { c "$base/pods/web/status" | python3 -c 'import json, sys; print(json.load(sys.stdin)["status"]["phase"])'; }
table() { c -H 'Accept: application/json;as=Table;v=v1;g=meta.k8s.io' "$base/pods" | python3 -c 'import json, sys; t = json.load(sys.stdin); print(t["kind"], [x["name"] for x in t["columnDefinitions"]], [x["cells"][:4] for x in t["rows"]])'; }
metadata_only() { map a && c -H 'Accept: application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' "$maps/a" | plain; }
protobuf() { c -H 'Accept: application/vnd.kubernetes.protobuf' "$SERVER/apis/apps/v1" | sha256sum && c -H 'Accept: application/vnd.kubernetes.protobuf' "$maps" | head -c 4 | xxd; }
chunked_list() {
	for n in a b c; do map $n; done
	c "$maps?limit=2" -o "$DIR/one" && names <"$DIR/one"
	c -G --data-urlencode "continue=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["metadata"]["continue"])' "$DIR/one")" "$maps?limit=2" | names
}
watching() {
	map first
	start "$maps?watch=1"
	until_in "$DIR/out" '"first"' && sleep "$1" && map second && until_in "$DIR/out" '"second"'
	python3 -c 'import json, sys; [print(e["type"], e["object"]["metadata"]["name"]) for e in map(json.loads, open(sys.argv[1]))]' "$DIR/out"
}
watch() { watching 0; }
watch_idle() { watching "$IDLE"; }
logs() { printf 'one\ntwo\n' >"$POD/log" && c "$base/pods/web/log?tailLines=1"; }
logs_follow() {
	echo one >"$POD/log"
	start "$base/pods/web/log?follow=true"
	until_in "$DIR/out" one && echo two >>"$POD/log" && until_in "$DIR/out" two && cat "$DIR/out"
}
can_i() { c "${json[@]}" -d '{"spec":{"resourceAttributes":{"verb":"create","resource":"pods"}}}' "$SERVER/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" | plain; }
as() { c -H 'Impersonate-User: nobody-there' -w '%{http_code}' "$maps" && c -H "Impersonate-User: reader-$NS" -w '%{http_code}' -o /dev/null "$maps"; }
as_group() { c -H 'Impersonate-User: nobody-there' -H "Impersonate-Group: readers-$NS" -w '%{http_code}' -o /dev/null "$maps"; }
create_token() { c "${json[@]}" -o /dev/null -d '{"metadata":{"name":"s"}}' "$base/serviceaccounts" && c "${json[@]}" -w '%{http_code}' -d '{"spec":{"audiences":null}}' "$base/serviceaccounts/s/token" | grep -oE '"kind": ?"TokenRequest"|[0-9]{3}$'; }
drain() { c "${json[@]}" -w '%{http_code}' -d '{"apiVersion":"policy/v1beta1","kind":"Eviction","metadata":{"name":"web"}}' "$base/pods/web/eviction" && c "$base/pods" | names; }

[[ $(type -t "$1") == function ]] || exit 77
"$1"
