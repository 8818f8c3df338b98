#!/usr/bin/env bash
# kubectl.sh: one capability of kubectl, tried as people use it. Called by cubegate-conformance, directly and through the gateway.
#
# Usage:   kubectl.sh CAPABILITY     one of the functions below
# Reads:   CLIENT (the program), MINOR (of its version), KUBECONFIG, NS (a namespace of its own), NODE, POD (the folder of the pod
#          `web` on that node), PORT (where an application listens), DIR (an empty folder), UNIQUE (a name's end), IDLE (seconds)
# Outputs: what must be the same on both ways
# Exit:    0 done; 77 not by this client, with a reason where it is not plain; anything else is a failure
set -euo pipefail
source "${BASH_SOURCE[0]%/*}/background.sh"

k() { "$CLIENT" --namespace "$NS" "$@"; }

# since MINOR WHAT: ends here for a kubectl before 1.MINOR.
since() { ((MINOR >= $1)) || { echo "$2 is there since 1.$1" >&2 && exit 77; }; }

# start ARGUMENT...: kubectl in the background.
start() { background "$CLIENT" --namespace "$NS" "$@"; }

# The object without what is another one each time.
plain() { grep -vE '^ +(creationTimestamp|resourceVersion|uid|time|selfLink):' | grep -vE '^ +(- )?manager: '; }

map() { k create configmap "$1" --from-literal="k=${2:-v}" >/dev/null; }

deploy() { k create deployment web --image=nginx >/dev/null; }

# --- what there is ---
server_version() { k version -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["serverVersion"])'; }
discovery() { k api-resources --no-headers | sort | grep -v conformance.example; }
api_versions() { k api-versions | grep -v conformance.example; }
explain() { k explain pods.spec.containers && k explain deployment.spec --recursive; }
cluster_info() { k cluster-info | head -n 1 | sed 's/.*is running at.*/is running/'; }
get_raw() { map a && k get --raw "/api/v1/namespaces/$NS/configmaps?limit=0" | grep -oE '"(kind|name|data)":("[A-Za-z]+"|\{[^}]*\})'; }

# --- objects ---
create() { k create configmap a --from-literal=k=v && k create deployment d --image=nginx; }
get() { map a && k get configmap a -o yaml | plain; }
update() { map a && k get configmap a -o yaml | sed 's/k: v/k: other/' | k replace -f - && k get configmap a -o 'jsonpath={.data.k}'; }
delete() { map a && k delete configmap a && ! k get configmap a; }
delete_collection() { map a && map b && k label configmap a b x=y >/dev/null && k delete configmaps -l x=y && k get configmaps -l x=y; }
edit() { map a && KUBE_EDITOR="sed -i s/k:.v/k:\ edited/" k edit configmap a && k get configmap a -o 'jsonpath={.data.k}'; }
labels_and_selectors() {
	map a && map b && k label configmap a tier=front && k annotate configmap b note=x
	k get configmaps -l tier=front -o name && k get configmaps --field-selector metadata.name=b -o name
}
dry_run() { k create configmap a --from-literal=k=v --dry-run=server -o yaml | plain && ! k get configmap a; }
apply() {
	deploy && k create deployment e --image=nginx --dry-run=client -o yaml >"$DIR/e.yaml" && k apply -f "$DIR/e.yaml"
	sed -i 's/replicas: 1/replicas: 2/' "$DIR/e.yaml" && k diff -f "$DIR/e.yaml" | grep -E '^[+-] +replicas' || true
	k apply -f "$DIR/e.yaml" && k get deployment e -o 'jsonpath={.spec.replicas}'
}
server_side_apply() {
	k create configmap a --from-literal=k=v --dry-run=client -o yaml >"$DIR/a.yaml" && k apply --server-side -f "$DIR/a.yaml"
	sed -i 's/k: v/k: other/' "$DIR/a.yaml" && ! k apply --server-side --field-manager=somebody -f "$DIR/a.yaml"
	k apply --server-side --field-manager=somebody --force-conflicts -f "$DIR/a.yaml" && k get configmap a -o 'jsonpath={.data.k}'
}
kustomize() {
	printf 'namePrefix: p-\nconfigMapGenerator:\n- name: a\n  literals: [k=v]\n' >"$DIR/kustomization.yaml" && k apply -k "$DIR"
}
patch_strategic() { deploy && k patch deployment web -p '{"spec":{"template":{"spec":{"containers":[{"name":"nginx","image":"x"}]}}}}' && k get deployment web -o 'jsonpath={.spec.template.spec.containers[*].image}'; }
patch_merge() { map a && k patch configmap a --type merge -p '{"data":{"k":null,"l":"m"}}' && k get configmap a -o 'jsonpath={.data}'; }
patch_json() { map a && k patch configmap a --type json -p '[{"op":"add","path":"/data/l","value":"m"}]' && k get configmap a -o 'jsonpath={.data}'; }
scale() { deploy && k scale deployment web --replicas=3 && k get deployment web -o 'jsonpath={.spec.replicas}'; }
status_subresource() { since 24 "--subresource" && k get pod web --subresource=status -o 'jsonpath={.status.phase}'; }
custom_resources() {
	local plural=widgets$UNIQUE
	cat >"$DIR/crd.yaml" <<-YAML
		apiVersion: apiextensions.k8s.io/v1
		kind: CustomResourceDefinition
		metadata: {name: $plural.conformance.example}
		spec:
		  group: conformance.example
		  names: {plural: $plural, singular: w$UNIQUE, kind: Widget$UNIQUE}
		  scope: Namespaced
		  versions:
		  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}}}
	YAML
	k create -f "$DIR/crd.yaml" && k wait --for=condition=Established --timeout=30s "crd/$plural.conformance.example"
	for _ in {1..50}; do k get "$plural.conformance.example" >/dev/null 2>&1 && break; sleep 0.2; done
	printf 'apiVersion: conformance.example/v1\nkind: Widget%s\nmetadata: {name: w}\nspec: {size: 3}\n' "$UNIQUE" | k create -f -
	k get "$plural" w -o 'jsonpath={.spec.size}' && k delete crd "$plural.conformance.example"
}

