# shellcheck shell=bash
# envtest.sh: the programs that Kubernetes publishes for tests (kube-apiserver, etcd, kubectl), fetched once into the cache.
#
# Usage:   source "$here/envtest.sh"     (after lib.sh)
# Reads:   CUBEGATE_ENVTEST_URL   the folder with the archives, another one than Kubernetes' own; empty for none
# Outputs: messages on stderr. Where nothing answers within five seconds it is as if there were no such programs.

# The oldest that is published. The checksums are those of envtest-releases.yaml of kubernetes-sigs/controller-tools.
readonly envtest_version=1.23.5
declare -rA envtest_sha512=(
	[amd64]=9c9ef4082877558c28cc0b8f5bef7f20dbb62749865ae5397135df5c185d15d59cbb13b070813e2761e9de45b296909678856770148af5ee55a45d413246c44e
	[arm64]=471bc06e7af168c34c06673d6ce5018eb43d7bb38a34bf50001e69b4e947d5b6350ae68887028985fd2566e6adfdc8637b4b97406ea87caf0cdc5fa28a832b59
)
envtest_url=${CUBEGATE_ENVTEST_URL-https://github.com/kubernetes-sigs/controller-tools/releases/download/envtest-v$envtest_version}
envtest_folder=$cache/envtest-$envtest_version
envtest_tried=

# envtest NAME: sets `path` to NAME, fetching all of them if they are not there; false when they cannot be had.
envtest() {
	path=$envtest_folder/$1
	[[ ! -x $path ]] || return 0
	[[ -z $envtest_tried ]] || return 1
	envtest_tried=yes
	fetch_envtest && [[ -x $path ]]
}

fetch_envtest() {
	local machine archive work sum status=0
	machine=$(uname -m)
	machine=${machine/x86_64/amd64} machine=${machine/aarch64/arm64}
	sum=${envtest_sha512[$machine]:-}
	[[ -n $envtest_url && -n $sum ]] && command -v curl >/dev/null 2>&1 || return 1
	archive=envtest-v$envtest_version-linux-$machine.tar.gz
	mkdir -p "$cache" || return 1
	work=$(mktemp -d "$cache/envtest.XXXXXX") || return 1
	say "fetching kube-apiserver $envtest_version with its etcd (about 60 MB)"
	if ! curl --silent --show-error --fail --location --connect-timeout 5 --speed-time 10 --speed-limit 20000 --max-time 600 \
		--output "$work/$archive" "$envtest_url/$archive" 2>"$work/error"; then
		say "  it cannot be fetched ($(tail -n 1 "$work/error"))"
		status=1
	elif ! printf '%s  %s\n' "$sum" "$work/$archive" | sha512sum --check --status; then
		say "  what $envtest_url/$archive gave is not the published archive; it is not used"
		status=1
	elif ! tar -xzf "$work/$archive" -C "$work" || ! mv -T "$work/controller-tools/envtest" "$envtest_folder"; then
		# Somebody else may have been faster.
		[[ -x $envtest_folder/kube-apiserver ]] || status=1
	fi
	rm -rf "$work"
	return "$status"
}
