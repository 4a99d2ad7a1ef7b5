# cluster.bash - for suites that run nodes of a cluster.
#
#	load helper
#	load cluster
#	plan_cluster 3       chooses ports, makes the secret
#	start_node n1 ...    each as start_server starts a server
#
# A node's directory is its name, its messages are in NAME.log, its port is
# ${ports[NAME]} and its process ${pids[NAME]}.
# shellcheck disable=SC2034,SC2154 # suites and bats use and set them

declare -gA ports pids # load is a function

# plan_cluster N - ports and the list of members for n1 to nN, and a secret.
plan_cluster() {
	local i=1 free

	members=
	for free in $("$tests/socket" free "$1"); do
		ports[n$i]=$free
		members+=${members:+,}n$i=127.0.0.1:$free
		i=$((i + 1))
	done
	make_secret secret
}

make_secret() {
	head -c 32 /dev/urandom | base64 >"$1"
	chmod 600 "$1"
}

# spawn_node NAME [OPTION...] - returns when it listens, false if it ends.
spawn_node() {
	local name=$1 ready

	shift
	rm -f "$name.ready"
	mkfifo "$name.ready"
	setpriv --pdeathsig KILL kv-serve -d "$name" --node "$name" \
		--ready-fd 9 "$@" 9>"$name.ready" 2>>"$name.log" 3>&- &
	pids[$name]=$!
	servers+=("$!")
	IFS= read -r -t 60 ready <"$name.ready" || return 1
}

# start_node NAME [OPTION...] - one of the members.
start_node() {
	local name=$1

	shift
	spawn_node "$name" --members "$members" --secret-file secret "$@" ||
		fail "node $name does not start: $(cat "$name.log")"
}

# start_cluster N [OPTION...] - all of them, until one leads.
start_cluster() {
	local n=$1 i

	shift
	plan_cluster "$n"
	for i in $(seq 1 "$n"); do
		start_node "n$i" "$@"
	done
	await_leader n1
}

# await_leader NAME - returns when the cluster takes writes through that node.
# The node itself waits for a leader, a few seconds at most.
await_leader() {
	local end=$((SECONDS + 60))

	until ask "$1" '{"op":"set","key":"awaited","value":"1"}' |
		grep -q '"ok":true'; do
		[ $SECONDS -lt $end ] || fail "nobody leads: $(cat ./*.log)"
	done
}

# kill_node NAME - as a power cut would, and waits for its end.
kill_node() {
	local status=0

	kill -KILL "${pids[$1]}"
	wait "${pids[$1]}" || status=$?
	assert_equal $status 137
}

# ask NAME LINE... - JSON lines to a node.
ask() {
	local name=$1

	shift
	printf '%s\n' "$@" | "$tests/socket" talk "127.0.0.1:${ports[$name]}"
}

# redis NAME WORD... - a command of Redis to a node.
redis() {
	local name=$1

	shift
	redis-cli -p "${ports[$name]}" "$@"
}

# node_info NAME MEMBER - what a node says of itself.
node_info() {
	ask "$1" '{"op":"info"}' | jq -r ".info.$2"
}

# leader - the name of the node that leads, as one of those given sees it.
leader_of() {
	node_info "$1" leader
}

# await_info NAME MEMBER VALUE - asks until it is so.
await_info() {
	local end=$((SECONDS + 60))

	until [ "$(node_info "$1" "$2")" = "$3" ]; do
		[ $SECONDS -lt $end ] ||
			fail "$1: $2 is not $3 but $(node_info "$1" "$2")"
	done
}

# await_log NAME TEXT - until the node has said so.
await_log() {
	local line tail

	exec 8< <(exec tail -n +1 -f "$1.log" 2>/dev/null)
	tail=$!
	while IFS= read -r -t 60 line <&8; do
		[[ $line != *"$2"* ]] || break
	done
	kill "$tail" 2>/dev/null
	exec 8<&-
	[[ $line == *"$2"* ]] || fail "$1 does not say '$2': $(cat "$1.log")"
}
