#!/usr/bin/env bats
# Nodes that form a cluster: electing, forwarding, failing over, and what they
# refuse.
# shellcheck disable=SC2016 # RESP has lengths that begin with a dollar

setup() {
	load helper
	load cluster
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "three nodes choose a leader, and any of them takes writes and reads" {
	start_cluster 3
	for name in n1 n2 n3; do
		run -0 kv-set -a "127.0.0.1:${ports[$name]}" "from-$name" "$name"
	done
	for name in n1 n2 n3; do
		run -0 kv-get -a "127.0.0.1:${ports[$name]}" from-n1 from-n2 from-n3
		assert_output --partial n1
		assert_output --partial n2
		assert_output --partial n3
	done
}

@test "a request keeps its id, and an error its code, on the way to the leader" {
	start_cluster 3
	for name in n1 n2 n3; do
		run -0 ask "$name" '{"op":"set","key":"k'$name'","value":"v","id":"a 1"}' \
			'{"op":"set","key":"k'$name'","value":"v","if":"absent","id":7}' \
			'{"op":"nothing","id":8}'
		assert_line --index 0 --partial '{"id":"a 1","ok":true'
		assert_line --index 1 --partial '{"id":7,"ok":false,"error":"CONDITION"'
		assert_line --index 2 --partial '{"id":8,"ok":false,"error":"BADREQUEST"'
	done
}

@test "replies come in the order of the requests, wherever they are made" {
	start_cluster 3
	for name in n1 n2 n3; do
		for i in $(seq 200); do
			echo '{"op":"set","key":"order","value":"'"$i"'","id":'"$i"'}'
			echo '{"op":"get","key":"order","id":"g'"$i"'"}'
		done >requests
		run -0 "$tests/socket" talk "127.0.0.1:${ports[$name]}" <requests
		assert_equal "${#lines[@]}" 400
		for i in 1 100 200; do
			assert_regex "${lines[2 * i - 2]}" "^\{\"id\":$i,\"ok\":true"
			assert_regex "${lines[2 * i - 1]}" "\"id\":\"g$i\".*\"value\":\"$i\""
		done
	done
}

@test "when the leader is killed another one leads, and nothing is lost" {
	start_cluster 3
	first=$(leader_of n1)
	numbers 2000 | kv-set -a "127.0.0.1:${ports[n1]}" --bulk
	for i in $(seq 20); do
		kv-set -a "127.0.0.1:${ports[n2]}" "single$i" "$i"
	done
	kill_node "$first"
	for other in n1 n2 n3; do
		[ "$other" = "$first" ] || break
	done
	await_leader "$other"
	assert_not_equal "$(leader_of "$other")" "$first"
	run -0 kv-get -a "127.0.0.1:${ports[$other]}" key2000
	assert_output "value 2000"
	for number in $(seq 20); do # run has an i of its own
		run -0 kv-get -a "127.0.0.1:${ports[$other]}" "single$number"
		assert_output "$number"
	done

	# And it comes back, as a follower, with what it missed.
	kv-set -a "127.0.0.1:${ports[$other]}" missed it
	start_node "$first"
	last=$(node_info "$other" commit_index)
	await_info "$first" role follower
	end=$((SECONDS + 60))
	until [ "$(node_info "$first" applied_index)" -ge "$last" ]; do
		[ $SECONDS -lt $end ] || fail "it does not catch up"
	done
	run -0 ask "$first" '{"op":"get","key":"missed","stale":true}'
	assert_output --partial '"value":"it"'
}

@test "killed again and again, the cluster keeps every write that it confirmed" {
	start_cluster 3
	acknowledged=0
	for round in 1 2 3 4; do
		for i in $(seq 25); do
			name=n$((i % 3 + 1))
			[ "$name" != "${down:-}" ] || continue
			if kv-set -a "127.0.0.1:${ports[$name]}" "r$round-$i" "$i" 2>/dev/null; then
				echo "r$round-$i $i" >>confirmed
			fi
		done
		if [ -n "${down:-}" ]; then
			start_node "$down"
		fi
		down=n$((round % 3 + 1))
		kill_node "$down"
	done
	start_node "$down"
	await_leader n1
	acknowledged=$(wc -l <confirmed)
	[ "$acknowledged" -ge 50 ] || fail "only $acknowledged writes succeeded"
	while read -r key value; do
		run -0 kv-get -a "127.0.0.1:${ports[n2]}" "$key"
		assert_output "$value"
	done <confirmed
}

@test "a minority says that it cannot answer, in both protocols" {
	start_cluster 3
	kill_node n2
	kill_node n3
	# A leader that has lost the others notices it by this, at the latest.
	run -69 kv-get -a "127.0.0.1:${ports[n1]}" --timeout 20 k
	run -69 kv-set -a "127.0.0.1:${ports[n1]}" --timeout 20 k v
	assert_output --partial "kv-set: "
	run -0 redis n1 set k v
	assert_output --regexp '^CLUSTERDOWN '
	run -0 redis n1 get k
	assert_output --regexp '^CLUSTERDOWN '
}

@test "MULTI, WATCH and SCAN work through a follower" {
	start_cluster 3
	for name in n1 n2 n3; do
		redis "$name" flushall
		printf '%s\r\n' 'SET x 1' 'WATCH x' 'MULTI' 'INCR x' 'GET x' 'EXEC' \
			'WATCH x y' 'SET y 2' 'MULTI' 'GET x' 'EXEC' \
			'WATCH x' 'UNWATCH' 'SET x 5' 'MULTI' 'GET x' 'EXEC' \
			'MULTI' 'NOSUCH' 'EXEC' 'EXEC' >commands
		run -0 "$tests/socket" talk "127.0.0.1:${ports[$name]}" <commands
		assert_output "$(printf '%s\r\n' +OK +OK +OK +QUEUED +QUEUED \
			'*2' :2 '$1' 2 \
			+OK +OK +OK +QUEUED '*-1' \
			+OK +OK +OK +OK +QUEUED '*1' '$1' 5 \
			+OK "-ERR unknown command 'NOSUCH', with args beginning with: " \
			'-EXECABORT Transaction discarded because of previous errors.' \
			'-ERR EXEC without MULTI')"
		for i in $(seq 50); do
			echo "SET scan$i $i"
		done | redis "$name" >/dev/null
		run -0 redis "$name" --scan --pattern 'scan*'
		assert_equal "${#lines[@]}" 50
	done
}

@test "a cursor that one node gave out is good at all others" {
	start_cluster 3
	for i in $(seq -w 30); do
		echo "SET c$i $i"
	done | redis n1 >/dev/null
	cursor=0
	found=
	while :; do
		for name in n1 n2 n3; do
			run -0 redis "$name" scan "$cursor" match 'c*' count 4
			cursor=${lines[0]}
			found+=" ${lines[*]:1}"
			[ "$cursor" != 0 ] || break 2
		done
	done
	assert_equal "$cursor" 0
	assert_equal "$(echo "$found" | tr ' ' '\n' | grep -c .)" 30
}

@test "ROLE, INFO and HELLO say who leads; READONLY answers from here" {
	start_cluster 3
	lead=$(leader_of n1)
	for name in n1 n2 n3; do
		run -0 redis "$name" role
		if [ "$name" = "$lead" ]; then
			assert_line --index 0 master
			run -0 redis "$name" info replication
			assert_output --partial connected_slaves:2
		else
			assert_line --index 0 slave
			assert_line --index 2 "${ports[$lead]}"
			run -0 redis "$name" info replication
			assert_output --partial "master_port:${ports[$lead]}"
			assert_output --partial master_link_status:up
		fi
	done
	run -0 redis "$lead" wait 2 0
	[ "$output" -ge 1 ] || fail "WAIT says $output"

	printf '%s\r\n' READONLY 'GET awaited' READWRITE 'GET awaited' >commands
	run -0 "$tests/socket" talk "127.0.0.1:${ports[n2]}" <commands
	assert_output "$(printf '%s\r\n' +OK '$1' 1 +OK '$1' 1)"
}

@test "a leader that is cut off gives way; healed, it follows" {
	start_cluster 3 --allow-faults
	first=$(leader_of n1)
	others=$(printf '%s\n' n1 n2 n3 | grep -vx "$first" | paste -sd,)
	for name in n1 n2 n3; do
		if [ "$name" = "$first" ]; then
			run -0 ask "$name" '{"op":"cluster_cut","nodes":"'"$others"'"}'
		else
			run -0 ask "$name" '{"op":"cluster_cut","nodes":"'"$first"'"}'
		fi
		assert_output '{"ok":true}'
	done
	await_leader "${others%,*}"
	assert_not_equal "$(leader_of "${others%,*}")" "$first"
	kv-set -a "127.0.0.1:${ports[${others#*,}]}" while cut
	run -0 ask "$first" '{"op":"get","key":"while"}'
	assert_output --partial '"error":"UNAVAILABLE"'
	for name in n1 n2 n3; do
		ask "$name" '{"op":"cluster_cut","nodes":""}'
	done
	await_info "$first" role follower
	run -0 kv-get -a "127.0.0.1:${ports[$first]}" while
	assert_output cut
}

@test "links are cut only by a node that was started for it" {
	start_cluster 1
	run -0 ask n1 '{"op":"cluster_cut","nodes":"n2"}'
	assert_output --partial '"error":"PERM"'
	assert_output --partial -- --allow-faults
}

@test "a server that is not in a cluster takes no orders for one" {
	start_server
	run -0 talk '{"op":"cluster_remove","node":"n1"}'
	assert_output --partial '"error":"USAGE"'
	assert_output --partial 'not a node of a cluster'
}

@test "a leader that is told to stop answers what it has taken" {
	# It must not lose the others only because the machine is busy.
	start_cluster 3 --election-timeout 2000
	lead=$(leader_of n1)
	for i in $(seq 3000); do
		echo '{"op":"set","key":"last'"$i"'","value":"v"}'
	done >requests
	"$tests/socket" talk "127.0.0.1:${ports[$lead]}" <requests >answers &
	talker=$!
	# The first answer shows that it is in the middle of them.
	until [ -s answers ]; do
		kill -0 $talker || break
	done
	kill -TERM "${pids[$lead]}"
	wait "${pids[$lead]}"
	wait $talker
	run -1 grep -v '"ok":true' answers
	kept=$(wc -l <answers)
	other=n1
	[ "$lead" != n1 ] || other=n2
	await_leader "$other"
	run -0 ask "$other" '{"op":"count","prefix":"last"}'
	stored=$(jq .count <<<"$output")
	[ "$stored" -ge "$kept" ] || fail "$kept answers, $stored stored"
}
