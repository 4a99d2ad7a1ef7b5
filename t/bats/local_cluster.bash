# local_cluster.bash - for suites that run a cluster with kv-cluster start, in
# cluster_data of the test's directory.
#
#	load helper
#	load local_cluster
# shellcheck disable=SC2154 # helper.bash sets variables

# plan_local_cluster - chooses $port, the first of eight that are free.
plan_local_cluster() {
	read -r port _ <<<"$("$tests/socket" free 8)"
}

# Of a cluster that a failed test leaves behind, too.
clean_up() {
	local file

	kv-cluster stop --timeout 10 >/dev/null 2>&1 || true
	for file in cluster_data/*/kv-serve.pid; do
		[ ! -e "$file" ] || kill -KILL "$(cat "$file")" || true
	done
}

# start_local_cluster - with KV_ADDR naming all nodes.
start_local_cluster() {
	run -0 kv-cluster start --port "$port"
	KV_ADDR=$(status '[.nodes[].address] | join(",")')
	export KV_ADDR
}

# status FILTER - one value of the cluster's state.
status() {
	kv-cluster status --json | jq -r "$1"
}

leader() { status .leader; }
follower() { status '[.nodes[] | select(.role == "follower")][0].node'; }
address_of() { status ".nodes[] | select(.node == \"$1\").address"; }
