# lib.bash - what the benchmarks share: starting and ending the servers that
# are compared, loading them, and numbers.
# shellcheck shell=bash
# shellcheck disable=SC2034 # ports and pids are for those who read this file

build=${BUILD:-build}
rounds=${ROUNDS:-5}
dir=$(mktemp -d "${BENCH_DIR:-$PWD}/bench.XXXXXX")
pids=()

# Ends a server that start_... has started.
end() { # PID [SIGNAL]
	local i
	kill "-${2:-TERM}" "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
	for i in "${!pids[@]}"; do
		[ "${pids[i]}" != "$1" ] || unset "pids[i]"
	done
}

end_all() {
	local pid
	for pid in "${pids[@]}"; do
		end "$pid" KILL
	done
}

finish() {
	end_all
	rm -rf "$dir"
}
trap finish EXIT

now() { date +%s%N; }
median() { sort -g | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {printf "%.2f", (b ? a / b : 0)}'; }
anon_kib() { awk '/^RssAnon/ {print $2}' "/proc/$1/status"; }

# Debian's redis-tools has the server too, under another name.
redis_server() {
	if command -v redis-server >/dev/null; then
		exec redis-server "$@"
	fi
	exec -a redis-server redis-check-rdb "$@"
}

# Whether the server at redis_port is ours and has loaded what it has.
redis_is_ready() {
	redis-cli -p "$redis_port" info 2>/dev/null | tr -d '\r' | awk -v pid="$1" '
		$0 == "process_id:" pid { ours = 1 }
		$0 == "loading:0" { loaded = 1 }
		END { exit !(ours && loaded) }'
}

# Sets redis_pid and redis_port. Redis has no way to take any free port, and
# ends at once if it does not get the one that it is told.
start_redis() { # NAME OPTION...
	local home=$dir/$1
	shift
	mkdir -p "$home"
	while :; do
		redis_port=$((20000 + RANDOM % 10000))
		redis_server --port "$redis_port" --bind 127.0.0.1 \
			--dir "$home" --save '' --auto-aof-rewrite-percentage 0 \
			--daemonize no --loglevel warning "$@" \
			>"$home/log" 2>&1 &
		redis_pid=$!
		while kill -0 "$redis_pid" 2>/dev/null; do
			if redis_is_ready "$redis_pid"; then
				pids+=("$redis_pid")
				return
			fi
		done
		wait "$redis_pid" || true
		grep -q 'Address already in use' "$home/log" || {
			cat "$home/log" >&2
			exit 1
		}
	done
}

start_redis_durable() {
	start_redis "$1" --appendonly yes --appendfsync always
}

# Sets kv_pid, kv_port and kv_socket.
start_kv() { # NAME
	local fd
	kv_socket=$dir/$1.sock
	mkfifo "$dir/ready"
	"$build/kv-serve" -d "$dir/$1" --port 0 --socket "$kv_socket" \
		--ready-fd 9 9>"$dir/ready" 2>"$dir/$1.log" &
	kv_pid=$!
	pids+=("$kv_pid")
	exec {fd}<"$dir/ready"
	read -r -u "$fd"
	exec {fd}<&-
	rm "$dir/ready"
	kv_port=$(grep -o '127.0.0.1:[0-9]*' "$dir/$1.log" | head -n 1 |
		cut -d: -f2)
}

# Sets ceiling_port.
start_ceiling() {
	local fd
	exec {fd}< <(exec "$build/t/ceiling")
	pids+=("$!")
	read -r -u "$fd" ceiling_port
	exec {fd}<&-
}

# Sets COUNT keys of 16 bytes to values of 100.
load_keys() { # PORT COUNT
	awk -v n="$2" 'BEGIN {
		v = sprintf("%100s", ""); gsub(/ /, "x", v)
		f = "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012d\r\n$100\r\n" v "\r\n"
		for (i = 0; i < n; i++) printf f, i }' |
		redis-cli -p "$1" --pipe >/dev/null
}

# Requests a second, as redis-benchmark has them.
drive() { # PORT REQUESTS OPTION...
	local port=$1 requests=$2
	shift 2
	redis-benchmark -p "$port" -n "$requests" -d 100 -r 1000000 --csv "$@" \
		2>/dev/null | awk -F'"' 'NR > 1 {print $4}'
}

# Runs each of the commands once a round; medians into the array `result`, by
# the name of each.
declare -A result
compare() { # WHAT NAME COMMAND [NAME COMMAND]...
	local what=$1 i name said
	shift
	rm -f "$dir"/round.*
	for ((i = 1; i <= rounds; i++)); do
		said=''
		for ((arg = 1; arg < $#; arg += 2)); do
			name=${!arg}
			next=$((arg + 1))
			${!next} >"$dir/one"
			said+=" $name $(<"$dir/one")"
			cat "$dir/one" >>"$dir/round.$name"
		done
		echo "$what, round $i:$said" >&2
	done
	for ((arg = 1; arg < $#; arg += 2)); do
		name=${!arg}
		result[$name]=$(median <"$dir/round.$name" | sed 's/\..*//')
	done
}
