# options.bats - what all programs have in common on the command line.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	programs=(kv-serve kv-get kv-set kv-del kv-cluster kv-bench)
}

@test "--help prints a usage on standard output and exits 0" {
	for program in "${programs[@]}"; do
		"$program" --help >out 2>err
		grep -q "^usage: $program" out
		[ ! -s err ]
		"$program" -h | cmp - out
	done
}

@test "--version prints name and version and exits 0" {
	for program in "${programs[@]}"; do
		run -0 "$program" --version
		assert_output --regexp "^$program [0-9]+\.[0-9]+\.[0-9]+$"
	done
}

@test "an unknown option exits 2 and points to --help" {
	for program in "${programs[@]}"; do
		run -2 "$program" --frobnicate
		assert_output --partial frobnicate
		assert_output --partial "$program --help"
		run -2 "$program" -Z
	done
}

@test "an option without its argument exits 2" {
	run -2 kv-get -d
	run -2 kv-set -a
	run -2 kv-del --timeout
	run -2 kv-serve --port
}

@test "numbers are taken strictly" {
	for bad in '' x 1x ' 1' -1 +1 0x10 1e3 99999999999999999999; do
		run -2 kv-serve -d s --port "$bad"
		assert_output --partial --port
		run -2 kv-get -d s --prefix a --limit "$bad"
		run -2 kv-set -d s --bulk --chunk "$bad"
	done
	for bad in '' x 1x -1 0 1e3 nan inf 99999999999; do
		run -2 kv-get -d s --timeout "$bad" a
		run -2 kv-set -d s --ttl "$bad" a 1
	done
	[ ! -e s ]
}

@test "kv-serve takes no arguments, and only sensible options" {
	run -2 kv-serve things
	assert_output --partial things
	run -2 kv-serve -d ''
	run -2 kv-serve -d s --port 65536
	run -2 kv-serve -d s --debug-rate 101
	run -2 kv-serve -d s --debug-rate often
	run -2 kv-serve -d s --sync-thread perhaps
	run -2 kv-serve -d s --ready-fd 77
	run -2 kv-serve -d s --max-line 1
	[ ! -e s ]
}

@test "-a goes before -d, -d before KV_ADDR" {
	start_server
	kv-set who first
	first=$KV_ADDR
	store=t start_server
	kv-set who second
	[ "$(kv-get who)" = second ]
	[ "$(kv-get -d s who)" = first ]
	kv-set -d u who third
	[ "$(kv-get -d u who)" = third ]
	[ "$(kv-get -a "$first" who)" = first ]
	run kv-get -a "$first" -d u who
	[ "$status" -eq 2 ] || [ "$output" = first ]
}

@test "an address that is none exits 2" {
	for bad in nowhere host: :1x host:99999 unix: ''; do
		run -2 kv-get -a "$bad" a
	done
}

@test "arguments too few or too many exit 2" {
	run -2 kv-get -d s
	run -2 kv-set -d s
	run -2 kv-set -d s key
	run -2 kv-set -d s key value more
	run -2 kv-del -d s
}

@test "errors begin with the program's name and go to standard error" {
	for command in 'kv-get -a 127.0.0.1:1 a' 'kv-set -a 127.0.0.1:1 a 1' \
		'kv-del -a 127.0.0.1:1 a' 'kv-serve --check -d nowhere'; do
		$command >out 2>err || true
		[ ! -s out ]
		grep -q "^${command%% *}: " err
	done
}

@test "a full standard output exits 74" {
	kv-set -d s a 1
	for command in 'kv-get -d s a' 'kv-get -d s --count' 'kv-get -d s --keys' \
		'kv-serve --check -d s' 'kv-get --help' 'kv-set --version' \
		'kv-del -d s --count a'; do
		status=0
		$command >/dev/full 2>err || status=$?
		assert_equal "$command: $status" "$command: 74"
		grep -q 'No space left' err
	done
}

@test "a reader that goes away is no error to talk about" {
	numbers 50000 | kv-set -d s --bulk
	kv-get -d s --prefix '' 2>err | head -n 1 >/dev/null
	[ ! -s err ]
}
