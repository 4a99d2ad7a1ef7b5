#!/usr/bin/env bats
# Nodes that come, go, lose their data and hand leadership over, as real
# processes. The finer points are tested in simulated clusters.
# shellcheck disable=SC2154 # the helpers set variables

setup() {
	load helper
	load cluster
	cd "$BATS_TEST_TMPDIR" || exit
}

# order NAME LINE - an order to a node; it takes its time.
order() {
	run -0 ask "$1" "$2"
	assert_output '{"ok":true}'
}

# follower_of - any node but the one that leads.
follower_of() {
	[ "$(leader_of n1)" = n1 ] && echo n2 || echo n1
}

@test "a node is added, filled and votes; another one is removed" {
	plan_cluster 4
	members=${members%,n4=*}
	for i in 1 2 3; do
		start_node "n$i"
	done
	await_leader n1
	numbers 2000 | kv-set -a "127.0.0.1:${ports[n1]}" --bulk
	spawn_node n4 --join --secret-file secret --port "${ports[n4]}" ||
		fail "$(cat n4.log)"
	order n1 "{\"op\":\"cluster_add\",\"node\":\"n4\",\"address\":\"127.0.0.1:${ports[n4]}\"}"
	assert_equal "$(node_info n4 state)" ok
	run -0 ask n4 '{"op":"get","key":"key2000"}'
	assert_output --partial '"value":"value 2000"'
	gone=$(follower_of)
	order n4 "{\"op\":\"cluster_remove\",\"node\":\"$gone\"}"
	run -0 node_info n4 members
	refute_output --partial "$gone="
}

@test "leadership is handed over without a request that fails" {
	start_cluster 3
	first=$(leader_of n1)
	heir=$(follower_of)
	order n3 "{\"op\":\"cluster_transfer\",\"node\":\"$heir\"}"
	assert_equal "$(leader_of "$heir")" "$heir"
	assert_not_equal "$first" "$heir"
}

@test "a node whose store is damaged says so, does not vote, and is repaired" {
	start_cluster 3
	numbers 2000 | kv-set -a "127.0.0.1:${ports[n1]}" --bulk
	# What comes later vouches for what it follows.
	for i in 1 2 3 4 5; do
		kv-set -a "127.0.0.1:${ports[n1]}" "later$i" "$i"
	done
	hurt=$(follower_of)
	kill_node "$hurt"
	# In the middle of what is surely on disk.
	dd if=/dev/urandom of="$hurt/0000000000000001.log" bs=64 count=1 \
		seek=200 conv=notrunc status=none
	start_node "$hurt"
	await_log "$hurt" "the store was moved to '$hurt/damaged-1'"
	assert_equal "$(node_info "$hurt" state)" "lost its data: to be repaired"
	order n3 "{\"op\":\"cluster_repair\",\"node\":\"$hurt\"}"
	assert_equal "$(node_info "$hurt" state)" ok
	run -0 ask "$hurt" '{"op":"get","key":"key2000","stale":true}'
	assert_output --partial '"value":"value 2000"'
}
