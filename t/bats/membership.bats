#!/usr/bin/env bats
# Nodes that come, go, lead when they are told to, and are filled anew.

setup() {
	load helper
	load cluster
	cd "$BATS_TEST_TMPDIR" || exit
}

# order LINE - to the cluster, through n1, until it takes it.
order() {
	local end=$((SECONDS + 60))

	until run -0 ask n1 "$1" && [ "$output" = '{"ok":true}' ]; do
		[ $SECONDS -lt $end ] || fail "$1: $output"
	done
}

@test "a node that joins is filled, votes, and can lead" {
	start_cluster 3
	numbers 5000 | kv-set -a "127.0.0.1:${ports[n1]}" --bulk
	ports[n4]=$("$tests/socket" free 1)
	spawn_node n4 --join --port "${ports[n4]}" --secret-file secret ||
		fail "$(cat n4.log)"
	order '{"op":"cluster_add","node":"n4","address":"127.0.0.1:'"${ports[n4]}"'"}'
	run -0 kv-get -a "127.0.0.1:${ports[n4]}" key5000
	assert_output "value 5000"
	order '{"op":"cluster_transfer","node":"n4"}'
	await_info n4 role leader
	run -0 ask n4 '{"op":"count","prefix":"key"}'
	assert_output '{"ok":true,"count":5000}'
}

@test "a node that is removed is asked no more" {
	start_cluster 3
	leader=$(leader_of n1)
	gone=$(printf '%s\n' n2 n3 | grep -vx "$leader" | head -n 1)
	order '{"op":"cluster_remove","node":"'"$gone"'"}'
	kill_node "$gone"
	# Two are left, and both are needed.
	kv-set -a "127.0.0.1:${ports[n1]}" after removal
	run -0 kv-get -a "127.0.0.1:${ports[n1]}" after
	assert_output removal
	run -0 ask n1 '{"op":"cluster_remove","node":"'"$gone"'"}'
	assert_output --partial '"ok":false'
}

@test "leadership is handed over without losing a write" {
	start_cluster 3
	for turn in n2 n3 n1 n2; do
		order '{"op":"cluster_transfer","node":"'$turn'"}'
		await_info "$turn" role leader
		kv-set -a "127.0.0.1:${ports[n1]}" "turn-$turn" "$turn"
	done
	for turn in n1 n2 n3; do
		run -0 kv-get -a "127.0.0.1:${ports[n3]}" "turn-$turn"
		assert_output "$turn"
	done
}

@test "a node that lost its directory does not vote until it is repaired" {
	start_cluster 3
	leader=$(leader_of n1)
	lost=$(printf '%s\n' n2 n3 | grep -vx "$leader" | head -n 1)
	numbers 1000 | kv-set -a "127.0.0.1:${ports[n1]}" --bulk
	kill_node "$lost"
	rm -r "$lost"
	start_node "$lost"
	order '{"op":"cluster_repair","node":"'"$lost"'"}'
	await_info "$lost" state ok
	last=$(node_info n1 commit_index)
	end=$((SECONDS + 60))
	until [ "$(node_info "$lost" applied_index)" -ge "$last" ]; do
		[ $SECONDS -lt $end ] || fail "it is not filled"
	done
	run -0 ask "$lost" '{"op":"get","key":"key1000","stale":true}'
	assert_output --partial '"value":"value 1000"'
}
