#!/usr/bin/env bats
# What clients of a cluster count on when its leader is lost: times to live,
# transactions, conditions and scans hold across it.
# shellcheck disable=SC2016 # RESP has lengths that begin with a dollar

setup() {
	load helper
	load cluster
	cd "$BATS_TEST_TMPDIR" || exit
}

# others_than NAME - the nodes of three besides that one.
others_than() {
	printf '%s\n' n1 n2 n3 | grep -vx "$1"
}

# addresses NAME... - of these nodes, as -a takes them.
addresses() {
	local name list=

	for name; do
		list+=${list:+,}127.0.0.1:${ports[$name]}
	done
	echo "$list"
}

# start_three [OPTION...] - a cluster, whose leader is $old; $near and $far are
# the others, and one of them will lead when it is lost. Not before: a machine
# that is busy must not look like a lost leader.
start_three() {
	start_cluster 3 --election-timeout 800 "$@"
	old=$(leader_of n1)
	near=$(others_than "$old" | head -n 1)
	far=$(others_than "$old" | tail -n 1)
}

# lose_leader - kills it and returns when another one leads: $new.
lose_leader() {
	kill_node "$old"
	await_leader "$near"
	new=$(leader_of "$near")
	assert_not_equal "$new" "$old"
}

# dial FD NAME - a connection to the node that stays.
dial() {
	eval "exec $1<>/dev/tcp/127.0.0.1/${ports[$2]}"
}

# say FD LINE... - on that connection.
say() {
	local fd=$1

	shift
	printf '%s\r\n' "$@" >&"$fd"
}

# hear FD LINE... - the next lines of the answer are these.
hear() {
	local fd=$1 expected line

	shift
	for expected; do
		IFS= read -r -t 60 line <&"$fd" || fail "no '$expected'"
		assert_equal "${line%$'\r'}" "$expected"
	done
}

# ends PID STATUS - the program in the background does, in this way.
ends() {
	local status=0

	wait "$1" || status=$?
	assert_equal $status "$2"
}

# order OP NAME - to the cluster, through $near.
order() {
	run -0 ask "$near" '{"op":"'"$1"'","node":"'"$2"'"}'
	assert_output '{"ok":true}'
}

# await_catch_up NAME - until the node has applied all that is committed now.
await_catch_up() {
	local end=$((SECONDS + 60)) last

	last=$(node_info "$near" commit_index)
	until [ "$(node_info "$1" applied_index)" -ge "$last" ]; do
		[ $SECONDS -lt $end ] || fail "$1 does not catch up"
	done
}

# await_gone NAME KEY - until the node itself has no such key.
await_gone() {
	local end=$((SECONDS + 60))

	until ask "$1" '{"op":"get","key":"'"$2"'","stale":true}' |
		grep -q '"found":false'; do
		[ $SECONDS -lt $end ] || fail "$1 still has $2"
	done
}

@test "a time to live neither grows nor ends early when the leader is lost" {
	start_three
	kv-set -a "$(addresses "$near")" kept v
	kv-set -a "$(addresses "$near")" --ttl 1000 lease v
	kv-set -a "$(addresses "$near")" --ttl 3 fleeting v
	lease=$(redis "$far" pexpiretime lease)
	fleeting=$(redis "$far" pexpiretime fleeting)
	left=$(redis "$old" pttl lease)
	lose_leader
	for name in $near $far; do
		assert_equal "$(redis "$name" pexpiretime lease)" "$lease"
		ttl=$(redis "$name" pttl lease)
		[ "$ttl" -gt 0 ]
		[ "$ttl" -le "$left" ]
		assert_equal "$(redis "$name" ttl kept)" -1
	done
	for name in $near $far; do
		await_gone "$name" fleeting
	done
	[ "$(date +%s%3N)" -ge "$fleeting" ] || fail "it ended early"
	run -1 kv-get -a "$(addresses "$near")" fleeting
	run -0 kv-get -a "$(addresses "$near" "$far")" kept lease
	assert_output $'kept\tv\nlease\tv'

	# The one that was away learns of the end, and of nothing else's.
	start_node "$old"
	await_catch_up "$old"
	await_gone "$old" fleeting
	run -0 ask "$old" '{"op":"mget","keys":["kept","lease"],"stale":true}'
	assert_equal "$(jq -c '[.results[].found]' <<<"$output")" '[true,true]'
	assert_equal "$(redis "$old" pexpiretime lease)" "$lease"
}

