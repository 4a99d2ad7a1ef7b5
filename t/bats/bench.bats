#!/usr/bin/env bats
# bench.bats - kv-bench measures what it says, on whom it says.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	unset KV_ADDR
}

# quick [OPTION...] - a load that is over at once: the requests are counted.
quick() {
	kv-bench load --keys 200 -n 2000 -c 4 -P 4 "$@"
}

# start_redis [OPTION...] - a Redis server on redis.sock, in memory only.
# Debian's redis-tools has the server under another name.
start_redis() {
	local line ready='' log

	mkfifo redis.log
	# shellcheck disable=SC2016 # it is the inner shell that expands
	setpriv --pdeathsig KILL bash -c '
		! command -v redis-server >/dev/null || exec redis-server "$@"
		exec -a redis-server redis-check-rdb "$@"' redis \
		--port 0 --unixsocket "$PWD/redis.sock" --save '' "$@" \
		>redis.log 2>&1 3>&- &
	servers+=($!)
	exec {log}<redis.log
	while [ -z "$ready" ] && IFS= read -r line <&"$log"; do
		case $line in *'eady to accept connections'*) ready=yes ;; esac
	done
	[ -n "$ready" ]
}

redis() {
	redis-cli -s redis.sock "$@"
}

# start_stall NTH SECONDS - the server that pauses, on stall.sock.
start_stall() {
	mkfifo stall.ready
	setpriv --pdeathsig KILL "$tests/stall" stall.sock "$@" \
		>stall.ready 3>&- &
	servers+=($!)
	read -r -t 60 <stall.ready
}

# await_requests N - returns when the server has taken so many.
await_requests() {
	until [ "$(server_info requests)" -gt "$1" ]; do :; done
}

# The facts that each report must state, as a pattern for each.
facts=(server durability CPU kernel 'file system' seed)

@test "a tour shows each kind of work with one client and with many" {
	start_server
	run -0 kv-bench --duration 0.05 --keys 500
	for fact in "${facts[@]}"; do
		assert_line --regexp "^$fact +[^ ]"
	done
	for work in set get mixed 'bulk of 10' 'scan of 100'; do
		assert_line --regexp "^$work, 1 client +[1-9][0-9]* .* 0$"
		assert_line --regexp "^$work, 50 clients +[1-9][0-9]* .* 0$"
	done
	[ "$(kv-get --count)" -eq 0 ]
}

@test "a tour draws sparklines on a terminal only" {
	start_server
	run -0 script -qec 'kv-bench --duration 0.05 --keys 500' /dev/null 3>&-
	assert_line --regexp '^get, 1 client .*[▁▂▃▄▅▆▇█]{32}'
	kv-bench --duration 0.05 --keys 500 >plain
	run -1 grep '[▁▂▃▄▅▆▇█]' plain
}

@test "throughput has exactly its form" {
	start_server
	kv-bench throughput --prepopulate 0,100,1000 --writes 300 >out 2>facts
	sed -E 's/^([0-9]+),[0-9]+\.[0-9]$/\1,RATE/' out >form
	diff - form <<-END
	Write throughput vs pre-populated dataset size
	data_file=$(server_info dir) writes_per_round=300

	prepopulated_keys,writes_per_sec
	0,RATE
	100,RATE
	1000,RATE
	END
	for fact in "${facts[@]}"; do
		grep -Eq "^$fact +[^ ]" facts
	done
	[ "$(kv-get --count)" -eq 0 ]
}

@test "throughput tells of keys that are not its own" {
	start_server
	kv-set mine 1
	run -0 kv-bench throughput --prepopulate 10 --writes 10
	assert_output --partial 'holds 1 keys of others'
	[ "$(kv-get mine)" = 1 ]
}

@test "a load is measured over both protocols and both kinds of socket" {
	start_server
	for address in "$KV_ADDR" "127.0.0.1:$port"; do
		for protocol in resp json; do
			run -0 quick -a "$address" -p $protocol --verify \
				--mix get:5,set:3,rmw:2,insert,bulk,scan
			assert_line --regexp "^server .*$address, $protocol$"
			assert_line --regexp '\(2000 in .* s\), 0 errors$'
			for op in get set rmw insert bulk scan all; do
				assert_line --regexp "^  $op service +[1-9]"
			done
		done
	done
}

@test "what a load wrote is there" {
	start_server
	kv-bench load --keys 50 -n 1 --value-size 64 >/dev/null
	[ "$(kv-get --count)" -eq 50 ]
	[ "$(kv-get bench:0000000049 | wc -c)" -eq 64 ]
	kv-bench load -p json --keys 50 -n 500 -c 1 --mix delete --batch 5 \
		>/dev/null
	[ "$(kv-get --count)" -lt 50 ]
}

