#!/usr/bin/env bash
# helm.sh: one capability of Helm, as kubectl.sh has those of kubectl; it says what is read and printed.
set -euo pipefail

chart() {
	mkdir -p "$DIR/chart/templates"
	printf 'apiVersion: v2\nname: small\nversion: 0.1.0\n' >"$DIR/chart/Chart.yaml"
	printf 'value: one\n' >"$DIR/chart/values.yaml"
	cat >"$DIR/chart/templates/all.yaml" <<-'YAML'
		apiVersion: v1
		kind: ConfigMap
		metadata: {name: "{{ .Release.Name }}"}
		data: {k: "{{ .Values.value }}", server: "{{ .Capabilities.KubeVersion.Version }}"}
		---
		apiVersion: apps/v1
		kind: Deployment
		metadata: {name: "{{ .Release.Name }}"}
		spec:
		  selector: {matchLabels: {app: x}}
		  template: {metadata: {labels: {app: x}}, spec: {containers: [{name: x, image: x}]}}
	YAML
}

h() { "$CLIENT" --namespace "$NS" "$@"; }
state() { h status r -o json | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["version"], s["info"]["status"])' && h get manifest r; }
install() { chart && h install r "$DIR/chart" >/dev/null && state; }
upgrade() { install && h upgrade r "$DIR/chart" --set value=two >/dev/null && state; }
rollback() { upgrade && h rollback r 1 && state && h history r -o json | grep -o '"revision":[0-9]*'; }
uninstall() { install && h list -q && h uninstall r && h list -q; }
template_validate() { chart && h install r "$DIR/chart" --dry-run=server | sed -n '/MANIFEST/,$p'; }

case $1 in
helm_*) "${1#helm_}" ;;
*) exit 77 ;;
esac
