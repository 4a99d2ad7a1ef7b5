# cluster.bats - kv-cluster: a cluster is started, survives its leader, is
# looked at, and told what to do.

setup() {
	load helper
	load local_cluster
	cd "$BATS_TEST_TMPDIR" || exit
	plan_local_cluster
}

# await FILTER - waits until the state is so, a minute at most.
await() {
	local i

	for ((i = 0; i < 1200; i++)); do
		kv-cluster status --json | jq -e "$1" >/dev/null && return
		read -r -t 0.05 <> <(:) || :
	done
	fail "not '$1' within a minute: $(kv-cluster status)"
}

@test "a cluster of three takes writes when start returns" {
	start_local_cluster
	assert_line --regexp '^NODE +ADDRESS +PID +ROLE'
	assert_line --regexp "^n1 +127.0.0.1:$port +[0-9]+ +(leader|follower)"
	assert_line --regexp '^leader n[123] in term [0-9]+; quorum; 3 of 3 nodes up$'
	kv-set key value
	run -0 kv-get key
	assert_output value
	run -0 kv-cluster stop
	assert_output $'n1 stopped\nn2 stopped\nn3 stopped'
	run -69 kv-get key
}

@test "the leader is killed, another one leads, and the killed one catches up" {
	start_local_cluster
	kv-set key1 value1
	run -0 kv-get key1
	assert_output value1
	old=$(leader)
	kv-cluster down "$old"
	kv-set key2 value2
	[ "$(leader)" != "$old" ]
	run -0 kv-get key1 key2
	assert_output $'key1\tvalue1\nkey2\tvalue2'
	kv-cluster up "$old"
	await '.up == 3 and ([.nodes[].lag] | max) == 0'
	run -0 kv-get -a "$(address_of "$old")" --stale-ok key2
	assert_output value2
	kv-cluster stop
}

@test "any node takes any request" {
	start_local_cluster
	for node in n1 n2 n3; do
		KV_ADDR=$(address_of "$node") kv-set "$node" "through $node"
	done
	for node in n1 n2 n3; do
		run -0 env KV_ADDR="$(address_of "$node")" kv-get --prefix n
		assert_output $'n1\tthrough n1\nn2\tthrough n2\nn3\tthrough n3'
	done
}

@test "a paused leader is replaced, and follows when it goes on" {
	start_local_cluster
	old=$(leader)
	kv-cluster down "$old" --pause
	kv-set k v
	[ "$(leader)" != "$old" ]
	kv-cluster up "$old"
	await ".up == 3 and .leader != \"$old\""
	run -0 kv-get -a "$(address_of "$old")" k
	assert_output v
}

@test "the minority of a partition answers 69, the majority goes on" {
	start_local_cluster
	kv-set k old
	old=$(leader)
	others=$(status "[.nodes[].node | select(. != \"$old\")] | join(\",\")")
	run -0 kv-cluster partition "$old/$others"
	# Until then it would take the write and not know.
	await ".nodes[] | select(.node == \"$old\") | .role != \"leader\""
	run -69 kv-set -a "$(address_of "$old")" --timeout 8 k lost
	run -69 kv-get -a "$(address_of "$old")" --timeout 8 k
	run -0 kv-get -a "$(address_of "$old")" --stale-ok k
	assert_output old
	kv-set -a "$(address_of "${others%,*}")" --timeout 10 k new
	run -0 kv-cluster heal
	await '.up == 3 and ([.nodes[].lag] | max) == 0'
	run -0 kv-get -a "$(address_of "$old")" k
	assert_output new
}

@test "without a majority writes and reads are refused with 69 in time" {
	start_local_cluster
	kv-set k v
	kv-cluster down n1
	kv-cluster down n2
	# Until then n3, if it led, would take the write and not know.
	await '.leader == null'
	run -69 kv-set --timeout 6 k w
	run -69 kv-get --timeout 6 k
	run -0 kv-get -a "$(address_of n3)" --stale-ok k
	assert_output v
	run -0 redis-cli -h 127.0.0.1 -p $((port + 2)) set k w
	assert_output --partial CLUSTERDOWN
	kv-cluster up n1
	kv-cluster up n2
	kv-set k w
}

