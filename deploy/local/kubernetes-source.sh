# shellcheck shell=bash
# kubernetes-source.sh: Kubernetes' source from Debian's source package `kubernetes`, and programs built of it.
#
# Usage:   source "$here/kubernetes-source.sh"     (after lib.sh, from bash with `set -euo pipefail`), then in this order
#          begin_build OUTPUT WHAT     waits for another build of it, ends the script if that made it, and makes a temporary
#                                      folder beside it
#          unpack_kubernetes VERSION   the source, as the GOPATH build wants it
#          build_kubernetes TARGETS    programs of it; may be called again
#          built NAME                  prints the path of one of them
# Needs:   the packages make rsync jq dpkg-dev golang-go golang-github-modern-go-reflect2-dev (tools.sh installs them),
#          3 GB of free disk for the time of the build.
# Sets:    log (build.log beside OUTPUT), work (the temporary folder), source (the source in it). `work` goes away with the script.
#
# Nothing of the machine's own apt configuration is changed: the deb-src entry is in a sources file of its own, read
# with package lists of its own, and both go away with the sources.

readonly kubernetes_mb=3000
log='' work='' source=''

# fail SENTENCE: the end of the log, then the sentence.
fail() {
	tail -n 12 "$log" >&2 || true
	die "$* (log: $log)"
}

# own_apt SUBCOMMAND...: apt-get that sees only our sources file; needs no root.
own_apt() {
	long "running apt-get $1" "$log" : apt-get -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$work/apt/sources.d" \
		-o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache" -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Retries=3 -o Acquire::Languages=none "$@"
}

