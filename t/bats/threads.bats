# threads.bats - a server with several event loops is one server.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# connect NAME - a connection whose descriptor is in $NAME. They are dealt out
# evenly: of two in a row, each is on a loop of its own.
connect() {
	eval "exec {$1}<>/dev/tcp/127.0.0.1/$port"
	[ "$(ask "${!1}" PING)" = +PONG ]
}

# next FD - the next line of the answer.
next() {
	local line

	IFS= read -r -t 120 line <&"$1" || return 1
	printf '%s\n' "${line%$'\r'}"
}

# ask FD COMMAND... - says it, and prints the first line of the answer.
ask() {
	local fd=$1

	shift
	printf '%s\r\n' "$*" >&"$fd"
	next "$fd"
}

# two_loops [OPTION...] - a server with two, and a connection to each: $a, $b.
two_loops() {
	start_server --threads 2 "$@"
	connect a
	connect b
}

@test "connections are dealt out evenly, TCP and Unix together" {
	start_server --threads 3
	for i in 1 2 3 4; do
		connect "tcp$i"
	done
	mkfifo held1 held2 held3 held4
	for i in 1 2 3 4; do
		printf '' | "$tests/socket" hold "$KV_ADDR" >"held$i" 3>&- &
		servers+=($!)
		read -r _ <"held$i"
	done
	# The ninth is the one that asks.
	[ "$(server_info connections)" -eq 9 ]
	[ "$(server_info connections_by_thread)" = '3 3 3' ]
	[ "$(server_info threads)" -eq 3 ]
}

@test "what one loop writes all read" {
	two_loops
	for i in $(seq 50); do
		[ "$(ask "$a" SET k "$i")" = +OK ]
		[ "$(ask "$b" STRLEN k)" = ":${#i}" ]
		[ "$(ask "$b" INCR k)" = ":$((i + 1))" ]
		[ "$(ask "$a" INCR k)" = ":$((i + 2))" ]
	done
}

@test "counting on all loops loses no count" {
	start_server --threads 3
	redis-benchmark -p "$port" -c 12 -n 12000 -P 4 -q incr counter >report
	[ "$(redis-cli -p "$port" get counter)" -eq 12000 ]
}

@test "WATCH notices a write that came on another loop" {
	two_loops
	[ "$(ask "$a" WATCH k)" = +OK ]
	[ "$(ask "$b" SET k theirs)" = +OK ]
	[ "$(ask "$a" MULTI)" = +OK ]
	[ "$(ask "$a" SET k ours)" = +QUEUED ]
	[ "$(ask "$a" EXEC)" = '*-1' ]
	[ "$(kv-get k)" = theirs ]
	[ "$(ask "$a" MULTI)" = +OK ]
	[ "$(ask "$a" SET k ours)" = +QUEUED ]
	[ "$(ask "$a" EXEC)" = '*1' ]
	[ "$(kv-get k)" = ours ]
}

@test "a scan goes on on another loop, even if its last key has gone" {
	two_loops
	seq 10 40 | sed 's/.*/key&\tv/' | kv-set --bulk
	[ "$(ask "$a" SCAN 0 COUNT 10)" = '*2' ]
	next "$a" >/dev/null
	cursor=$(next "$a")
	[ "$cursor" != 0 ]
	kv-del key19
	[ "$(ask "$b" SCAN "$cursor" COUNT 100)" = '*2' ]
	next "$b" >/dev/null
	[ "$(next "$b")" = 0 ]
	[ "$(next "$b")" = '*21' ]
}

@test "CLIENT LIST shows the connections of all loops" {
	two_loops
	[ "$(ask "$a" CLIENT SETNAME ann)" = +OK ]
	[ "$(ask "$b" CLIENT SETNAME bob)" = +OK ]
	redis-cli -p "$port" client list >listed
	grep -q "laddr=127.0.0.1:$port .*name=ann .*omem=0 .*cmd=client|setname" listed
	grep -q "laddr=127.0.0.1:$port .*name=bob .*omem=0 .*cmd=client|setname" listed
	[ "$(sed 's/.*addr=\([^ ]*\) laddr.*/\1/' listed | sort -u | wc -l)" -eq 3 ]
	[ "$(sed 's/id=\([0-9]*\) .*/\1/' listed | sort -u | wc -l)" -eq 3 ]
}

