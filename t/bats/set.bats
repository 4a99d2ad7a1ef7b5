# set.bats - kv-set of one key on a store directory, without a server.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

value_of() {
	kv-get -d s "$1"
}

@test "it prints nothing and creates the store" {
	run -0 kv-set -d s k v
	assert_output ''
	[ "$(value_of k)" = v ]
}

@test "a later value takes the place of an earlier one" {
	kv-set -d s k first
	kv-set -d s k second
	[ "$(value_of k)" = second ]
	[ "$(kv-get -d s --count)" -eq 1 ]
}

@test "a dash takes the exact bytes of standard input" {
	head -c 300000 /dev/urandom >value
	kv-set -d s k - <value
	value_of k | cmp - value
	kv-set -d s k - </dev/null
	[ "$(value_of k | wc -c)" -eq 0 ]
}

@test "a value may begin with a dash" {
	kv-set -d s temperature -5
	[ "$(value_of temperature)" = -5 ]
	kv-set -d s option --ttl
	[ "$(value_of option)" = --ttl ]
}

@test "options may stand behind the value" {
	kv-set -d s k v --if-absent
	run -1 kv-set k w --if-absent -d s
	[ "$(value_of k)" = v ]
}

@test "--if-absent stores only a new key" {
	run -0 kv-set -d s --if-absent k 1
	run -1 kv-set -d s --if-absent k 2
	assert_output ''
	[ "$(value_of k)" = 1 ]
}

@test "--if-present stores only a known key" {
	run -1 kv-set -d s --if-present k 1
	run -1 kv-get -d s k
	kv-set -d s k 1
	run -0 kv-set -d s --if-present k 2
	[ "$(value_of k)" = 2 ]
}

@test "--if-version stores only over that version" {
	first=$(kv-set -d s --print-version k 1)
	second=$(kv-set -d s --if-version "$first" --print-version k 2)
	[ "$second" -gt "$first" ]
	run -1 kv-set -d s --if-version "$first" k 3
	[ "$(value_of k)" = 2 ]
	[ "$(kv-get -d s --print-version k)" -eq "$second" ]
}

@test "a value with a time to live goes by itself" {
	kv-set -d s --ttl 0.05 k v
	kv-set -d s --ttl 1000 long v
	for _ in $(seq 1 200); do
		kv-get -d s k >/dev/null || break
	done
	run -1 kv-get -d s k
	run -0 kv-get -d s --keys
	assert_output long
}

@test "a value over the limit exits 65 and stores nothing" {
	run -65 bash -c 'head -c 67108865 /dev/zero | kv-set -d s k -'
	assert_output --partial "at most 67108864"
	run ! kv-get -d s k
}

@test "a key over the limit exits 65" {
	run -65 kv-set -d s "$(head -c 65537 /dev/zero | tr '\0' k)" v
}

@test "an empty key is a usage error" {
	run -2 kv-set -d s '' v
}

@test "what makes no sense is a usage error" {
	run -2 kv-set -d s
	run -2 kv-set -d s k
	assert_output --partial 'VALUE is missing'
	run -2 kv-set -d s k v w
	assert_output --partial "'w'"
	run -2 kv-set -d s --json k v
	run -2 kv-set -d s --chunk 5 k v
	run -2 kv-set -d s --if-absent --if-present k v
	run -2 kv-set -d s --if-version soon k v
	run -2 kv-set -d s --ttl 0 k v
	run -2 kv-set -d s --ttl -1 k v
	run -2 kv-set -d s --bulk --if-absent
	run -2 kv-set -d s --nonsense k v
	[ ! -e s ]
}

@test "a directory that cannot be written is named" {
	[ "$(id -u)" -ne 0 ] || skip "root writes everywhere"
	mkdir -m 555 locked
	run -77 kv-set -d locked/s k v
	assert_output --partial locked
}

@test "--debug-unreliable loses nothing" {
	for i in $(seq 1 50); do
		kv-set -d s --debug-unreliable "k$i" "$i"
	done
	[ "$(kv-get -d s --count)" -eq 50 ]
	[ "$(value_of k37)" = 37 ]
}

@test "--help names each option that the page names" {
	run -0 kv-set --help
	for option in bulk chunk json null ttl if-absent if-present \
		if-version print-version debug-unreliable addr dir timeout \
		help version; do
		assert_output --partial -- "--$option"
	done
}
