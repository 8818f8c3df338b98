#!/usr/bin/env bash
# build-apiserver.sh: builds kube-apiserver from Debian's source package `kubernetes`. Called by tools.sh.
#
# Usage:   build-apiserver.sh VERSION OUTPUT     e.g. build-apiserver.sh 1.20.2 ~/.cache/cubegate/kube-apiserver-1.20.2/kube-apiserver
# Needs:   what kubernetes-source.sh needs; 4 minutes on two idle cores, 11 on busy ones.
# Outputs: the program at OUTPUT, put there whole or not at all; build.log beside it; progress on stderr.
# Exit:    0 built, or somebody else built it while we waited; 1 with the reason; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"
# shellcheck source=deploy/local/kubernetes-source.sh
source "$here/kubernetes-source.sh"

(($# == 2)) || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2 && exit 2; }
version=$1 output=$2
begin_build "$output" kube-apiserver
began=$SECONDS
unpack_kubernetes "$version"
say "building kube-apiserver (4 minutes or more, log: $log)"
build_kubernetes cmd/kube-apiserver
binary=$(built kube-apiserver)
[[ $("$binary" --version) == *"v$version"* ]] || fail "the build left another kube-apiserver than $version"
mv "$binary" "$work/kube-apiserver"
mv "$work/kube-apiserver" "$output"
say "kube-apiserver $version is at $output ($((SECONDS - began)) s)"
