#!/usr/bin/env bash
# build-suites.sh: builds Kubernetes' own test suites and what they need from Debian's source package `kubernetes`. Called by tools.sh.
#
# Usage:   build-suites.sh VERSION FOLDER     e.g. build-suites.sh 1.20.2 ~/.cache/cubegate/kubernetes-suites-1.20.2
# Needs:   what kubernetes-source.sh needs; 10 minutes on two idle cores.
# Outputs: in FOLDER, the last of them `bin`:
#          bin/       kubectl and its plugin kubectl-convert, kube-controller-manager, e2e.test
#          source/    the scripts of the suite of kubectl (test/cmd), and what they read
#          build.log; progress on stderr
# Exit:    0 built, or somebody else built it while we waited; 1 with the reason; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"
# shellcheck source=deploy/local/kubernetes-source.sh
source "$here/kubernetes-source.sh"

(($# == 2)) || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
version=$1 folder=$2
readonly programs=(kubectl kubectl-convert kube-controller-manager e2e.test)
# The whole tree is 3 GB with what a build makes of it; the scripts read these, 5 MB.
readonly kept=(hack/lib hack/testdata test/cmd test/fixtures test/e2e/testing-manifests third_party/forked/shell2junit)

begin_build "$folder/bin" "the suites of Kubernetes"
began=$SECONDS
unpack_kubernetes "$version"
mkdir "$work/bin" "$work/source"
(cd "$source" && cp -r --parents "${kept[@]}" "$work/source/")
say "building ${programs[*]} (10 minutes or more, log: $log)"
build_kubernetes 'cmd/kubectl cmd/kubectl-convert cmd/kube-controller-manager test/e2e/e2e.test'
for program in "${programs[@]}"; do
	binary=$(built "$program")
	mv "$binary" "$work/bin/"
done
[[ $("$work/bin/kubectl" version --client) == *"v$version"* ]] || fail "the build left another kubectl than $version"
rm -rf "$folder/source"
mv "$work/source" "$folder/source"
mv "$work/bin" "$folder/bin"
say "the suites of Kubernetes $version are in $folder ($((SECONDS - began)) s)"