@test "leadership is handed over" {
	start_local_cluster
	to=$(follower)
	run -0 kv-cluster transfer "$to"
	assert_output "$to leads"
	[ "$(leader)" = "$to" ]
	kv-set k v
}

@test "a cluster is steered through any of its addresses" {
	start_local_cluster
	address=$(address_of "$(follower)")
	run -0 kv-cluster status -a "$address"
	assert_line --partial 'quorum; 3 of 3 nodes up'
	to=$(follower)
	run -0 kv-cluster transfer "$to" -a "$address"
	[ "$(leader)" = "$to" ]
	# One that lags is a learner for a while.
	kv-cluster add "n4=127.0.0.1:$((port + 3))"
	run -0 kv-cluster status --json -a "$address"
	[ "$(jq '.nodes | length' <<<"$output")" -eq 4 ]
	run -0 kv-cluster remove n4 -a "$address"
	run -0 kv-cluster status --json -a "$address"
	[ "$(jq '.nodes | length' <<<"$output")" -eq 3 ]
}

@test "a stale read says how far behind it is" {
	start_local_cluster
	kv-set k old
	node=$(follower)
	run -0 --separate-stderr kv-get -a "$(address_of "$(leader)")" \
		--stale-ok --print-lag k
	assert_equal "$output" old
	assert_equal "$stderr" 'kv-get: not behind: the leader answered'
	kv-cluster down "$node" --isolate
	kv-set k new
	run -0 --separate-stderr kv-get -a "$(address_of "$node")" \
		--stale-ok --print-lag k
	assert_equal "$output" old
	[[ $stderr =~ ^'kv-get: behind: at least '[0-9]+' entries, the leader was heard of '[0-9]+' ms ago'$ ]]
	run -2 kv-get --print-lag k
	assert_output --partial '--stale-ok'
}

@test "a damaged node says so, and is repaired" {
	start_local_cluster
	numbers 1000 | kv-set --bulk
	# What comes later vouches for what it follows.
	kv-set later 1
	kv-set later 2
	hurt=$(follower)
	address=$(address_of "$hurt")
	kv-cluster down "$hurt"
	dd if=/dev/urandom of="cluster_data/$hurt/0000000000000001.log" bs=64 \
		count=1 seek=200 conv=notrunc status=none
	kv-cluster up "$hurt"
	run -0 cat "cluster_data/$hurt/kv-serve.log"
	assert_output --partial "'0000000000000001.log' is damaged"
	assert_output --partial "the store was moved to 'cluster_data/$hurt/damaged-1'"
	run -0 kv-cluster status
	assert_line "$hurt: lost its data: to be repaired"
	# It would say that there is nothing.
	run -69 kv-get -a "$address" --stale-ok key1000
	assert_output --partial "'$hurt' has lost its data and is to be repaired"
	run -0 kv-get -a "$address" key1000
	assert_output 'value 1000'
	run -0 kv-cluster repair "$hurt"
	assert_line "$hurt repaired"
	run -0 kv-get -a "$address" --stale-ok --print-lag key1000
	assert_line --partial 'value 1000'
	run -0 kv-cluster status
	refute_output --partial 'to be repaired'
	assert_line --partial '3 of 3 nodes up'
}

@test "a node whose disk is full gives way, stops and comes back" {
	start_local_cluster
	kv-set k v
	full=$(leader)
	pid=$(cat "cluster_data/$full/kv-serve.pid")
	# As good as a full disk: no file may grow beyond what the first has. The
	# batch does not fit it.
	prlimit --fsize=1048576 --pid "$pid"
	seq 1 6000 | awk '{ printf "key%d\t%0300d\n", $1, $1 }' |
		kv-set --timeout 20 --bulk
	await ".leader != null and .leader != \"$full\""
	[ "$(kv-get --count)" -eq 6001 ]
	run -0 kv-cluster status
	assert_line "$full: store failed"
	run -0 cat "cluster_data/$full/kv-serve.log"
	assert_output --partial "File too large"
	# A follower by now, without whose disk the others go on.
	kv-set k w
	run -0 kv-cluster restart "$full"
	await '.up == 3 and ([.nodes[].lag] | max) == 0'
	run -0 kv-get -a "$(address_of "$full")" --stale-ok --count
	assert_output 6001
}

