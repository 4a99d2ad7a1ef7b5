# persistence.bats - what was acknowledged outlives the server, however it ends.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "a value outlives a restart" {
	start_server
	kv-set colour blue
	stop_server
	start_server
	[ "$(kv-get colour)" = blue ]
}

@test "a value outlives SIGKILL" {
	start_server
	kv-set colour blue
	restart_server
	[ "$(kv-get colour)" = blue ]
}

@test "an overwritten value stays overwritten, a deleted key deleted" {
	start_server
	kv-set colour blue
	kv-set shape round
	kv-set colour green
	kv-del shape
	restart_server
	[ "$(kv-get colour)" = green ]
	run -1 kv-get shape
}

@test "each of many writes outlives a SIGKILL right after it" {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		start_server
		kv-set "key$i" "value $i"
		kill_server
	done
	start_server
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(kv-get "key$i")" = "value $i" ]
	done
}

# Sets a key with a growing number until it is no longer acknowledged.
count_up() {
	local i=0

	while kv-set "$1" $((i + 1)) 2>>"$1.err"; do
		i=$((i + 1))
		echo $i >"$1.acked"
	done
	echo $i >"$1.acked"
}

@test "writers that are cut off find at least what was acknowledged" {
	for round in 1 2 3 4 5; do
		start_server
		pids=()
		for writer in a b c d; do
			rm -f "$writer.acked"
			count_up "$writer" 3>&- &
			pids+=($!)
		done
		for writer in a b c d; do
			until [ -s "$writer.acked" ] &&
				[ "$(cat "$writer.acked")" -ge $((round * 3)) ]; do
				kill -0 "$server"
			done 2>/dev/null
		done
		kill_server
		wait "${pids[@]}"
		start_server
		for writer in a b c d; do
			# The write under way may or may not have made it.
			found=$(kv-get "$writer")
			[ "$found" -ge "$(cat "$writer.acked")" ]
			[ "$found" -le $(($(cat "$writer.acked") + 1)) ]
		done
		kill_server
	done
}

@test "a time to live goes on over a restart" {
	start_server
	kv-set --ttl 0.2 short 1
	kv-set --ttl 1000 long 1
	restart_server
	until ! kv-get short; do :; done
	[ "$(kv-get long)" = 1 ]
	left=$(talk '{"op":"get","key":"long"}' | jq '.ttl > 900 and .ttl <= 1000')
	[ "$left" = true ]
}

@test "versions go on growing over a restart" {
	start_server
	before=$(kv-set --print-version a 1)
	restart_server
	after=$(kv-set --print-version a 2)
	[ "$after" -gt "$before" ]
}

@test "a server that was killed leaves a socket file that the next replaces" {
	start_server
	kill_server
	[ -S s/kv.sock ]
	start_server
	kv-set a 1
	stop_server
	[ ! -e s/kv.sock ]
}

@test "opening twice in a row gives the same store" {
	start_server
	numbers 2000 | kv-set --bulk
	kv-del -f --prefix key1
	kill_server
	dump -d s >first
	dump -d s | cmp - first
	[ "$(wc -l <first)" -eq $((2000 - 1111)) ]
}

@test "writes with failing syncs are as durable as others" {
	start_server --debug-seed 1 --debug-rate 50
	for i in $(seq 1 40); do
		kv-set --debug-unreliable "key$i" "$i"
	done
	kv-del --debug-unreliable key40
	injected=$(server_info injected_failures)
	[ "$injected" -gt 5 ]
	[ "$injected" -lt 36 ]
	restart_server
	[ "$(kv-get --count)" -eq 39 ]
	for i in $(seq 1 39); do
		[ "$(kv-get "key$i")" = "$i" ]
	done
}

@test "without --debug-unreliable no sync is made to fail" {
	start_server --debug-rate 100
	kv-set a 1
	[ "$(server_info injected_failures)" -eq 0 ]
}