@test "CLIENT KILL closes a connection of another loop" {
	two_loops
	id=$(ask "$b" CLIENT ID)
	[ "$(ask "$a" CLIENT KILL ID "${id#:}")" = :1 ]
	[ "$(ask "$a" CLIENT KILL ID "${id#:}")" = :0 ]
	run -1 next "$b"
	[ "$(redis-cli -p "$port" client list | wc -l)" -eq 2 ]
}

@test "--max-clients counts the connections of all loops" {
	two_loops --max-clients 3
	connect c
	exec {d}<>"/dev/tcp/127.0.0.1/$port"
	next "$d" >answer
	grep -q UNAVAILABLE answer
	[ "$(ask "$a" PING)" = +PONG ]
	exec {d}>&- {c}>&-
	until redis-cli -e -p "$port" ping 2>/dev/null; do :; done
}

@test "counts are sums over all loops, and are set back on all" {
	two_loops
	[ "$(ask "$a" CONFIG RESETSTAT)" = +OK ]
	[ "$(ask "$a" GET nothing)" = '$-1' ]
	[ "$(ask "$b" GET nothing)" = '$-1' ]
	[ "$(ask "$b" GET nothing)" = '$-1' ]
	redis-cli -p "$port" info stats | grep -q '^keyspace_misses:3'
	[ "$(ask "$b" CONFIG RESETSTAT)" = +OK ]
	redis-cli -p "$port" info stats | grep -q '^keyspace_misses:0'
	[ "$(redis-cli -p "$port" config get io-threads | tail -n 1)" = 2 ]
}

@test "every way to sync serves several loops, and loses nothing" {
	for mode in never always auto; do
		start_server --threads 3 --sync-thread $mode
		for i in 1 2 3 4 5 6; do
			seq 300 | sed "s/.*/SET $mode:$i:& v\r/" |
				"$tests/socket" talk "$KV_ADDR" >"ok$i" 3>&- &
			pids[i]=$!
		done
		wait "${pids[@]}"
		[ "$(cat ok? | grep -c '^+OK')" -eq 1800 ]
		kill_server
		[ "$(kv-get -d s --prefix $mode: --count)" -eq 1800 ]
	done
}

@test "syncs that fail under several loops lose nothing" {
	start_server --threads 3 --debug-rate 50 --debug-seed 7
	for i in 1 2 3 4 5 6; do
		seq 100 | sed "s/.*/{\"op\":\"set\",\"key\":\"$i:&\",\"value\":\"v\",\"debug_unreliable\":true}/" |
			"$tests/socket" talk "$KV_ADDR" >"ok$i" 3>&- &
		pids[i]=$!
	done
	wait "${pids[@]}"
	[ "$(server_info injected_failures)" -gt 0 ]
	[ "$(cat ok? | grep -c '"ok":true')" -eq 600 ]
	restart_server
	[ "$(kv-get --count)" -eq 600 ]
}

@test "SIGTERM answers what all loops have taken" {
	two_loops
	seq 3000 | sed 's/.*/SET a:& v\r/' >&"$a"
	seq 3000 | sed 's/.*/SET b:& v\r/' >&"$b"
	[ "$(next "$a")" = +OK ]
	[ "$(next "$b")" = +OK ]
	stop_server
	[ "$(cat <&"$a" | grep -c '^+OK')" -eq \
		$(($(kv-get -d s --prefix a: --count) - 1)) ]
	[ "$(cat <&"$b" | grep -c '^+OK')" -eq \
		$(($(kv-get -d s --prefix b: --count) - 1)) ]
}

@test "a peer on another loop that takes no replies does not keep the server" {
	two_loops
	head -c 1000000 /dev/zero | tr '\0' x | kv-set --timeout 120 big -
	seq 40 | sed 's/.*/GET big\r/' >&"$b"
	until redis-cli -p "$port" client list | grep -q 'omem=[1-9]'; do :; done
	stop_server
	grep -q 'closing 1 connections' s.log
}

@test "--threads takes a number from 1 to 64" {
	for n in 0 65 x ''; do
		run -2 kv-serve -d s --port 0 --threads "$n"
		assert_output --partial --threads
	done
}