@test "nodes join and leave while the cluster works" {
	start_local_cluster
	numbers 2000 | kv-set --bulk
	run -0 kv-cluster add "n4=127.0.0.1:$((port + 3))"
	assert_output 'n4 added'
	run -0 kv-get -a "127.0.0.1:$((port + 3))" --stale-ok --count
	assert_output 2000
	gone=$(follower)
	run -0 kv-cluster remove "$gone"
	assert_output "$gone removed"
	[ "$(status '.nodes | length')" -eq 3 ]
	kv-cluster down "$(leader)"
	kv-set -a "$(status '[.nodes[].address] | join(",")')" after change
}

@test "a rolling restart never loses the quorum" {
	start_local_cluster
	(
		n=0
		while [ ! -e stop ]; do
			kv-set --timeout 10 "k$n" "$n" || exit
			n=$((n + 1))
		done
		echo "$n" >written
	) 3>&- &
	writer=$!
	run -0 kv-cluster restart
	assert_line 'n1 restarted'
	assert_line 'n2 restarted'
	assert_line 'n3 restarted'
	touch stop
	wait "$writer"
	[ "$(kv-get --count --prefix k)" -eq "$(cat written)" ]
}

@test "everything survives the kill of all nodes at once" {
	start_local_cluster
	numbers 500 | kv-set --bulk
	for node in n1 n2 n3; do
		kv-cluster down "$node"
	done
	run -0 kv-cluster start
	[ "$(kv-get --count)" -eq 500 ]
}

@test "a batch is whole on every node" {
	start_local_cluster
	kv-set --bulk <<-'EOF'
		a	1
		b	2
		c	3
	EOF
	await '([.nodes[].lag] | max) == 0'
	for i in 0 1 2; do
		run -0 kv-get -a "127.0.0.1:$((port + i))" --stale-ok --prefix ''
		assert_output $'a\t1\nb\t2\nc\t3'
	done
}

@test "what kv-cluster is not made for it refuses" {
	run -2 kv-cluster
	run -2 kv-cluster --frobnicate
	assert_output --partial "unrecognized option '--frobnicate'"
	refute_output --partial 'what to do?'
	run -2 kv-cluster dance
	assert_output --partial "no command 'dance'"
	run -2 kv-cluster down
	run -2 kv-cluster start --mode sideways
	run -2 kv-cluster status --nodes 3
	run -2 kv-cluster status --json --watch
	run -2 kv-cluster start -a localhost:1
	run -1 kv-cluster status
	assert_output --partial 'no cluster'
	mkdir other
	touch other/file
	run -2 kv-cluster start -d other
	assert_output --partial "no cluster's"
	run -69 kv-cluster status -a 127.0.0.1:"$port"
}

@test "a kv-serve that cannot be run is named" {
	mkdir bin
	cp "$(command -v kv-cluster)" bin/
	echo '#!/no/such/interpreter' >bin/kv-serve
	chmod +x bin/kv-serve
	run -74 --separate-stderr bin/kv-cluster start
	[[ $stderr == *"cannot run"*"bin/kv-serve"* ]]
}

@test "orders that make no sense are refused and change nothing" {
	start_local_cluster
	run -2 kv-cluster down n9
	assert_output --partial 'there are: n1, n2, n3'
	run -2 kv-cluster partition n1/n2
	assert_output --partial "'n3' is in no group"
	run -2 kv-cluster partition n1,n1/n2,n3
	run -2 kv-cluster transfer n9
	run -1 kv-cluster remove "$(leader)"
	run -2 kv-cluster add n5
	kv-cluster down n1
	run -1 kv-cluster down n1
	run -69 kv-cluster restart
	[ "$(status '.nodes | length')" -eq 3 ]
}

@test "status tells a paused node from a dead one" {
	start_local_cluster
	kv-cluster down n1
	run -0 kv-cluster status
	assert_line --regexp '^n1 +[^ ]+ +- +down '
	kv-cluster down n2 --pause
	run -0 kv-cluster status
	assert_line --regexp '^n2 +[^ ]+ +- +silent '
	assert_line --partial 'no quorum'
}
