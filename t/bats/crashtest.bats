#!/usr/bin/env bats
# crashtest.bats - kv-crashtest tells whether data was lost, and what it looked
# at.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# line CLIENT OP VALUE INVOKE RETURN - a line of a history of the key k.
line() {
	printf '{"client":%s,"op":"%s","key":"k","value":%s,' "$1" "$2" "$3"
	printf '"invoke":%s,"return":%s,"result":"ok"}\n' "$4" "$5"
}

@test "a server that is killed again and again loses nothing it acknowledged" {
	run -0 kv-crashtest kill --rounds 8 --clients 6 --keys 300 -d . --seed 1
	assert_line --index -2 --regexp \
		'^acked=[1-9][0-9]* lost=0 lost_pct=0\.00%$'
	assert_line --index -1 \
		'Result: PASS (100% durability for acknowledged writes)'
	run -0 find . -mindepth 1
	refute_output
}

@test "one with several event loops loses nothing either" {
	run -0 kv-crashtest kill --rounds 6 --threads 3 --clients 9 --keys 300 -d .
	assert_line --index -1 \
		'Result: PASS (100% durability for acknowledged writes)'
}

@test "the history of a killed server is written and is linearizable" {
	run -0 kv-crashtest kill --rounds 3 -d . --history h
	[ "$(wc -l <h)" -gt 100 ]
	grep -q '"op":"bulk"' h
	grep -q '"result":"unknown"' h
	run -0 kv-crashtest verify h
	assert_output --partial 'linearizable: '
}

@test "a lie in that history is found" {
	kv-crashtest kill --rounds 2 -d . --history h >/dev/null
	awk '!done && /"op":"get".*"value":"/ {
		sub(/"value":"[^"]*"/, "\"value\":\"never\""); done = 1
	} 1' h >lie
	run -1 kv-crashtest verify lie
	assert_output --partial "'never' was read but never written"
}

@test "the summary of a kill is one JSON object" {
	run -0 kv-crashtest kill --rounds 1 -d . --json
	assert_output --regexp '^\{"rounds":1,.*"lost":0,.*"result":"PASS"\}$'
}

@test "a server that never starts is told, with where its messages are" {
	mkdir bin
	printf '#!/bin/sh\nexit 1\n' >bin/kv-serve
	chmod +x bin/kv-serve
	cp "$(command -v kv-crashtest)" bin/
	run -69 bin/kv-crashtest kill --rounds 1 -d .
	assert_output --partial 'ended instead of serving'
	assert_output --partial 'kv-serve.log'
}

@test "power cuts leave the store whole" {
	run -0 kv-crashtest power --states 1000 --seed 3
	assert_line --index 0 --regexp '^store=alone seed=3 states=[0-9]{4,} cuts='
	assert_line --index 1 \
		--regexp '^store=replicated seed=3 states=[0-9]{4,} cuts='
	assert_line --index 2 'Result: PASS'
}

@test "a sound history is linearizable" {
	{ line 1 set '"a"' 1 2; line 2 get '"a"' 3 4; } >h
	run -0 kv-crashtest verify h
	assert_output 'linearizable: 2 operations on 1 key, 0 violated'
	run -0 kv-crashtest verify - <h
}

@test "a stale read is found and shown with what contradicts it" {
	{
		line 1 set '"a"' 1 2
		line 1 set '"b"' 3 4
		line 2 get '"b"' 5 6
		line 2 get '"a"' 7 8
	} >h
	run -1 kv-crashtest verify h
	assert_line --partial "key 'k': 3 operations"
	assert_line --regexp "set 'a'"
	assert_line --regexp "get -> 'a'"
	assert_line 'violation: 4 operations on 1 key, 1 violated'
}

