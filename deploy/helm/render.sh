#!/usr/bin/env bash
# render.sh: renders the chart in every shape of ci/ into snapshots/, and ci/kustomize.yaml into ../kubernetes.
#
# Usage:   render.sh HELM          writes the renderings, the chart's README and schema, and its copies of ../observability
#          render.sh HELM --check  lints the chart, and fails where a committed file is not what it would write
# Outputs: one line on stderr; with --check the difference.
# Exit:    0 good; 1 not; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if (($# < 1 || $# > 2)) || [[ ${2:---check} != --check ]]; then
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
fi
helm=$1 check=${2:-}
chart=$here/cubegate kubernetes=$here/../kubernetes

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the machine's own settings.
export HELM_CONFIG_HOME=$work/helm HELM_CACHE_HOME=$work/helm HELM_DATA_HOME=$work/helm

fail() {
	echo "$1" >&2
	exit 1
}

# files TARGET: what the chart has of deploy/observability, which a packaged chart could not reach.
files() {
	mkdir -p "$1/dashboards"
	local observability=$here/../observability
	[[ ! -e $observability/rules.yaml ]] || cp "$observability/rules.yaml" "$1/"
	[[ ! -d $observability/dashboards ]] || cp "$observability"/dashboards/*.json "$1/dashboards/"
}

if [[ $check ]]; then
	"$here/docs.py" "$chart" --check
	files "$work/files"
	if [[ -d $chart/files || -n $(find "$work/files" -type f) ]]; then
		diff -ru "$chart/files" "$work/files" >&2 || fail "deploy/helm/cubegate/files is not what deploy/observability has; run: make generate"
	fi
else
	"$here/docs.py" "$chart"
	rm -rf "$chart/files"
	files "$chart/files"
	[[ -n $(find "$chart/files" -type f) ]] || rm -rf "$chart/files"
fi

# The version decides which APIs there are.
render() { "$helm" template cubegate "$chart" --namespace cubegate-system --kube-version 1.34.0 --values "$@"; }

mkdir -p "$work/snapshots" "$work/kubernetes/base" "$work/kubernetes/edge"
for values in "$here"/ci/*.yaml; do
	name=$(basename "$values" .yaml)
	[[ ! $check ]] || "$helm" lint --strict --quiet --kube-version 1.34.0 --values "$values" "$chart" >&2
	flags=()
	[[ $name != monitoring ]] || flags=(--api-versions monitoring.coreos.com/v1)
	render "$values" "${flags[@]}" >"$work/snapshots/$name.yaml"
done
# Kustomize's folders are one shape in two parts: the objects of the component edge, and all others.
awk -v base="$work/kubernetes/base/control-plane.yaml" -v edge="$work/kubernetes/edge/edge.yaml" '
	function flush() { if (text ~ /kind:/) { part = component == "edge" ? edge : base; printf "---\n%s", text > part } text = ""; component = "" }
	/^---$/ { flush(); next }
	{ text = text $0 "\n" }
	component == "" && /app.kubernetes.io\/component:/ { component = $2 }
	END { flush() }
' "$work/snapshots/kustomize.yaml"

for folder in snapshots kubernetes/base kubernetes/edge; do
	committed=$here/$folder
	[[ $folder == snapshots ]] || committed=$kubernetes/${folder#kubernetes/}
	if [[ $check ]]; then
		for file in "$work/$folder"/*.yaml; do
			diff -u "$committed/$(basename "$file")" "$file" >&2 ||
				fail "${committed#"$here/../../"}/$(basename "$file") is not what the chart renders; run: make generate"
		done
	else
		mkdir -p "$committed"
		cp "$work/$folder"/*.yaml "$committed/"
	fi
done
[[ ! $check ]] || echo "the chart is valid in $(find "$here/ci" -name '*.yaml' | wc -l) shapes, and its renderings are those that are committed" >&2