# transact NAME - transactions through the node, one after the other, until told
# that there are enough; writes down the first line of each answer to EXEC.
transact() {
	local line

	dial 5 "$1"
	until [ -e enough ]; do
		say 5 MULTI 'INCR a' 'INCR b' EXEC
		hear 5 +OK +QUEUED +QUEUED
		IFS= read -r -t 60 line <&5
		echo "${line%$'\r'}"
		if [ "$line" = $'*2\r' ]; then
			IFS= read -r -t 60 line <&5
			IFS= read -r -t 60 line <&5
		fi
	done
}

@test "a transaction through a follower is whole when the leader is killed" {
	start_three
	transact "$near" >answers 3>&- &
	writer=$!
	until grep -q '^\*2' answers; do
		kill -0 "$writer"
	done
	lose_leader
	before=$(redis "$far" get a)
	until [ "$(redis "$far" get a)" -gt "$before" ]; do
		kill -0 "$writer"
	done
	touch enough
	wait "$writer"
	# None that a client would not understand.
	run -1 grep -v -e '^\*2$' -e '^-UNKNOWN ' -e '^-CLUSTERDOWN ' answers
	done=$(grep -c '^\*2' answers)
	unknown=$(grep -c '^-UNKNOWN ' answers || true)
	run -0 redis "$far" mget a b
	assert_equal "${lines[0]}" "${lines[1]}"
	[ "${lines[0]}" -ge "$done" ]
	[ "${lines[0]}" -le $((done + unknown)) ]
}

@test "what was watched and queued before a failover holds after it" {
	start_three
	redis "$near" mset same 1 changed 1 >/dev/null
	dial 5 "$near"
	dial 6 "$near"
	dial 7 "$near"
	say 5 'WATCH same' MULTI 'INCR n' 'GET same'
	hear 5 +OK +OK +QUEUED +QUEUED
	say 6 'WATCH changed' MULTI 'INCR n'
	hear 6 +OK +OK +QUEUED
	say 7 'WATCH absent' MULTI 'INCR n'
	hear 7 +OK +OK +QUEUED
	# Through another node, to the same value, and back to nothing.
	redis "$far" set changed 1 >/dev/null
	redis "$far" set absent 1 >/dev/null
	redis "$far" del absent >/dev/null
	lose_leader
	for fd in 5 6 7; do
		say $fd EXEC
	done
	hear 5 '*2' :1 '$1' 1
	hear 6 '*-1'
	hear 7 '*-1'
	# The connection goes on, and the transaction is over.
	say 5 EXEC 'GET n'
	hear 5 '-ERR EXEC without MULTI' '$1' 1
	for name in $near $far; do
		assert_equal "$(redis "$name" get n)" 1
	done
}

@test "who watches an absent key is told of it by a node that was not there" {
	start_three
	dial 5 "$near"
	say 5 'WATCH absent' MULTI 'SET absent mine'
	hear 5 +OK +OK +QUEUED
	redis "$far" set absent theirs >/dev/null
	redis "$far" del absent >/dev/null
	# So much that what is read at the start is the outcome, not its way.
	head -c 700000 /dev/zero | tr '\0' v >large
	for name in large1 large2 large3; do
		kv-set -a "$(addresses "$far")" "$name" - <large
	done
	await_catch_up "$far"
	kill_node "$far"
	start_node "$far" 5>&-
	await_catch_up "$far"
	order cluster_transfer "$far"
	await_info "$near" leader "$far"
	say 5 EXEC
	hear 5 '*-1'
	run -1 kv-get -a "$(addresses "$near")" absent
}

@test "a version that the lost leader gave out holds at the next one" {
	start_three
	version=$(kv-set -a "$(addresses "$near")" --print-version k v1)
	other=$(kv-set -a "$(addresses "$far")" --if-absent --print-version o v1)
	run -1 kv-set -a "$(addresses "$far")" --if-absent k v2
	run -1 kv-set -a "$(addresses "$near")" --if-present new v1
	lose_leader
	for name in $near $far; do
		assert_equal "$(kv-get -a "$(addresses "$name")" \
			--print-version k)" "$version"
		run -1 kv-set -a "$(addresses "$name")" --if-absent k v2
		run -1 kv-set -a "$(addresses "$name")" --if-present new v1
		run -1 kv-set -a "$(addresses "$name")" --if-version "$other" k v2
		assert_output ''
	done
	next=$(kv-set -a "$(addresses "$near")" --if-version "$version" \
		--print-version k v2)
	[ "$next" -gt "$version" ]
	for name in $near $far; do
		run -1 kv-set -a "$(addresses "$name")" --if-version "$version" k v3
	done
	kv-set -a "$(addresses "$far")" --if-version "$next" k v3
	run -1 kv-del -a "$(addresses "$near")" --if-version "$next" k
	kv-del -a "$(addresses "$near")" --if-version "$other" o
	run -0 kv-get -a "$(addresses "$far")" --prefix ''
	assert_output $'awaited\t1\nk\tv3'
}

