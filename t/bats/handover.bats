#!/usr/bin/env bats
# A leader that is told to stop hands leadership over before it goes, so that
# nobody has to wait until it is missed.
# shellcheck disable=SC2154 # the helpers set variables

setup() {
	load helper
	load cluster
	cd "$BATS_TEST_TMPDIR" || exit
}

# stop_node NAME - asks it to end, waits, and demands that it ended well.
stop_node() {
	local status=0

	kill -TERM "${pids[$1]}"
	wait "${pids[$1]}" || status=$?
	[ $status -eq 0 ] || fail "$1 ended with $status: $(cat "$1.log")"
}

@test "a leader that is told to stop hands over, and nobody misses it" {
	# Whoever had to wait for an election would fail.
	start_cluster 3 --election-timeout 5000
	for turn in 1 2 3; do
		lead=$(leader_of n1)
		term=$(node_info n1 term)
		addresses=
		for node in n1 n2 n3; do
			[ "$node" = "$lead" ] ||
				addresses+=${addresses:+,}127.0.0.1:${ports[$node]}
		done
		stop_node "$lead"
		kv-set -a "$addresses" --timeout 4 "turn$turn" v
		run -0 grep -o "leadership was handed over to 'n[123]'" "$lead.log"
		heir=n${output: -2:1}
		assert_equal "$(node_info "$heir" role)" leader
		assert_equal "$(node_info "$heir" term)" $((term + 1))
		rm "$lead.log"
		start_node "$lead" --election-timeout 5000
		await_info "$lead" state ok
		await_info "$lead" leader "$heir"
	done
	[ "$(kv-get -a "$addresses" --count --prefix turn)" -eq 3 ]
}

@test "clients write across the stop of the leader without a failure" {
	start_cluster 3 --election-timeout 5000
	addresses=127.0.0.1:${ports[n1]},127.0.0.1:${ports[n2]},127.0.0.1:${ports[n3]}
	lead=$(leader_of n1)
	(
		n=0
		while [ ! -e stop ]; do
			kv-set -a "$addresses" --timeout 4 "k$n" "$n" || exit
			n=$((n + 1))
			echo "$n" >>written
		done
	) 3>&- &
	writer=$!
	await_lines written 5
	stop_node "$lead"
	await_lines written $(($(wc -l <written) + 5))
	touch stop
	wait "$writer"
	[ "$(kv-get -a "$addresses" --count --prefix k)" -eq "$(wc -l <written)" ]
}

# await_lines FILE N - until it has so many.
await_lines() {
	local end=$((SECONDS + 60))

	until [ -e "$1" ] && [ "$(wc -l <"$1")" -ge "$2" ]; do
		kill -0 "$writer" || fail "the writer has failed"
		[ $SECONDS -lt $end ] || fail "$1 has not $2 lines"
	done
}

@test "a leader that has nobody to hand over to ends all the same" {
	start_cluster 3
	lead=$(leader_of n1)
	for node in n1 n2 n3; do
		[ "$node" = "$lead" ] || kill_node "$node"
	done
	stop_node "$lead"
	run -1 grep 'leadership was handed over' "$lead.log"
}