# --- lists ---
table() { k get pods && k get pods -o wide | sed -E 's/ +/ /g' && k get pods -o 'custom-columns=N:.metadata.name,P:.status.phase'; }
chunked_list() { for n in a b c d e; do map $n; done && k get configmaps --chunk-size=2 -o name; }
all_namespaces() { k get pods --all-namespaces --field-selector "metadata.namespace=$NS" -o name; }
sorted() { map b && map a && k get configmaps --sort-by=.metadata.name -o name; }

# --- time ---
watching() {
	map first
	start get configmaps --watch -o 'jsonpath={.metadata.name} {.data.k}{"\n"}'
	until_in "$DIR/out" "first v"
	sleep "$1"
	map second && k patch configmap second --type merge -p '{"data":{"k":"w"}}' >/dev/null && until_in "$DIR/out" "second w"
	cat "$DIR/out"
}
watch() { watching 0; }
watch_idle() { watching "$IDLE"; }
wait() {
	map a && k wait pod/web --for=condition=Ready --timeout=20s
	(sleep 1 && k delete configmap a >/dev/null) & k wait configmap/a --for=delete --timeout=20s
}
rollout() { deploy && k rollout history deployment/web && k rollout restart deployment/web && k rollout pause deployment/web && k rollout resume deployment/web; }
events() {
	since 26 "events"
	printf 'apiVersion: v1\nkind: Event\nmetadata: {name: e}\nreason: Started\nmessage: it began\ntype: Normal\ninvolvedObject: {apiVersion: v1, kind: Pod, name: web, namespace: %s}\n' "$NS" | k create -f -
	k events --for pod/web | grep -o 'it began'
}

# --- pods ---
logs() { printf 'one\ntwo\n' >"$POD/log" && k logs web && k logs --tail=1 web; }
logs_follow() {
	echo one >"$POD/log"
	start logs --follow web
	until_in "$DIR/out" one && echo two >>"$POD/log" && until_in "$DIR/out" two && cat "$DIR/out"
}
exec_codes() { local code=0 && k exec web -- sh -c 'echo out; exit 3' || code=$?; echo "$code" && printf x | k exec -i web -- sh -c 'cat; echo end'; }
attach() { printf 'to the process\n' | k attach -i web 2>/dev/null | grep -v 'press enter'; }
port_forward() {
	local port
	start port-forward pod/web ":$PORT"
	until_in "$DIR/out" "Forwarding from 127.0.0.1" && port=$(sed -nE 's/.*127.0.0.1:([0-9]+) ->.*/\1/p' "$DIR/out" | head -n 1)
	curl -sS --max-time 20 "http://127.0.0.1:$port/" && curl -sS --max-time 20 "http://127.0.0.1:$port/"
}
cp() {
	head -c 3000000 /dev/zero | tr '\0' x >"$DIR/there" && k cp "$DIR/there" web:copy && k cp web:copy "$DIR/back" && sha256sum <"$POD/copy" && sha256sum <"$DIR/back"
}
run_and_expose() { k run r --image=nginx --labels=app=r && k expose pod r --port=80 && k get service r -o 'jsonpath={.spec.selector}'; }
drain() { k cordon "$NODE" && k drain "$NODE" --force --ignore-daemonsets --timeout=30s && k get pods && k uncordon "$NODE"; }
taint() { k taint node "$NODE" "x$UNIQUE=y:NoSchedule" && k taint node "$NODE" "x$UNIQUE-"; }

# --- who ---
can_i() { k auth can-i create pods && k auth can-i --list | sort; }
as() { map a && ! k --as=nobody-there get pods && k --as="reader-$NS" get configmaps && ! k --as="reader-$NS" create configmap a; }
as_group() { map a && k --as=nobody-there --as-group="readers-$NS" get configmaps && ! k --as=nobody-there --as-group="readers-$NS" delete configmap a; }
whoami() { since 28 "auth whoami" && k auth whoami; }
create_token() { since 24 "create token" && k create serviceaccount s >/dev/null && k create token s --duration=20m | tr -d '\n' | awk -F. '{ print NF, (length($0) > 300) }'; }
create_role() { k create role r --verb=get --resource=pods && k create rolebinding r --role=r --user=x && k auth reconcile -f <(k get role r -o yaml); }
proxy() {
	local more=() port
	((MINOR < 23)) || more=(--append-server-path)
	map a
	start proxy --port=0 "${more[@]}"
	until_in "$DIR/out" "Starting to serve" && port=$(grep -oE '[0-9]+$' "$DIR/out")
	curl -sS --max-time 20 "http://127.0.0.1:$port/api/v1/namespaces/$NS/configmaps/a" | grep '"k"'
}

[[ $(type -t "$1") == function ]] || exit 77
"$1"
