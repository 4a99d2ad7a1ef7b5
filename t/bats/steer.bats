#!/usr/bin/env bats
# What kv-cluster says and does for those who repeat themselves, interrupt it,
# look at it on a terminal, or read its state with a program.
# shellcheck disable=SC2154 # the helpers set variables

setup() {
	load helper
	load local_cluster
	cd "$BATS_TEST_TMPDIR" || exit
	plan_local_cluster
}

# members - as the node at that address has them.
members() {
	"$tests/socket" talk "$1" <<<'{"op":"info"}' | jq -r .info.members
}

# await_members ADDRESS PATTERN
await_members() {
	local end=$((SECONDS + 60))

	until members "$1" | grep -q "$2"; do
		[ $SECONDS -lt $end ] || fail "not $2: $(members "$1")"
	done
}

# is_whole - three nodes that take part fully.
is_whole() {
	[ "$(status '[.nodes[] | select(.state == "ok")] | length')" -eq 3 ] ||
		fail "$(kv-cluster status)"
}

# interrupt_repair - $node, a follower of the leader $lead, is emptied, and
# neither filled yet nor is kv-cluster there to see to it.
interrupt_repair() {
	local address repair

	numbers 1000 | kv-set --bulk
	node=$(follower)
	lead=$(leader)
	address=$(address_of "$lead")
	# So that it cannot end.
	kv-cluster down "$node" --pause
	kv-cluster repair "$node" 3>&- &
	repair=$!
	await_members "$address" "$node=[^ ]*/learner"
	kill -KILL "$repair"
	wait "$repair" || [ $? -eq 137 ]
}

# finish_repair - by asking for it once more.
finish_repair() {
	run -0 kv-cluster repair "$node"
	assert_output "$node repaired"
	is_whole
	run -0 kv-get -a "$(address_of "$node")" --stale-ok --count
	assert_output 1000
}

@test "a node that runs is not said to be brought up" {
	start_local_cluster
	run -0 kv-cluster up n1
	assert_output 'n1 was running already; none of its links is cut'
	kv-cluster down n1 --pause
	run -0 kv-cluster up n1
	assert_output 'n1 up'
	kv-cluster down n1
	run -0 kv-cluster up n1
	assert_output 'n1 up'
}

@test "a node that cannot start leaves nothing behind" {
	start_local_cluster
	run -2 kv-cluster add "n4=127.0.0.1:$port"
	assert_output --partial "'n1' and 'n4' have the same address"
	# Held by a server that is none of the cluster's.
	kv-serve -b -d cluster_data/other --port $((port + 3))
	run -74 kv-cluster add "n4=127.0.0.1:$((port + 3))"
	assert_output --partial 'Address already in use'
	run -0 cat cluster_data/nodes
	refute_output --partial n4
	run -0 kv-cluster add "n4=127.0.0.1:$((port + 4))"
	# Once more is no mistake; elsewhere is.
	run -0 kv-cluster add "n4=127.0.0.1:$((port + 4))"
	assert_output 'n4 added'
	run -2 kv-cluster add "n4=127.0.0.1:$((port + 5))"
	assert_output --partial "'n4' is there already, at 127.0.0.1:$((port + 4))"
}

@test "a node that was removed by address is no member, and forgotten in the end" {
	start_local_cluster
	gone=$(follower)
	run -0 kv-cluster remove -a "$(address_of "$(leader)")" "$gone"
	run -0 kv-cluster status
	assert_line "$gone: not a member of the cluster"
	run -0 grep -c . cluster_data/nodes
	assert_output 3
	run -0 kv-cluster remove "$gone"
	assert_output "$gone removed"
	run -0 cat cluster_data/nodes
	refute_output --partial "$gone="
	run -0 kv-cluster start
	refute_output --partial "$gone "
	run -2 kv-cluster up "$gone"
	# A refusal for another reason stays one.
	run -1 kv-cluster remove "$(leader)"
	assert_output --partial 'hand leadership over first'
}