# write_deb_src URI SUITE: the machine's own entry for that mirror and suite (its components, options and
# Signed-By included) as a deb-src entry in our sources file. False when there is no such entry.
write_deb_src() {
	local uri=${1%/} suite=$2 file
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[[ -r $file ]] || continue
		# deb [options] uri suite component...
		awk -v uri="$uri" -v suite="$suite" '
			$1 == "deb" {
				at = 2
				if ($2 ~ /^\[/) { while ($at !~ /\]$/ && at < NF) at++; at++ }
				mine = $at; sub(/\/$/, "", mine)
				if (mine == uri && $(at + 1) == suite) { sub(/deb/, "deb-src"); print; found = 1; exit }
			}
			END { exit !found }' "$file" >"$work/apt/sources.d/cubegate.list" && return 0
	done
	rm -f "$work/apt/sources.d/cubegate.list"
	for file in /etc/apt/sources.list.d/*.sources; do
		[[ -r $file ]] || continue
		# One paragraph per entry; a field (an embedded key, say) can go on over lines that begin with a blank.
		awk -v uri="$uri" -v suite="$suite" '
			function flush(  i, n, list, mine, has_uri, has_suite) {
				n = split(field["uris"], list)
				for (i = 1; i <= n; i++) { mine = list[i]; sub(/\/$/, "", mine); if (mine == uri) has_uri = 1 }
				n = split(field["suites"], list)
				for (i = 1; i <= n; i++) if (list[i] == suite) has_suite = 1
				if (has_uri && has_suite && field["types"] ~ /(^|[ \t])deb([ \t]|$)/ && tolower(field["enabled"]) !~ /no/) {
					print "Types: deb-src"; print "URIs: " uri; print "Suites: " suite; printf "%s", rest
					found = 1; exit
				}
				split("", field); rest = ""; name = ""
			}
			/^#/ { next }
			/^[ \t]*$/ { flush(); next }
			/^[^ \t]/ {
				name = tolower(substr($0, 1, index($0, ":") - 1))
				field[name] = substr($0, index($0, ":") + 1)
			}
			/^[ \t]/ { field[name] = field[name] " " $0 }
			name != "types" && name != "uris" && name != "suites" && name != "enabled" { rest = rest $0 "\n" }
			END { if (!found) flush(); exit !found }' "$file" >"$work/apt/sources.d/cubegate.sources" && return 0
	done
	rm -f "$work/apt/sources.d/cubegate.sources"
	return 1
}

# begin_build OUTPUT WHAT
begin_build() {
	local output=$1 what=$2 folder free_mb
	folder=$(dirname "$output")
	log=$folder/build.log
	mkdir -p "$folder" || die "cannot make the folder $folder; make it writable or set CUBEGATE_CACHE"
	exec 9>"$folder/.lock"
	if ! flock -n 9; then
		say "another build of $what is under way; waiting for it (log: $log)"
		flock 9
	fi
	[[ ! -e $output ]] || exit 0
	free_mb=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
	((free_mb >= kubernetes_mb)) ||
		die "$folder has only $free_mb MB free and the build needs $kubernetes_mb; free some, or set CUBEGATE_CACHE to a folder on another disk"
	rm -rf "$folder"/build.?????? # what a killed build left; the lock says that none is running
	work=$(mktemp -d "$folder/build.XXXXXX")
	trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT
	: >"$log"
}

# unpack_kubernetes VERSION
unpack_kubernetes() {
	local version=$1 found package where uri suite fixed
	# From where the machine gets its own packages.
	# madison: kubernetes-client | 1.20.5+really1.20.2-1.1+b4 | MIRROR SUITE/COMPONENT amd64 Packages
	mkdir -p "$work"/apt/{sources.d,lists/partial,cache/archives/partial}
	found=
	while IFS='|' read -r _ package where; do
		package=${package// /} where=${where# }
		[[ $package =~ (^|really)${version//./\\.}- ]] || continue
		read -r uri suite _ <<<"$where"
		suite=${suite%/*}
		if write_deb_src "$uri" "$suite"; then
			found=${package%+b[0-9]*}
			break
		fi
	done < <(apt-cache madison kubernetes-client 2>>"$log")
	[[ -n $found ]] || die "this machine's apt sources have no source package kubernetes $version (Debian 12 has it); for an API server alone put a kube-apiserver 1.20 and etcd into a folder and run: export KUBEBUILDER_ASSETS=FOLDER"

	say "downloading the source of kubernetes $found (about 35 MB, log: $log)"
	own_apt update || fail "apt-get could not read the source lists of this machine's own mirror; check the network and run this again"
	(cd "$work" && own_apt source --download-only --only-source "kubernetes=$found") ||
		fail "apt-get could not download the source package kubernetes $found; check the network and run this again"

	say "unpacking"
	source=$work/go/src/k8s.io/kubernetes
	mkdir -p "${source%/*}"
	long unpacking "$log" : dpkg-source --no-check -x "$work"/kubernetes_*.dsc "$source" || fail "the source package could not be unpacked"

	# The vendored reflect2 1.0.1 reads the runtime's maps in a way that Go 1.18 changed: such a build corrupts its heap
	# and dies on large lists now and then, while small tests pass. Debian's 1.0.2 is right.
	fixed=/usr/share/gocode/src/github.com/modern-go/reflect2
	[[ -f $fixed/go_above_118.go ]] || die "reflect2 1.0.2 is missing in $fixed; run: apt-get install --reinstall golang-github-modern-go-reflect2-dev"
	rm -rf "$source/vendor/github.com/modern-go/reflect2"
	mkdir "$source/vendor/github.com/modern-go/reflect2"
	cp "$fixed"/*.go "$fixed"/*.s "$source/vendor/github.com/modern-go/reflect2/"

	cat >"$work/version" <<-VERSION
		KUBE_GIT_COMMIT=
		KUBE_GIT_TREE_STATE=archive
		KUBE_GIT_VERSION=v$version
		KUBE_GIT_MAJOR=$(cut -d. -f1 <<<"$version")
		KUBE_GIT_MINOR=$(cut -d. -f2 <<<"$version")
	VERSION
	mkdir -p "$work/tmp" "$work/gocache"
}

compiled() { printf '%s packages compiled' "$(grep -cE '^(vendor/|k8s\.io/|[a-z]+(/[a-z0-9]+)*$)' "$log" || true)"; }

# build_kubernetes TARGETS: in an environment of its own: a make above us (MAKEFLAGS) or the user's Go settings must not reach it.
build_kubernetes() {
	long "building $1" "$log" compiled env -i PATH="/usr/lib/go/bin:$PATH" HOME="$work" TMPDIR="$work/tmp" \
		GOPATH="$work/go" GOCACHE="$work/gocache" GO111MODULE=off GOTOOLCHAIN=local CGO_ENABLED=0 KUBE_GIT_VERSION_FILE="$work/version" \
		make -C "$source" WHAT="$1" GOFLAGS=-v GOLDFLAGS='-s -w' ||
		fail "$1 did not build; see the log and run this again"
}

# built NAME: fails when it is not there, or with the broken reflect2 in it.
built() {
	local program
	program=$(find "$source/_output" -type f -name "$1" -perm -u+x | head -n 1)
	[[ -n $program ]] || fail "the build ended well but left no $1"
	grep -q 'modern-go/reflect2/go_above_118.go' "$program" || fail "$1 was built with the broken reflect2"
	printf '%s' "$program"
}
