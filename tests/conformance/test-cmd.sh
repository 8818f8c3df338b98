#!/usr/bin/env bash
# test-cmd.sh: one group of Kubernetes' own suite of kubectl (test/cmd of its source), on one way to an API server.
#
# Usage:   test-cmd.sh --list     the groups, in the suite's order
#          test-cmd.sh GROUP      e.g. run_pod_tests
# Reads:   SUITES   what `deploy/local/tools.sh suites` prints
#          SERVER   where the API server is, with the path before its own
#          TOKEN    of a user who is cluster-admin there
#          CA       a file with the CA of its certificate
#          DIR      an empty folder
# Outputs: what the suite says.
# Exit:    0 it passed.
#
# Sourced in the order of test-cmd.sh of Kubernetes itself, whose servers are not started here. What its scripts take from
# there is replaced: the token of its own API server; /tmp, where both ways would write the same files; a manifest of the internet
# that is in the source, too; and a look at which CA of client certificates the server has, which no case needs.
# shellcheck disable=SC1091,SC2034 # what is sourced is Kubernetes', and so is who reads what is set
set -euo pipefail

readonly script=$SUITES/source/test/cmd/legacy-script.sh

# between FROM TO: the commands of the suite between these comments, which are no group there.
between() { sed -n "/^ *# $1\$/,/^ *# $2 #\$/{/^ *#/d;p}" "$script"; }

if [[ $1 == --list ]]; then
	sed -nE 's/^ +(record_command )?(run_[A-Za-z_]+)$/\2/p' "$script"
	printf '%s\n' run_every_resource_tests run_kubectl_auth_tests
	exit 0
fi

group=$1
cp -r "$SUITES/source" "$DIR/source"
mkdir "$DIR/tmp" "$DIR/home"
cp "$CA" "$DIR/tmp/apiserver.crt" # its own API server would leave one there; any will do
sed -i -e "s#admin-token#$TOKEN#g" -e "s#/tmp/#$DIR/tmp/#g" -e 's#https://[a-z.]*/kubernetes/kubernetes/master/##g' "$DIR"/source/test/cmd/*.sh
cd "$DIR/source"
export TMPDIR=$DIR/tmp HOME=$DIR/home TERM=dumb KUBE_JUNIT_REPORT_DIR=$DIR/junit

# A proxy of kubectl, say, that a group which fails leaves running. It would keep the suite waiting for its output.
leave() {
	local pid
	for pid in $(pgrep -g 0 -x kubectl); do kill "$pid" 2>/dev/null || true; done
}

source hack/lib/init.sh
source hack/lib/test.sh
KUBE_OUTPUT_HOSTBIN=$SUITES/bin
source test/cmd/legacy-script.sh
kube::util::ensure-temp-dir
kube::util::ensure-gnu-sed
SUPPORTED_RESOURCES=("*") CONTEXT=test
# The suite puts it between 127.0.0.1: and the path.
SECURE_API_PORT=${SERVER#https://127.0.0.1:}
kubectl config set-credentials test-admin --token "$TOKEN"
kubectl config set-cluster local --insecure-skip-tls-verify --server "$SERVER"
kubectl config set-context test --user test-admin --cluster local
kubectl config use-context test
# In the suite's own order a group that makes no namespace is in one that another made; here it has its own.
namespace=namespace-$(date +%s)-$$
kubectl create namespace "$namespace"
kubectl config set-context test --namespace "$namespace"

kube::util::test_client_certificate_authentication_enabled() { :; }

in_shell() {
	set -o errexit
	set -o nounset
	eval "$1"
}
run_every_resource_tests() { in_shell "$(between 'find all resources' 'Cluster Role')"; }
run_kubectl_auth_tests() { in_shell "$(between 'kubectl auth can-i' 'Retrieve multiple')"; }

# One group by what the suite has for several packages: its name without run_ and _tests.
run_one_tests() {
	trap leave EXIT
	"$group"
}
WHAT=one
runTests