@test "Redis is measured the same way" {
	start_redis
	run -0 quick -a unix:redis.sock --verify --workload F
	assert_line --regexp '^server +Redis [0-9.]+ at unix:redis.sock, resp$'
	assert_line --partial 'appendonly no'
	assert_line --regexp '\(2000 in .* s\), 0 errors$'
	run -0 kv-bench -a unix:redis.sock --duration 0.05 --keys 500
	run -0 kv-bench throughput -a unix:redis.sock --prepopulate 0,100 \
		--writes 100
	[ "$(redis dbsize)" = 0 ]
}

@test "the durability of Redis is told as it is set" {
	start_redis --appendonly yes --appendfsync everysec
	run -0 quick -a unix:redis.sock
	assert_line --partial 'everysec: a write can be lost after its reply'
	redis config set appendfsync always
	run -0 quick -a unix:redis.sock
	assert_line --partial 'always: a write is synced before its reply'
}

@test "JSON lines to Redis exit 69 and name the way out" {
	start_redis
	run -69 quick -a unix:redis.sock -p json
	assert_output --partial '--protocol resp'
}

@test "error replies are counted apart and exit 74" {
	start_redis
	quick -a unix:redis.sock --mix get >/dev/null
	redis config set maxmemory 1
	run -74 quick -a unix:redis.sock --no-fill --mix get:50,set:50 --json
	assert_output --partial 'requests failed'
	json=$(grep '^{' <<<"$output")
	jq -e '.results[0] | .operations + .errors == 2000 and
		.errors == .set.errors and .errors > 800 and
		.error_replies[0].error == "OOM"' <<<"$json"
}

@test "a fill that the server refuses exits 74 and says why" {
	start_redis --maxmemory 1
	run -74 quick -a unix:redis.sock
	assert_output --partial 'storing the keys failed: OOM'
}

@test "a value that nobody wrote is noticed" {
	start_server
	quick --mix get >/dev/null
	run -0 quick --no-fill --mix get --verify
	kv-set bench:0000000007 "$(kv-get bench:0000000008)"
	run -65 quick --no-fill --mix get --verify
	assert_output --regexp '[1-9][0-9]* reads found a wrong value'
	run -65 quick --no-fill --mix get --verify -p json
	quick --mix get >/dev/null
	kv-del bench:0000000007
	run -65 quick --no-fill --mix get --verify
	run -0 quick --no-fill --mix get
	assert_output --regexp '[1-9][0-9]* reads found no such key'
}

@test "a pause of the server is hidden in service times, not in responses" {
	start_stall 100 0.4
	run -0 kv-bench load -a unix:stall.sock --no-fill --mix get \
		--rate 1000 -n 1000 -c 1 --json
	jq -e '.results[0].get |
		.service_us.p90 < 100000 and .service_us.max >= 400000 and
		.response_us.p90 >= 200000 and .response_us.max >= 400000' \
		<<<"$output"
}

@test "requests that were due and never sent are told and timed" {
	start_stall 1 0.5
	run -0 kv-bench load -a unix:stall.sock --no-fill --mix get \
		--rate 1000 --warmup 0 --duration 0.2 -c 1 --json
	jq -e '.results[0] | .unsent >= 150 and .all.service_us.count == 1 and
		.all.response_us.count == .unsent + 1' <<<"$output"
}

@test "a server that falls silent is given up after --timeout and exits 75" {
	start_stall 10 60
	run -75 kv-bench load -a unix:stall.sock --no-fill --mix get -n 100 \
		-c 1 --timeout 0.3
	assert_output --partial '1 x TIMEOUT: no reply in time'
	assert_output --regexp '\(9 in .* s\), 1 errors'
}

@test "an open loop keeps its rate" {
	start_server
	run -0 kv-bench load --mix get --rate 2000 --warmup 0 --duration 0.5 \
		--json
	jq -e '.results[0] | .operations + .unsent == 1000' <<<"$output"
}

@test "a seed repeats a run" {
	start_server
	for i in 1 2; do
		quick --seed 5 --mix get:50,set:30,rmw:20 --json |
			jq -c '.results[0] | [.get, .set, .rmw] |
				map(.service_us.count)' >"run$i"
	done
	cmp run1 run2
	quick --seed 6 --mix get:50,set:30,rmw:20 --json |
		jq -c '.results[0] | [.get, .set, .rmw] |
			map(.service_us.count)' >run3
	run -1 cmp run1 run3
}

@test "JSON and CSV have all that was measured" {
	start_server
	quick --json --runs 2 -c 1,4 >report
	jq -e '.durability and .cpu and .kernel and .file_system and .seed and
		(.results | length) == 4 and .results[3].step == "4 clients" and
		(.results | all(.operations == 2000 and .errors == 0 and
			.all.service_us["p99.99"] > 0))' report
	quick --csv --rate 20000 >report
	for fact in "${facts[@]}"; do
		grep -Eq "^# $fact +[^ ]" report
	done
	[ "$(grep -c '^"",1,\(get\|set\|all\),\(service\|response\),' report)" = 6 ]
	[ "$(grep -v '^#' report | awk -F, '{print NF}' | sort -u)" = 18 ]
}

