# reaper.sh APISERVER_SH LOCK: ends what a test run leaves running, when the run has ended, however it ended.
#
# It reads lines `gateway DIR`, `apiserver DIR` and `browser DIR` on stdin, which the run holds open as long as it lives. A process is
# only ended when its command line names DIR: its number may be somebody else's by then.
# LOCK tells the next run that the folder is still needed.
exec 9>"$2"
flock 9
gateways=() servers=() browsers=()
while read -r what dir; do
	case $what in
	gateway) gateways+=("$dir") ;;
	apiserver) servers+=("$dir") ;;
	browser) browsers+=("$dir") ;;
	esac
done

# send SIGNAL PIDFILE DIR: false when that process is gone.
send() {
	local pid
	[[ -s $2 ]] && read -r pid <"$2" && [[ $pid =~ ^[0-9]+$ ]] || return 1
	tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -e "$3" || return 1
	kill "-$1" "$pid" 2>/dev/null
}

# The driver first, which would start others. What a browser is made of ends with it.
for dir in "${browsers[@]}"; do
	for flag in log-path user-data-dir; do
		for file in /proc/[0-9]*/cmdline; do
			mapfile -d '' arguments 2>/dev/null <"$file" || continue
			if [[ " ${arguments[*]}" == *" --$flag=$dir/"* ]]; then
				pid=${file#/proc/}
				kill -KILL "${pid%/cmdline}" 2>/dev/null
			fi
		done
	done
done

for dir in "${gateways[@]}"; do send TERM "$dir/up.pid" "$dir" || true; done
for _ in {1..60}; do
	left=
	for dir in "${gateways[@]}"; do if send 0 "$dir/up.pid" "$dir"; then left=yes; fi; done
	[[ -n $left ]] || break
	sleep 0.1
done
for dir in "${gateways[@]}"; do
	send KILL "$dir/up.pid" "$dir" || true
	send KILL "$dir/data/envoy/envoy.pid" "$dir" || true
	send KILL "$dir/data/envoy/standby.pid" "$dir" || true
done
for dir in "${servers[@]}"; do
	"$1" kill "$dir" 9>&-
	rm -rf "$dir/etcd"
done