@test "a search beyond the limit exits 2" {
	for i in $(seq 30); do
		printf '{"client":%s,"op":"cas","key":"k","expect":"%s",' \
			"$i" $((i % 5))
		printf '"value":"%s","invoke":2,"return":9,"result":"ok"}\n' \
			$(((i + 2) % 7))
		line "$i" set "\"$((i % 6))\"" 1 9
	done >h
	line 1 get '"6"' 10 11 >>h
	line 1 get '"5"' 12 13 >>h
	run -2 kv-crashtest verify --limit 100 h
	assert_output --partial 'undecided'
}

@test "a bad line names its number" {
	{ line 1 set '"a"' 1 2; echo '{"op":"jump"}'; } >h
	run -65 kv-crashtest verify h
	assert_output --partial "'h' line 2: 'jump' is not a known op"
}

@test "a history that is not there exits 74" {
	run -74 kv-crashtest verify nothing
	assert_output --partial "cannot open 'nothing'"
}

@test "the disk is measured in each way" {
	run -0 kv-crashtest disk -d .
	assert_line --regexp '^appending +[0-9]+ '
	assert_line --regexp '^pre-zeroed +[0-9]+ '
	assert_line --regexp '^direct '
	assert_line --partial 'with 1 client'
	run -0 find . -mindepth 1
	refute_output
}

@test "wrong usage exits 2" {
	run -2 kv-crashtest
	assert_output --partial 'what to test?'
	run -2 kv-crashtest --seed 1
	assert_output --partial 'what to test?'
	run -2 kv-crashtest --frobnicate
	assert_output --partial "unrecognized option '--frobnicate'"
	refute_output --partial 'what to test?'
	run -2 kv-crashtest explode
	run -2 kv-crashtest disk --rounds 3
	run -2 kv-crashtest kill --rounds 0
	run -2 kv-crashtest verify
	run -2 kv-crashtest power more
}

@test "a full output is not taken for success" {
	line 1 set '"a"' 1 2 >h
	run -74 sh -c 'kv-crashtest verify h >/dev/full'
}

@test "the examples of kv-crashtest(1) run" {
	awk '/^\.Sh/ { on = /EXAMPLES/ } on && /^(\.Dl )?\$ /' \
		"$tests/../../man/kv-crashtest.1" |
		sed 's/^\.Dl //; s/^\$ //' >script
	[ "$(wc -l <script)" -eq 3 ]
	run -0 bash -euo pipefail script
	assert_line --partial 'with 1 client'
	assert_line 'Result: PASS (100% durability for acknowledged writes)'
	assert_line --partial 'linearizable: '
}

@test "simulated clusters keep what they promised" {
	run -0 kv-crashtest sim --mode primary --seed 1 --seeds 20 --steps 1500
	assert_line --regexp '^seed=1 seeds=20 steps=[0-9]+ .* trace=[0-9a-f]{16}$'
	assert_line 'Result: PASS'
}

@test "a simulated cluster does the same whenever its seed is given" {
	for nodes in 3 5; do
		kv-crashtest sim --seed 7 --seeds 1 --nodes "$nodes" --json \
			--trace >once 2>log
		kv-crashtest sim --seed 7 --seeds 1 --nodes "$nodes" --json \
			--trace >again 2>log2
		cmp once again
		cmp log log2
		grep -q 'leads in term' log
	done
	run ! cmp <(kv-crashtest sim --seed 7 --seeds 1 --json) \
		<(kv-crashtest sim --seed 8 --seeds 1 --json)
}

@test "a simulated cluster has 3 or 5 nodes" {
	run -2 kv-crashtest sim --nodes 4
	run -2 kv-crashtest sim --mode other
	run -2 kv-crashtest sim --rounds 3
	run -2 kv-crashtest sim --seeds 0
}

@test "a cluster in a storm loses nothing that it acknowledged" {
	run -0 kv-crashtest cluster --duration 6 --clients 6 --keys 60 \
		--dir . --history seen
	assert_line --regexp '^acked=[1-9][0-9]* lost=0 lost_pct=0.00%$'
	assert_line 'Result: PASS (100% durability for acknowledged writes)'
	run -0 kv-crashtest verify seen
	run -0 find . -name 'kv-crashtest.*'
	assert_output ''
}
