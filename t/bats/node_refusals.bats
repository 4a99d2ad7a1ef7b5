#!/usr/bin/env bats
# What keeps a node from starting, and what nodes refuse to each other.

setup() {
	load helper
	load cluster
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "wrong options of a node are told apart" {
	make_secret secret
	run -2 kv-serve -d a --mode primary --members n1=127.0.0.1:7001
	assert_output --partial '--node'
	run -2 kv-serve -d a --node n1
	assert_output --partial '--members'
	run -2 kv-serve -d a --node n1 --members n1=127.0.0.1:7001 --join
	assert_output --partial 'one of'
	run -2 kv-serve -d a --node n4 --members n1=127.0.0.1:7001,n2=127.0.0.1:7002
	assert_output --partial "does not have this node, 'n4'"
	run -2 kv-serve -d a --node n1 --members n1=127.0.0.1:7001,n1=127.0.0.1:7002
	assert_output --partial "two nodes are named 'n1'"
	run -2 kv-serve -d a --node n1 --members n1=127.0.0.1:7001,n2=127.0.0.1:7001
	assert_output --partial 'same address'
	run -2 kv-serve -d a --node n1 --members n1=127.0.0.1
	assert_output --partial 'HOST:PORT'
	run -2 kv-serve -d a --node 'n 1' --members n1=127.0.0.1:7001
	assert_output --partial "not a node's name"
	run -2 kv-serve -d a --node n1 --mode masterful --members n1=127.0.0.1:7001
	assert_output --partial 'solo, primary'
	run -2 kv-serve -d a --node n1 --mode solo --members n1=127.0.0.1:7001
	assert_output --partial '--mode solo'
	run -2 kv-serve -d a --node n1 --join --secret-file secret
	assert_output --partial '--port'
	run -2 kv-serve -d a --node n1 --heartbeat 100 --election-timeout 150 \
		--members n1=127.0.0.1:7001
	assert_output --partial 'twice'
	run -2 kv-serve -d a --node n1 --heartbeat 0 --members n1=127.0.0.1:7001
	assert_output --partial '--heartbeat'
	[ ! -e a ] || fail "a directory was made"
}

@test "the members may stand in a file, with comments" {
	plan_cluster 1
	printf '# ours\n\n  n1=127.0.0.1:%s # the only one\n' "${ports[n1]}" >list
	spawn_node n1 --cluster list --secret-file secret || fail "$(cat n1.log)"
	await_leader n1
	printf 'n1\n' >list
	run -2 kv-serve -d b --node n1 --cluster list
	assert_output --partial "'list' line 1"
	run -74 kv-serve -d b --node n1 --cluster nowhere
	assert_output --partial nowhere
}

@test "a node needs a secret that nobody else can read" {
	plan_cluster 1
	run -2 kv-serve -d n1 --node n1 --members "$members"
	assert_output --partial "there is no secret in 'n1/secret'"
	chmod 640 secret
	run -2 kv-serve -d n1 --node n1 --members "$members" --secret-file secret
	assert_output --partial 'chmod 600'
	echo short >few
	chmod 600 few
	run -2 kv-serve -d n1 --node n1 --members "$members" --secret-file few
	assert_output --partial 'has 5 bytes'
	chmod 600 secret
	cp -p secret n1/secret
	spawn_node n1 --members "$members" || fail "$(cat n1.log)"
}

@test "an even number of nodes is worth a warning" {
	plan_cluster 2
	start_node n1
	run -0 cat n1.log
	assert_output --partial 'warning: a cluster of 2 nodes'
}

@test "a port in use is told, with the port" {
	plan_cluster 1
	start_node n1
	run -74 kv-serve -d other --node n1 --members "$members" --secret-file secret
	assert_output --partial "${ports[n1]}"
}

@test "a store that was served alone does not become a node, nor the reverse" {
	plan_cluster 1
	store=n1 start_server
	kv-set a 1
	stop_server
	run ! kv-serve -d n1 --node n1 --members "$members" --secret-file secret
	assert_output --partial 'n1'
	[ "$status" -lt 128 ] || fail "it died: $status"

	start_node n1x --node n1
	await_leader n1
	kill_node n1x
	run ! kv-serve -d n1x --port 0
	[ "$status" -lt 128 ] || fail "it died: $status"
}

@test "a node with another secret stays outside, and both sides say why" {
	plan_cluster 3
	start_node n1
	start_node n2
	make_secret other
	spawn_node n3 --members "$members" --secret-file other ||
		fail "$(cat n3.log)"
	await_log n1 "refused a peer that calls itself 'n3'"
	await_log n1 "does not have the same secret"
	await_log n3 "no link to 'n1'"
	await_log n3 "does not have the same secret"
	run -1 grep -F "$(cat other)" n1.log n2.log n3.log
}

@test "lists of members that disagree are told apart" {
	plan_cluster 3
	start_node n1
	spawn_node n2 --members "n1=127.0.0.1:${ports[n1]},n2=127.0.0.1:${ports[n2]}" \
		--secret-file secret || fail "$(cat n2.log)"
	await_log n2 "no link to 'n1'"
	await_log n1 "refused a peer that calls itself 'n2'"
}

@test "a name that stands for another node's address is noticed" {
	plan_cluster 3
	start_node n1
	# It thinks that n3 is where n1 listens.
	spawn_node n2 --secret-file secret \
		--members "n2=127.0.0.1:${ports[n2]},n3=127.0.0.1:${ports[n1]}" ||
		fail "$(cat n2.log)"
	await_log n2 "wants to reach 'n3' here, but this is 'n1'"
}

@test "garbage and half frames on the port of nodes harm nobody" {
	start_cluster 1
	address=127.0.0.1:${ports[n1]}
	printf '\360kvpeer\n' >magic
	for tail in '' '\001' '\000\000\000\000' '\377\377\377\377' \
		'\002\000\000\000\100\001' '\001\000\000\000\101' \
		'\041\000\000\000\101aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'; do
		{
			cat magic
			# shellcheck disable=SC2059 # the bytes are the format
			printf "$tail"
		} >bytes
		run -0 "$tests/socket" talk "$address" <bytes
		run -0 kv-get -a "$address" awaited
	done
	{ cat magic; head -c 100000 /dev/urandom; } >bytes
	run -0 "$tests/socket" talk "$address" <bytes
	printf '\360\360\360' >bytes
	run -0 "$tests/socket" talk "$address" <bytes
	run -0 kv-get -a "$address" awaited
	kill -0 "${pids[n1]}"
}

@test "a greeting that is never finished ends after a while" {
	start_cluster 1
	address=127.0.0.1:${ports[n1]}
	run -0 timeout 60 python3 - "${ports[n1]}" <<-'EOF'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
		s.sendall(b"\xf0kvpeer\n\x40")
		while s.recv(4096):
		    pass
	EOF
	await_log n1 'did not finish its greeting'
}

@test "a server that is no node says so to one that dials it" {
	plan_cluster 2
	store=alone start_server --port "${ports[n2]}"
	start_node n1
	await_log n1 'this server is not a node of a cluster'
}

@test "another cluster's nodes do not join this one, nor disturb it" {
	start_cluster 1
	term=$(node_info n1 term)
	address=127.0.0.1:${ports[n1]}
	kv-set -a "$address" ours 1
	# The secret is the same, and one member is said to be where ours is.
	read -r -a free <<<"$("$tests/socket" free 2)"
	ports[x1]=${free[0]} ports[x2]=${free[1]}
	theirs=n1=$address,x1=127.0.0.1:${free[0]},x2=127.0.0.1:${free[1]}
	for name in x1 x2; do
		spawn_node $name --members "$theirs" --secret-file secret ||
			fail "$(cat $name.log)"
	done
	for other in x1 x2; do # await_log has a name of its own
		await_log n1 "refused a peer that calls itself '$other'"
		await_log $other "no link to 'n1' at $address: it refuses"
		await_log $other 'check its list of members and its directory'
		run -69 kv-set -a "127.0.0.1:${ports[$other]}" --timeout 3 theirs 1
		run -1 kv-get -a "127.0.0.1:${ports[$other]}" --stale-ok ours
	done
	assert_equal "$(node_info n1 term)" "$term"
	assert_equal "$(node_info n1 members)" "n1=$address"
	kv-set -a "$address" ours 2
	run -0 kv-get -a "$address" --prefix ''
	assert_output $'awaited\t1\nours\t2'
}