@test "a scan in pages goes on at the next leader, with every key once" {
	start_three
	seq -w 100 | sed 's/.*/key&\tvalue/' | kv-set -a "$(addresses "$near")" -b
	run -0 redis "$near" scan 0 match 'key*' count 30
	cursor=${lines[0]}
	printf '%s\n' "${lines[@]:1}" >resp
	page='"op":"scan","prefix":"key","limit":30,"keys_only":true'
	ask "$near" "{$page}" >reply
	jq -r '.items[].key' reply >json
	# The place of one scan goes, which only the leader would remember.
	run -0 redis "$near" scan 0 match 'key*' count 10
	gone=${lines[0]}
	kv-del -a "$(addresses "$near")" "${lines[-1]}"
	lose_leader
	for name in $near $far; do
		run -0 redis "$name" scan "$gone" match 'key*'
		assert_output --partial 'ERR invalid cursor'
	done
	while [ "$cursor" != 0 ]; do
		run -0 redis "$far" scan "$cursor" match 'key*' count 30
		cursor=${lines[0]}
		printf '%s\n' "${lines[@]:1}" >>resp
	done
	while next=$(jq -er .cursor reply); do
		ask "$far" "{$page,\"cursor\":\"$next\"}" >reply
		jq -r '.items[].key' reply >>json
	done
	seq -w 100 | sed 's/^/key/' >expected
	diff expected resp
	diff expected json
}

@test "a read of one moment whose leader is lost says so, with 75 or 69" {
	start_three
	head -c 1000 /dev/zero | tr '\0' v >value
	seq 5000 | sed "s/.*/key&\t$(cat value)/" |
		kv-set -a "$(addresses "$near" "$far")" --bulk --chunk 100
	# Both have more to ask for than fits a page and a pipe; until then
	# they wait for their reader.
	for name in near old; do
		mkfifo "$name.out"
		kv-get -a "$(addresses "${!name}")" --prefix key \
			>"$name.out" 2>"$name.err" 3>&- &
		readers+=("$!")
	done
	exec 5<near.out 6<old.out
	IFS= read -r -u 5 line
	IFS= read -r -u 6 line
	lose_leader
	cat <&5 >rest
	[ "$(wc -l <rest)" -lt 4999 ]
	ends "${readers[0]}" 75
	assert_regex "$(cat near.err)" 'start the scan again'
	cat <&6 >rest
	[ "$(wc -l <rest)" -lt 4999 ]
	ends "${readers[1]}" 69
	assert_regex "$(cat old.err)" 'in the middle of a scan'
	[ "$(kv-get -a "$(addresses "$near")" --prefix key --count)" -eq 5000 ]
}

@test "what a leader took that was cut off is unknown, 75, and done again once" {
	start_three --allow-faults --election-timeout 2000
	dial 5 "$near"
	say 5 MULTI 'INCR n'
	hear 5 +OK +QUEUED
	# The others do not know yet, and it believes that it leads.
	run -0 ask "$old" '{"op":"cluster_cut","nodes":"'"$near,$far"'"}'
	say 5 EXEC
	run -75 kv-set -a "$(addresses "$old")" --timeout 1 k lost
	assert_output --partial 'the write may or may not be stored: look before'
	[ "$(node_info "$old" last_index)" -gt "$(node_info "$old" commit_index)" ]

	# Of several nodes it is asked for until one knows.
	version=$(kv-set -a "$(addresses "$old" "$near" "$far")" --timeout 60 \
		--print-version once v)
	IFS= read -r -t 60 line <&5
	assert_regex "$line" '^-UNKNOWN .*may have happened or not'
	run -1 kv-get -a "$(addresses "$near")" k

	run -0 ask "$old" '{"op":"cluster_cut","nodes":""}'
	await_info "$old" role follower
	await_catch_up "$old"
	for name in n1 n2 n3; do
		run -0 ask "$name" '{"op":"mget","keys":["k","n","once"],"stale":true}'
		assert_equal "$(jq -c '[.results[].found]' <<<"$output")" \
			'[false,false,true]'
		assert_equal "$(jq -r '.results[2].version' <<<"$output")" "$version"
	done
	kv-set -a "$(addresses "$old")" k again
	say 5 MULTI 'INCR n' EXEC 'GET k'
	hear 5 +OK +QUEUED '*1' :1 '$5' again
}
