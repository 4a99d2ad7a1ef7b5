# serve.bats - how a server starts, runs and ends.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "port 0 picks a free port and says which on standard error" {
	start_server
	grep -q "listening on 127.0.0.1:$port and " s.log
	[ "$(kv-get -a "127.0.0.1:$port" --count)" -eq 0 ]
}

@test "the Unix socket is kv.sock in the store, unless --socket says else" {
	start_server
	[ -S s/kv.sock ]
	stop_server
	start_server --socket "$PWD/elsewhere"
	[ -S elsewhere ]
	[ ! -e s/kv.sock ]
	kv-set -a "unix:$PWD/elsewhere" a 1
	[ "$(kv-get -d s a)" = 1 ]
}

@test "SIGTERM and SIGINT end it well and take the socket away" {
	for signal in TERM INT; do
		start_server
		kv-set a $signal
		kill -$signal "$server"
		wait "$server"
		[ ! -e s/kv.sock ]
	done
	[ "$(kv-get -d s a)" = INT ]
}

@test "SIGTERM answers what was taken" {
	start_server
	numbers 50000 | kv-set --bulk 3>&- &
	loader=$!
	until [ "$(server_info connections)" -gt 1 ]; do
		kill -0 $loader 2>/dev/null || break
	done
	stop_server
	if wait $loader; then
		[ "$(kv-get -d s --count)" -eq 50000 ]
	else
		[ "$(kv-get -d s --count)" -eq 0 ]
	fi
}

@test "SIGHUP and SIGPIPE do no harm" {
	start_server
	kv-set a 1
	kill -HUP "$server"
	kill -PIPE "$server"
	[ "$(kv-get a)" = 1 ]
	stop_server
}

@test "-b returns when the server is ready, and leaves its pid and a log" {
	run -0 kv-serve -b -d s --port 0 3>&-
	servers+=("$(cat s/kv-serve.pid)")
	kv-set -a "unix:$PWD/s/kv.sock" a 1
	[ "$(kv-get -d s a)" = 1 ]
	pid=$(cat s/kv-serve.pid)
	grep -q 'listening on' s/kv-serve.log
	kill -TERM "$pid"
	# It is nobody's child here; its lock says when it has gone.
	flock s/lock true
	[ ! -e s/kv-serve.pid ]
	[ "$(kv-get -d s a)" = 1 ]
}

@test "-b tells a failure to start" {
	start_server
	run -75 kv-serve -b -d s --port 0 3>&-
	assert_output --partial "$server"
}

@test "a second server on the same store exits 75 and names the first's pid" {
	start_server
	run -75 timeout 20 kv-serve -d s --port 0
	assert_output --partial "process $server"
	kv-set a 1
}

@test "a port that is taken exits with a message that names it" {
	start_server
	run timeout 20 kv-serve -d t --port "$port"
	assert_output --partial "$port"
	[ "$status" -eq 69 ] || [ "$status" -eq 74 ]
}

@test "a directory that cannot be made exits 74 or 77 and is named" {
	touch file
	run timeout 20 kv-serve -d file/store --port 0
	assert_output --partial file/store
	[ "$status" -eq 74 ] || [ "$status" -eq 77 ]
}

@test "two servers on two stores do not disturb each other" {
	start_server
	kv-set who first
	store=t start_server
	kv-set who second
	[ "$(kv-get -d s who)" = first ]
	[ "$(kv-get -d t who)" = second ]
}

@test "info tells what an administrator asks for" {
	start_server
	kv-set a 1
	talk '{"op":"info"}' >answer
	[ "$(jq -r .ok answer)" = true ]
	[ "$(jq -r .info.unix_socket answer)" = "$PWD/s/kv.sock" ] ||
		[ "$(jq -r .info.unix_socket answer)" = s/kv.sock ]
	[ "$(jq -r .info.connections answer)" -eq 1 ]
	[ "$(jq -r .info.tcp_address answer)" = "127.0.0.1:$port" ]
}

@test "no server: exit 69 naming the address" {
	run -69 kv-get -a "unix:$PWD/nobody" a
	assert_output --partial nobody
	run -69 kv-set -a 127.0.0.1:1 a 1
	assert_output --partial 127.0.0.1:1
	run -69 kv-del -a 127.0.0.1:1 a
}

@test "of several addresses the first that answers is taken" {
	start_server
	kv-set a 1
	[ "$(kv-get -a "127.0.0.1:1,127.0.0.1:$port" a)" = 1 ]
}

@test "a server that says nothing: exit 75 after --timeout" {
	start_server
	kill -STOP "$server"
	run -75 kv-get --timeout 0.3 a
	run -75 kv-set --timeout 0.3 a 1
	kill -CONT "$server"
	run -0 kv-get --count
}

@test "a server that dies under a write leaves the outcome unknown: 75" {
	start_server
	kill -STOP "$server"
	kv-set a 1 2>err 3>&- &
	setter=$!
	until [ -n "$(ss -xH src "*kv.sock" 2>/dev/null)" ] || ! kill -0 $setter; do
		break
	done
	kill -KILL "$server"
	status=0
	wait $setter || status=$?
	[ $status -eq 75 ] || [ $status -eq 69 ]
	[ -s err ]
}

@test "--sync-thread never and always serve alike" {
	for mode in never always auto; do
		start_server --sync-thread $mode
		numbers 500 | kv-set --bulk
		kv-set mode $mode
		restart_server --sync-thread $mode
		[ "$(kv-get mode)" = $mode ]
		[ "$(kv-get --count)" -eq 501 ]
		stop_server
	done
}

@test "an open file limit that is low is told, not died of" {
	start_server
	stop_server
	(
		ulimit -n 40
		start_server
		"$tests/socket" drop "$KV_ADDR" 200
		[ "$(kv-get --count)" -eq 0 ]
	)
}