@test "a node that is filled shows how far it is, on a terminal" {
	start_local_cluster
	numbers 1000 | kv-set --bulk --chunk 10
	run -0 script -qec "kv-cluster add n4=127.0.0.1:$((port + 3))" /dev/null
	assert_output --regexp 'n4: [0-9]+ of [0-9]+ entries to go'
	assert_output --partial 'n4 added'
	run -0 kv-cluster remove n4
	run -0 kv-cluster add "n5=127.0.0.1:$((port + 4))"
	assert_output 'n5 added'
}

@test "an order that needs a node which is down says so" {
	start_local_cluster
	node=$(follower)
	kv-cluster down "$node"
	for order in repair transfer; do
		run -69 kv-cluster "$order" "$node"
		assert_output "kv-cluster: node '$node' is down: it must run for that"
	done
	kv-cluster up "$node"
	run -0 kv-cluster transfer "$node"
	assert_output "$node leads"
}

@test "a repair that stopped between its halves is finished by another" {
	start_local_cluster
	numbers 1000 | kv-set --bulk
	node=$(follower)
	run -0 kv-cluster remove -a "$(address_of "$(leader)")" "$node"
	finish_repair
}

@test "a repair is finished by another when both it and the node were killed" {
	start_local_cluster
	interrupt_repair
	kv-cluster down "$node"
	kv-cluster up "$node"
	finish_repair
}

@test "a repair is finished by another when the leader was killed, too" {
	start_local_cluster
	interrupt_repair
	kv-cluster down "$lead"
	kv-cluster up "$lead"
	kv-cluster up "$node"
	finish_repair
	[ "$(kv-get --count)" -eq 1000 ]
}

@test "the state has the same members whatever is known" {
	start_local_cluster
	names='[.nodes[] | keys_unsorted | join(" ")] | unique | .[]'
	nodes='node address up role state pid term leader last_index applied_index lag uptime_seconds disk_bytes keys'
	all='quorum up leader term nodes'
	assert_equal "$(status "$names")" "$nodes"
	assert_equal "$(status 'keys_unsorted | join(" ")')" "$all"
	kv-set a 1
	numbers='[.nodes[] | .pid, .term, .last_index, .applied_index, .uptime_seconds, .disk_bytes, .keys] | min'
	end=$((SECONDS + 60))
	until [ "$(status "$numbers")" -gt 0 ]; do
		[ $SECONDS -lt $end ] || fail "$(kv-cluster status --json)"
	done
	kv-cluster down n1
	kv-cluster down n2
	assert_equal "$(status "$names")" "$nodes"
	assert_equal "$(status '.nodes[0] | [.role, .up, .pid] | join(" ")')" \
		'down false '
	kv-cluster down n3
	run -69 --separate-stderr kv-cluster status --json
	assert_equal "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" "$all"
	assert_equal "$(jq -c '[.leader, .term, .quorum, .up]' <<<"$output")" \
		'[null,null,false,0]'
}

@test "the state is watched in place on a terminal, which is left as it was" {
	start_local_cluster
	for end in q SIGINT SIGTERM SIGHUP; do
		run -0 "$tests/terminal" 24 80 'nodes up' "$end" \
			kv-cluster status --watch
		assert_line 'settings kept'
		# Nothing is cleared before the new is there.
		assert_equal "$(grep -c '^.x1b.J' <<<"$output")" 1
		assert_line --regexp '^NODE .*3 of 3 nodes up.*x1b\[J$'
	done
}

@test "a terminal that is too small is not written beyond" {
	start_local_cluster
	run -0 "$tests/terminal" 3 20 ADDRESS q kv-cluster status --watch
	assert_line --regexp \
		'^NODE .{15}\\r\\nn1 .{17}\\r\\nn2 .{17}$'
	assert_line 'settings kept'
}

@test "without a terminal one state follows the other" {
	start_local_cluster
	kv-cluster status --watch >watched 3>&- &
	watcher=$!
	end=$((SECONDS + 60))
	until [ "$(grep -c '^NODE' watched)" -ge 2 ]; do
		kill -0 $watcher || fail "it has ended"
		[ $SECONDS -lt $end ] || fail "$(cat watched)"
	done
	kill -TERM $watcher
	wait $watcher
	run -1 grep $'\033' watched
	run -0 sed -n '6,8p' watched
	assert_line --index 0 --partial 'nodes up'
	assert_line --index 1 --regexp '^NODE'
}
