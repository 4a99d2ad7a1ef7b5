# atomic.bats - a bulk write is there as a whole or not at all, whenever the
# server is killed.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# Loads $1 records of generation $2 and writes down whether it was told that
# they are stored.
load_generation() {
	seq 1 "$1" | sed "s/.*/key&\t$2/" >"generation$2"
	rm -f acked
	if kv-set --bulk "generation$2" 2>>bulk.err; then
		echo "$2" >acked
	fi
}

# microseconds COMMAND... - how long the command takes.
microseconds() {
	local begin=${EPOCHREALTIME/./}

	"$@"
	echo $((${EPOCHREALTIME/./} - begin))
}

# until_after N - returns N microseconds from now, to the point: the moment of
# a kill is what these tests vary.
until_after() {
	local end=$((${EPOCHREALTIME/./} + $1))

	while [ "${EPOCHREALTIME/./}" -lt $end ]; do :; done
}

@test "a kill at any moment of a bulk leaves all or nothing" {
	start_server
	delay=$(($(microseconds load_generation 20000 0) / 3))
	before=0
	acked=0
	lost=0
	for round in $(seq 1 24); do
		load_generation 20000 "$round" 3>&- &
		loader=$!
		until_after $delay
		kill_server
		wait "$loader"
		start_server
		kv-get --prefix key | cut -f 2 | sort -u >generations
		[ "$(wc -l <generations)" -eq 1 ]
		[ "$(kv-get --count)" -eq 20000 ]
		now=$(cat generations)
		[ "$now" = "$round" ] || [ "$now" = "$before" ]
		# Later or earlier next time, whatever the machine is busy with:
		# the kills gather around the moment of the commit.
		if [ -e acked ]; then
			acked=$((acked + 1))
			[ "$now" = "$round" ]
			delay=$((delay * 2 / 3))
		else
			lost=$((lost + 1))
			delay=$((delay * 5 / 4))
		fi
		before=$now
	done
	echo "# acknowledged $acked, cut off $lost" >&3
	# Kills that all came too early or too late would prove nothing.
	[ $acked -gt 0 ]
	[ $lost -gt 0 ]
}

@test "a bulk without a server that is killed leaves all or nothing" {
	numbers 20000 >records
	whole=$(microseconds kv-set -d s0 --bulk records)
	for round in $(seq 1 12); do
		kv-set -d "s$round" before 1
		kv-set -d "s$round" --bulk records 3>&- &
		loader=$!
		until_after $((whole * round / 9))
		kill -KILL "$loader" 2>/dev/null || true
		wait "$loader" || true
		count=$(kv-get -d "s$round" --count)
		[ "$count" -eq 1 ] || [ "$count" -eq 20001 ]
	done
}

@test "a kill in a chunked bulk leaves whole chunks" {
	numbers 50000 >records
	start_server
	kv-set --bulk --chunk 1000 records 2>bulk.err 3>&- &
	loader=$!
	until [ "$(kv-get --count)" -gt 0 ]; do
		kill -0 "$loader" || break
	done
	kill_server
	wait "$loader" || true
	start_server
	count=$(kv-get --count)
	[ "$count" -ge 1000 ]
	[ $((count % 1000)) -eq 0 ]
}

@test "a prefix is deleted as a whole or not at all" {
	start_server
	numbers 20000 | kv-set --bulk
	whole=$(microseconds kv-del -f --prefix key)
	for round in $(seq 1 8); do
		numbers 20000 | kv-set --bulk
		kv-del -f --prefix key 2>>del.err 3>&- &
		deleter=$!
		until_after $((whole * round / 6))
		kill_server
		wait "$deleter" || true
		start_server
		count=$(kv-get --count)
		[ "$count" -eq 0 ] || [ "$count" -eq 20000 ]
	done
}

@test "an unreliable bulk is as atomic as any" {
	start_server --debug-rate 100
	numbers 5000 | kv-set --debug-unreliable --bulk
	restart_server
	[ "$(kv-get --count)" -eq 5000 ]
}
