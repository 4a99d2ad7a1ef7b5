# client.bats - how the client programs find a store, and what they make of
# servers that are not there, fall silent, or die.
# shellcheck disable=SC2154 # the helper sets server and port

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# numbers N - N records.
numbers() {
	seq 1 "$1" | sed 's/.*/key&\tvalue &/'
}

@test "KV_ADDR names the server" {
	start_server
	kv-set k v
	[ "$(kv-get k)" = v ]
}

@test "-a goes before KV_ADDR, over TCP and the Unix socket" {
	start_server
	export KV_ADDR=127.0.0.1:1
	kv-set -a "127.0.0.1:$port" k tcp
	[ "$(kv-get -a "unix:$PWD/s/kv.sock" k)" = tcp ]
	[ "$(kv-get -a "localhost:$port" k)" = tcp ]
}

@test "-d finds the server that holds the directory" {
	start_server
	unset KV_ADDR
	kv-set -d s k v
	[ "$(kv-get -d s k)" = v ]
	[ "$(kv-get -a "127.0.0.1:$port" k)" = v ]
}

@test "-d finds a server whose socket is elsewhere" {
	mkdir elsewhere
	start_server --socket "$PWD/elsewhere/sock"
	unset KV_ADDR
	kv-set -d s k v
	[ "$(kv-get -a "unix:$PWD/elsewhere/sock" k)" = v ]
}

@test "-d works again by itself once the server is gone" {
	start_server
	kv-set k v
	kill_server
	[ "$(kv-get -d s k)" = v ]
	kv-set -d s k w
	[ "$(kv-get -d s k)" = w ]
}

@test "addresses are tried in turn" {
	start_server
	kv-set k v
	[ "$(kv-get -a "127.0.0.1:1,127.0.0.1:$port" k)" = v ]
	[ "$(kv-get -a "127.0.0.1:$port,127.0.0.1:1" k)" = v ]
}

@test "no server exits 69 and says what to do" {
	run -69 kv-get -a 127.0.0.1:1 k
	assert_output --partial "cannot connect to '127.0.0.1:1'"
	assert_output --partial 'is kv-serve running there?'
	run -69 kv-set -a "unix:$PWD/nobody" k v
	run -69 kv-del -a "unix:$PWD/nobody" k
}

@test "a name that nobody knows exits 69 and is named" {
	run -69 kv-get -a no-such-host.invalid:65432 k
	assert_output --partial no-such-host.invalid
}

@test "a read from a silent server times out with 75" {
	start_server
	kv-set k v
	kill -STOP "$server"
	run -75 kv-get --timeout 0.2 k
	assert_output --partial 'did not answer in time'
	run -75 kv-get -a "127.0.0.1:$port" --timeout 0.2 k
	kill -CONT "$server"
	[ "$(kv-get k)" = v ]
}

@test "a write to a silent server has an unknown outcome and exits 75" {
	start_server
	kill -STOP "$server"
	run -75 kv-set --timeout 0.2 k v
	assert_output --partial 'may or may not be stored'
	run -75 kv-del --timeout 0.2 k
	kill -CONT "$server"
	kv-set k w
	[ "$(kv-get k)" = w ]
}

@test "a store that another program has open exits 75 and names its owner" {
	kv-set -d s k v
	start_server
	kill -STOP "$server"
	run -75 kv-get --timeout 0.3 -d s k
	assert_output --partial "did not answer"
	rm s/kv.sock # as if it were only starting: it has the lock, no socket
	printf '%s\n\n' "$server" | dd of=s/lock conv=notrunc status=none
	run -75 kv-get --timeout 0.3 -d s k
	assert_output --partial "$server"
	run -75 kv-set --timeout 0.3 -d s k w
	assert_output --partial "$server"
}

@test "what a server refuses is told in its words" {
	start_server
	kv-set k v
	version=$(kv-get --print-version k)
	run -1 kv-set --if-version $((version + 1)) k w
	run -1 kv-set --if-absent k w
	run -0 kv-set --if-version "$version" k w
	[ "$(kv-get k)" = w ]
}

@test "the formats go through a server unchanged" {
	start_server
	for i in $(seq 1 30); do
		head -c $((i * 41)) /dev/urandom | kv-set "key $i" -
	done
	printf 'bytes' | kv-set $'\xff\xfe' -
	kv-get --prefix '' | kv-set -d lines --bulk
	kv-get --prefix '' --json | kv-set -d json --bulk --json
	kv-get --prefix '' >expected
	kv-get -d lines --prefix '' | cmp - expected
	kv-get -d json --prefix '' | cmp - expected
	kv-get --prefix $'\xff' --keys
	kv-del $'\xff\xfe'
	[ "$(kv-get --count)" -eq 30 ]
}

@test "a long scan through a server comes in pages, in order and whole" {
	start_server
	seq -f 'key%06.0f' 1 60000 | sed 's/.*/&\tthe value of & is long/' >records
	kv-set --bulk records
	kv-get --prefix '' | cmp - records
	kv-get --prefix '' --reverse | tac | cmp - records
	kv-get --prefix '' --limit 50000 | cmp - <(head -n 50000 records)
	[ "$(kv-get --count --prefix key05)" -eq 10000 ]
}

@test "a scan shows one moment, whatever is written meanwhile" {
	start_server
	seq -f 'key%06.0f' 1 60000 | sed 's/.*/&\told/' | kv-set --bulk
	mkfifo pipe
	kv-get --prefix '' >pipe &
	reader=$!
	exec 5<pipe
	IFS= read -r first <&5
	seq -f 'key%06.0f' 1 60000 | sed 's/.*/&\tnew/' | kv-set --bulk
	kv-set zzz new
	cat <&5 >rest
	exec 5<&-
	wait "$reader"
	[ "$first" = $'key000001\told' ]
	[ "$(wc -l <rest)" -eq 59999 ]
	run ! grep -c new rest
}

@test "a large value goes through a server" {
	start_server
	head -c 20000000 /dev/urandom >value
	kv-set k - <value
	kv-get k | cmp - value
	kv-set text "$(head -c 100000 /dev/zero | tr '\0' x)"
	[ "$(kv-get text | wc -c)" -eq 100000 ]
}

@test "a command line of large values comes in several replies" {
	start_server
	head -c 3000000 /dev/zero | tr '\0' v >value
	for i in 1 2 3 4 5 6 7 8 9; do
		kv-set "$i" - <value
	done
	[ "$(kv-get 1 2 3 4 5 6 7 8 9 | wc -c)" -eq $((9 * 3000003)) ]
}

@test "a bulk over the limit of a line exits 65 and names --chunk" {
	start_server --max-line 65536
	numbers 5000 >records
	run -65 kv-set --bulk records
	assert_output --partial 'over the limit of 65536 bytes'
	assert_output --partial --chunk
	[ "$(kv-get --count)" -eq 0 ]
	kv-set --bulk --chunk 500 records
	[ "$(kv-get --count)" -eq 5000 ]
}

@test "a prefix of everything is deleted through a server" {
	start_server
	numbers 1000 | kv-set --bulk
	run -0 kv-del --count --prefix '' </dev/null
	assert_output 1000
	run -1 kv-get --keys
}

@test "one key is read in one send and one receive" {
	command -v strace >/dev/null || skip "no strace here"
	sanitized && skip "a sanitizer does not go with strace"
	start_server
	kv-set k v
	strace -f -o trace -e trace=network,write kv-get k
	[ "$(grep -c 'sendto(' trace)" -eq 1 ]
	[ "$(grep -c 'recvfrom(.*"{' trace)" -eq 1 ]
}
