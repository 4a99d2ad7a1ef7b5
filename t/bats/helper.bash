# helper.bash - what every suite loads: the programs on the path, assertions,
# and real servers that are waited for and always ended.
#
#	setup() {
#		load helper
#		cd "$BATS_TEST_TMPDIR" || exit
#	}
#
# A test runs in a directory of its own. `run -N` demands exit status N exactly,
# so that death by a signal (128 and more) is never taken for a failure that
# the test expects.
# shellcheck disable=SC2034,SC2154 # bats reads and sets them

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

tests=$BATS_TEST_DIRNAME
BUILD=$(realpath "${BUILD:-$tests/../../build}")
export PATH=$BUILD:$PATH LC_ALL=C.UTF-8
unset KV_ADDR

servers=() # process numbers of all that were started
server=    # of the last one
store=s    # the directory that start_server serves

# start_server [OPTION...] - serves $store and returns when it is ready. The
# clients find it through KV_ADDR; $port is its TCP port, $server its process.
# KV_SERVE_OPTIONS has options for every server of a run, as t/run sets it.
# Its messages are in $store.log. It cannot outlive the test, whatever happens.
start_server() {
	spawn_server "$@" || fail "kv-serve does not start: $(cat "$store.log")"
}

# The same, but only returns false if the server ends instead.
spawn_server() {
	local ready extra

	read -r -a extra <<<"${KV_SERVE_OPTIONS:-}"
	rm -f "$store.ready"
	mkfifo "$store.ready"
	setpriv --pdeathsig KILL kv-serve -d "$store" --port 0 --ready-fd 9 \
		"${extra[@]}" "$@" 9>"$store.ready" 2>"$store.log" 3>&- &
	server=$!
	servers+=("$server")
	IFS= read -r -t 60 ready <"$store.ready" || return 1
	port=$(sed -n 's/.*listening on .*:\([0-9]*\) and .*/\1/p' "$store.log")
	export KV_ADDR=unix:$PWD/$store/kv.sock
}

# stop_server - asks it to end, waits, and demands that it ended well.
stop_server() {
	local status=0

	kill -TERM "$server"
	wait "$server" || status=$?
	[ $status -eq 0 ] ||
		fail "kv-serve ended with $status: $(cat "$store.log")"
}

# kill_server - ends it as a power cut of the process would, and waits.
kill_server() {
	local status=0

	kill -KILL "$server"
	wait "$server" || status=$?
	assert_equal $status 137
}

restart_server() {
	kill_server
	start_server "$@"
}

# talk [LINE...] - sends the lines, or else standard input as it is, to the
# server, and prints what it answers until it closes.
talk() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" | "$tests/socket" talk "$KV_ADDR"
	else
		"$tests/socket" talk "$KV_ADDR"
	fi
}

# server_info NAME - one value of what the server tells about itself.
server_info() {
	talk '{"op":"info"}' | jq -r ".info.$1"
}

# numbers N - N records for kv-set --bulk.
numbers() {
	seq 1 "$1" | sed 's/.*/key&\tvalue &/'
}

# dump [OPTION...] - everything that the store holds.
dump() {
	kv-get "$@" --prefix ''
}

# sanitized - true if the programs are built with a sanitizer, which needs
# memory and address space of its own.
sanitized() {
	grep -q -e __asan_init -e __tsan_init "$(command -v kv-serve)"
}

# A suite that has more to clean up defines clean_up().
teardown() {
	local pid

	for pid in "${servers[@]}"; do
		kill -KILL "$pid" 2>/dev/null || continue
		wait "$pid" 2>/dev/null || true
	done
	if declare -F clean_up >/dev/null; then
		clean_up
	fi
}