@test "the table of percentiles rises to the maximum" {
	start_server
	quick --hdr >report
	awk '/^ *[0-9]+\.[0-9]+ / {
		if ($1 < value || $2 < percent || $3 < count) exit 1
		value = $1; percent = $2; count = $3
	} END { exit !(percent == 1 && count == 2000) }' report
	grep -Eq '^#\[Mean +=' report
}

@test "the picture is SVG with axes, units and a legend" {
	start_server
	quick --rate 20000,40000 --svg curve.svg >/dev/null
	python3 -c 'import sys, xml.dom.minidom as x; x.parse(sys.argv[1])' \
		curve.svg
	for text in 'response time' 'percentile of the operations' '99.99%' \
		'throughput, operations a second' ' µs<' ' ms<' 'rate 20000: ' \
		'p99.9<' 'kv-serve ' 'appendfsync always' 'seed '; do
		grep -qF "$text" curve.svg
	done
	run -74 quick --svg nowhere/curve.svg
}

@test "each of the workloads of YCSB runs" {
	start_server
	for workload in A B C D F; do
		run -0 quick --workload $workload --verify
		assert_line --regexp '\(2000 in .* s\), 0 errors$'
	done
	run -2 quick --workload E
}

@test "threads share the clients and the requests" {
	start_server
	run -0 kv-bench load --keys 100 -n 1001 -c 5 -T 3 --mix get --json
	jq -e '.results[0].operations == 1001 and .threads == 3' <<<"$output"
	run -0 kv-bench load --keys 100 -n 1001 -c 5 -T 3 --rate 50000 --json
	jq -e '.results[0].operations == 1001' <<<"$output"
}

@test "a server that dies is told, with what was measured, and exits 69" {
	start_server
	kv-bench load --keys 100 --duration 60 --warmup 0 >out 2>err &
	bench=$!
	await_requests 2000
	kill_server
	status=0
	wait $bench || status=$?
	assert_equal $status 69
	grep -q ' operations a second' out
	grep -q '50 connections were lost' out
	grep -q 'x CLOSED: ' out
	grep -q 'connections .* were lost' err
}

@test "an interrupt prints what was measured so far" {
	start_server
	kv-bench load --keys 100 --duration 60 --warmup 0 --runs 3 >out &
	bench=$!
	await_requests 2000
	kill -INT $bench
	wait $bench
	grep -Eq '^run 1: [1-9].* 0 errors, interrupted$' out
	run -1 grep '^run 2' out
}

@test "a directory without a server gets one for the time of the run" {
	run -0 quick -d fresh --verify
	[ "$(kv-get -d fresh --count)" -eq 200 ]
	flock -n fresh/lock true
	store=s start_server
	run -0 quick -d s
	assert_line --partial "$PWD/s/kv.sock"
}

@test "no server exits 69" {
	run -69 kv-bench -a 127.0.0.1:1
	run -69 kv-bench load -a unix:nobody.sock
	run -69 kv-bench throughput -a unix:nobody.sock --prepopulate 0
	assert_output --partial 'cannot connect'
}

@test "wrong usage exits 2" {
	run -2 kv-bench fly
	run -2 kv-bench --mix get
	run -2 kv-bench throughput
	run -2 kv-bench throughput --prepopulate 1,x
	run -2 kv-bench throughput --prepopulate 1 --rate 5
	run -2 kv-bench load --mix jump
	run -2 kv-bench load --dist normal
	run -2 kv-bench load -p http
	run -2 kv-bench load -c 0
	run -2 kv-bench load -c 2 -T 3
	run -2 kv-bench load --duration 0
	run -2 kv-bench load more
	run -2 kv-bench load -a x:1 -d y
}

@test "a full output is not taken for success" {
	start_server
	run -74 bash -c 'kv-bench load --keys 10 -n 10 >/dev/full'
}

@test "the examples of kv-bench(1) run" {
	start_redis
	awk '/^\.Sh/ { on = /EXAMPLES/ } on && /^(\.Dl )?\$ /' \
		"$tests/../../man/kv-bench.1" |
		sed 's/^\.Dl //; s/^\$ //' >script
	[ "$(wc -l <script)" -eq 5 ]
	run -0 bash -euo pipefail script
	assert_line --regexp '^set, 50 clients '
	assert_line 'prepopulated_keys,writes_per_sec'
	assert_line --partial 'Redis'
	grep -q '</svg>' curve.svg
}
