# examples.bats - what the manual pages show runs as shown.

setup() {
	load helper
	load local_cluster
	source_dir=$(realpath "$BATS_TEST_DIRNAME/../..")
	cd "$BATS_TEST_TMPDIR" || exit
}

# The displayed blocks of a page, as a reader would paste them.
blocks() {
	awk '/^\.Ed/ { on = 0 } on { print } /^\.Bd -literal/ { on = 1 }' \
		"$source_dir/man/$1" | sed 's/\\e/\\/g; s/\\&//g'
}

@test "the examples of kv-get(1) run" {
	blocks kv-get.1 >script
	run -0 bash -euo pipefail script
	assert_output --partial 'Hello, world'
	assert_output --partial $'user:2\tgrace'
	assert_line "it says: Hello, world"
	kv-get -d demo.kv --prefix '' >expected
	kv-get -d copy.kv --prefix '' | cmp - expected
}

@test "the examples of kv-set(1) run" {
	blocks kv-set.1 >script
	run -0 bash -euo pipefail script
	assert_line 'we have the lock'
	[ "$(kv-get -d demo.kv counter)" = 42 ]
	[ "$(kv-get -d demo.kv user:2)" = grace ]
	[ "$(kv-get -d demo.kv --count --prefix number:)" -eq 5000 ]
	kv-get -d demo.kv hosts | cmp - /etc/hosts
}

@test "the examples of kv-del(1) run" {
	blocks kv-del.1 >script
	run -0 bash -euo pipefail script
	assert_output 2
	[ "$(kv-get -d demo.kv --count)" -eq 0 ]
}

@test "the program of kv(3) compiles with its flags and runs" {
	blocks kv.3 >example.c
	sed -n 's/^Libs: -L[^ ]* -lkv//p' "$source_dir/kv.pc.in" >libs
	# What the library was instrumented with has to come along.
	! grep -q __asan_init "$BUILD/libkv.a" ||
		echo -fsanitize=address,undefined >>libs
	! grep -q __gcov_init "$BUILD/libkv.a" || echo --coverage >>libs
	# shellcheck disable=SC2046,SC2086 # several words each
	${CC:-cc} -Wall -Wextra -Werror -I"$source_dir/common" example.c \
		"$BUILD/libkv.a" $(cat libs) -o example
	run -0 ./example
	assert_output $'ada = 1815\ngrace = 1906'
	[ "$(kv-get -d example.kv grace)" = 1906 ]
}

# block PAGE N - the Nth displayed block of the page's EXAMPLES.
block() {
	awk -v n="$2" '/^\.Sh/ { in_examples = /EXAMPLES/ }
		/^\.Ed/ { on = 0 } on && seen == n { print }
		/^\.Bd -literal/ && in_examples { on = 1; seen++ }' \
		"$source_dir/man/$1" | sed 's/\\e/\\/g; s/\\&//g; s/^\$ //'
}

@test "the examples of kv-serve(1) run" {
	block kv-serve.1 1 >start
	run -0 bash -euo pipefail start 3>&-
	assert_line --partial blue
	# Its lock tells when the server, nobody's child here, has gone.
	flock things/lock true
	block kv-serve.1 2 >verify
	run -0 bash -euo pipefail verify
	assert_line sound
	{
		block kv-serve.1 3
		echo 'kv-get -d things colour; kill $!; wait $!'
	} >script
	run -0 bash -euo pipefail script 3>&-
	assert_line --partial blue

	# Anybody may have the port that the page names.
	block kv-serve.1 4 |
		sed "s/65431/$("$tests/socket" free 1)/" >cluster
	echo 'flock one/lock true; kv-serve --check -d one' >>cluster
	run -0 bash -euo pipefail cluster 3>&-
	assert_line sound
}

@test "the example of kv-cluster(1) runs" {
	# Anybody may have the ports that the page names.
	read -r first second third <<<"$("$tests/socket" free 3)"
	block kv-cluster.1 1 | sed -e "s/^kv-cluster start/& --port $first/" \
		-e "s/65431/$first/; s/65432/$second/; s/65433/$third/" >script
	grep -q "$third" script
	run -0 bash -euo pipefail script 3>&-
	assert_line $'key1\tvalue1'
	assert_line $'key2\tvalue2'
	assert_line --regexp '^n[123] killed$'
	assert_line --regexp '^n[123] up$'
	assert_line 'n3 stopped'
}

# lines PAGE - the one-line displays of a page.
lines() {
	sed -n 's/^\.Dl \$ //p' "$source_dir/man/$1" | sed 's/\\e/\\/g; s/\\&//g'
}

@test "the examples of kv-bench(1) run" {
	lines kv-bench.1 >script
	[ "$(wc -l <script)" -eq 3 ]
	run -0 bash -euo pipefail script
	grep -q '</svg>' curve.svg

	# Whoever speaks the protocol stands for Redis.
	start_server
	ln -s s/kv.sock redis.sock
	block kv-bench.1 1 >both
	[ "$(wc -l <both)" -eq 2 ]
	run -0 bash -euo pipefail both
	assert_line --partial redis.sock
}

@test "the example of kv-store(5) runs" {
	kv-set -d mystore a 1
	block kv-store.5 1 >verify
	run -0 bash -euo pipefail verify
	assert_line sound
}

@test "the example of kv-protocol(7) runs" {
	start_server
	ln -s s/kv.sock kv.sock
	block kv-protocol.7 1 >script
	run -0 bash -euo pipefail script
	assert_line -n 0 --regexp '"ok":true,"version":"[0-9]+"'
	assert_line -n 1 --regexp '"value":"hello"'
}

@test "the tour of the README prints what it says" {
	sed -n '/^A tour/,/^What durable/s/^    \$ //p' "$source_dir/README" >commands
	[ "$(wc -l <commands)" -gt 10 ]
	# On a terminal, where a value is followed by a newline.
	run -0 script -qec 'stty -opost; bash -uo pipefail commands' /dev/null 3>&-
	sed -n '/^A tour/,/^What durable/s/^    //p' "$source_dir/README" |
		grep -v -e '^\$' -e '^kv-serve: listening' >promised
	grep -v '^kv-serve: listening' <<<"$output" >printed
	diff promised printed
}
