# shellcheck shell=bash
# lib.sh: what the scripts of this folder share: messages, long steps, apt.
#
# Usage:   source "$here/lib.sh"     (from bash with `set -euo pipefail`)
# Outputs: messages on stderr only, so that stdout is free for the paths the scripts print.
# Exit:    `die` ends the script with 1; an interrupt ends the long step that runs, then the script with 130 or 143.

cache=${CUBEGATE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cubegate}
long_pid=
apt_updated=

say() { printf '[%s] %s\n' "${0##*/}" "$*" >&2; }

# die SENTENCE: the one sentence that says what is wrong and what to do.
die() {
	say "error: $*"
	exit 1
}

# need COMMAND PACKAGE: fails unless COMMAND is on PATH.
need() {
	command -v "$1" >/dev/null 2>&1 || die "the command '$1' is missing; run: apt-get install $2"
}

stop_long() {
	[[ -n $long_pid ]] || return 0
	kill -TERM -- "-$long_pid" 2>/dev/null || kill -TERM "$long_pid" 2>/dev/null || true
	wait "$long_pid" 2>/dev/null || true
	long_pid=
}
trap 'stop_long; exit 130' INT
trap 'stop_long; exit 143' TERM

# long TITLE LOG DETAIL COMMAND...: runs COMMAND with its output appended to LOG, and says every 30 s that it
# is still at it. DETAIL is a function that prints how far it is, or `:`. Returns COMMAND's status.
# COMMAND gets a session of its own, so that an interrupt reaches all that it started; not so sudo, which would no
# longer know that the user gave the password at this terminal.
long() {
	local title=$1 log=$2 detail=$3 start=$SECONDS next=30 status=0 more session=(setsid --wait)
	shift 3
	[[ $1 != sudo ]] || session=()
	"${session[@]}" "$@" >>"$log" 2>&1 </dev/null &
	long_pid=$!
	while kill -0 "$long_pid" 2>/dev/null; do
		sleep 0.5
		if ((SECONDS - start >= next)); then
			more=$("$detail" || true)
			say "  still $title: $((SECONDS - start)) s${more:+, $more}"
			next=$((next + 30))
		fi
	done
	wait "$long_pid" || status=$?
	long_pid=
	return "$status"
}

# apt COMMAND...: a root apt-get that asks nothing and waits for another one to finish.
apt() {
	local log=$cache/apt.log try
	local run=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@")
	command -v apt-get >/dev/null 2>&1 ||
		die "this machine has no apt-get; install by hand what deploy/local/README.md lists, then run this again"
	if ((EUID)); then
		command -v sudo >/dev/null 2>&1 || die "root is needed and there is no sudo; run as root: apt-get $*"
		sudo -v || die "sudo did not let us in; run as root: apt-get $*" # asks here, where the question can be seen
		run=(sudo -n "${run[@]}")
	fi
	mkdir -p "$cache"
	for try in 1 2 3 4 5 6 7 8 9 10; do
		: >"$log"
		if long "running apt-get $1" "$log" : "${run[@]}"; then return 0; fi
		# The lock of the package lists has no timeout option of its own.
		if ((try == 10)) || ! grep -q 'Could not get lock' "$log"; then break; fi
		say "  another apt-get holds its lock; trying again in 15 s ($try of 10)"
		sleep 15
	done
	tail -n 5 "$log" >&2
	die "apt-get $1 failed (log: $log); to see more run: sudo apt-get $*"
}

# apt_update: refreshes the package lists, once per run.
apt_update() {
	[[ -z $apt_updated ]] || return 0
	say "refreshing apt's package lists"
	apt update
	apt_updated=yes
}

# apt_install PACKAGE...: installs those that are not there.
apt_install() {
	local missing=() package
	for package in "$@"; do
		# shellcheck disable=SC2016 # ${…} is dpkg-query's
		[[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == 'install ok installed' ]] || missing+=("$package")
	done
	((${#missing[@]})) || return 0
	apt_update
	say "installing ${missing[*]} with apt-get"
	apt install --no-install-recommends "${missing[@]}"
}

# find_postgres: sets `path` to the folder of PostgreSQL's programs: CUBEGATE_POSTGRES, else the newest of Debian's
# packages; false when there is none.
find_postgres() {
	local folder
	path=${CUBEGATE_POSTGRES:-}
	if [[ -n $path ]]; then
		[[ -x $path/initdb ]] || die "CUBEGATE_POSTGRES is set but there is no program $path/initdb; correct it, or run: unset CUBEGATE_POSTGRES"
		return 0
	fi
	while read -r folder; do
		if [[ -x $folder/initdb && -x $folder/postgres ]]; then path=$folder; fi
	done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V)
	[[ -n $path ]]
}
