# del.bats - kv-del on a store directory, without a server.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	printf '%s\t%s\n' a 1 b 2 tmp:1 x tmp:2 y | kv-set -d s --bulk
}

left() {
	kv-get -d s --keys | tr '\n' ' '
}

@test "a deleted key is gone, and nothing is printed" {
	run -0 kv-del -d s a
	assert_output ''
	run -1 kv-get -d s a
	[ "$(left)" = 'b tmp:1 tmp:2 ' ]
}

@test "several keys go at once" {
	run -0 kv-del -d s a b nobody
	[ "$(left)" = 'tmp:1 tmp:2 ' ]
}

@test "keys of which none existed exit 1" {
	run -1 kv-del -d s nobody neither
	assert_output ''
	[ "$(left)" = 'a b tmp:1 tmp:2 ' ]
}

@test "--count prints how many existed" {
	run -0 kv-del -d s --count a b a nobody
	assert_output 2
	run -1 kv-del -d s --count a
	assert_output 0
}

@test "--prefix deletes what begins so, and asks nobody in a script" {
	run -0 kv-del -d s --prefix tmp: </dev/null
	assert_output ''
	[ "$(left)" = 'a b ' ]
	run -1 kv-del -d s --prefix tmp: </dev/null
}

@test "an empty prefix deletes everything" {
	run -0 kv-del -d s --count --prefix '' </dev/null
	assert_output 4
	[ "$(kv-get -d s --count)" -eq 0 ]
}

@test "--prefix on a terminal asks, and yes deletes" {
	script -qec "kv-del -d s --prefix tmp:" /dev/null <<<y >asked
	grep -q "delete 2 keys that begin with 'tmp:'?" asked
	[ "$(left)" = 'a b ' ]
}

@test "--prefix on a terminal asks, and no leaves everything" {
	run -1 script -qec "kv-del -d s --prefix tmp:" /dev/null <<<n
	[ "$(left)" = 'a b tmp:1 tmp:2 ' ]
}

@test "--force on a terminal does not ask" {
	run -0 script -qec "kv-del -d s --force --prefix tmp:" /dev/null
	refute_output --partial delete
	[ "$(left)" = 'a b ' ]
}

@test "--if-version deletes only that version" {
	version=$(kv-get -d s --print-version a)
	kv-set -d s a changed
	run -1 kv-del -d s --if-version "$version" a
	[ "$(kv-get -d s a)" = changed ]
	run -0 kv-del -d s --if-version "$(kv-get -d s --print-version a)" a
	run -1 kv-get -d s a
}

@test "what makes no sense is a usage error" {
	run -2 kv-del -d s
	run -2 kv-del -d s ''
	run -2 kv-del -d s --prefix p key
	run -2 kv-del -d s --if-version 1 a b
	run -2 kv-del -d s --if-version 1 --prefix tmp:
	run -2 kv-del -d s --nonsense
	[ "$(left)" = 'a b tmp:1 tmp:2 ' ]
}

@test "a store that does not exist is not made" {
	run ! kv-del -d nowhere k
	[ ! -e nowhere ]
}

@test "--help names each option that the page names" {
	run -0 kv-del --help
	for option in prefix force count if-version debug-unreliable addr \
		dir timeout help version; do
		assert_output --partial -- "--$option"
	done
}
