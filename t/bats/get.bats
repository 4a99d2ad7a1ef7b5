# get.bats - kv-get on a store directory, without a server.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

fill() {
	printf '%s\t%s\n' a 1 b 2 c 3 user:1 ada user:2 grace |
		kv-set -d s --bulk
}

@test "a value comes back byte for byte" {
	head -c 100000 /dev/urandom >value
	kv-set -d s k - <value
	kv-get -d s k >back
	cmp value back
}

@test "no newline is added where stdout is no terminal" {
	kv-set -d s k 'no newline'
	[ "$(kv-get -d s k | wc -c)" -eq 10 ]
}

@test "a newline is added on a terminal" {
	kv-set -d s k value
	script -qec 'stty -opost; kv-get -d s k' /dev/null >typed
	[ "$(cat typed)" = value ]
	[ "$(tail -c 1 typed | od -An -c | tr -d ' ')" = '\n' ]
}

@test "an empty value prints nothing and exits 0" {
	kv-set -d s k ''
	run -0 kv-get -d s k
	assert_output ''
}

@test "a key that was never set exits 1 and prints nothing" {
	fill
	run -1 kv-get -d s nobody
	assert_output ''
}

@test "several keys print a record a line, in the order given" {
	fill
	run -0 kv-get -d s c a
	assert_output $'c\t3\na\t1'
}

@test "several keys with one missing print the others and exit 1" {
	fill
	run -1 kv-get -d s a nobody c
	assert_output $'a\t1\nc\t3'
}

@test "more keys than one request takes all come" {
	seq 1 2500 | sed 's/.*/&\t&/' | kv-set -d s --bulk
	kv-get -d s $(seq 2500 -1 1) >out
	seq 2500 -1 1 | sed 's/.*/&\t&/' | cmp - out
}

@test "--prefix prints the records whose keys begin so, in order" {
	fill
	run -0 kv-get -d s --prefix user:
	assert_output $'user:1\tada\nuser:2\tgrace'
}

@test "an empty prefix prints everything" {
	fill
	run -0 kv-get -d s --prefix ''
	assert_line -n 0 $'a\t1'
	assert_line -n 4 $'user:2\tgrace'
	[ ${#lines[@]} -eq 5 ]
}

@test "a prefix that nothing has exits 1 and prints nothing" {
	fill
	run -1 kv-get -d s --prefix nobody
	assert_output ''
}

@test "--range takes FROM in and leaves TO out" {
	fill
	run -0 kv-get -d s --range a c
	assert_output $'a\t1\nb\t2'
}

@test "an empty end of a range is no bound" {
	fill
	run -0 kv-get -d s --keys --range c ''
	assert_output $'c\nuser:1\nuser:2'
	run -0 kv-get -d s --keys --range '' b
	assert_output a
}

@test "--prefix and --range together must both match" {
	fill
	run -0 kv-get -d s --prefix user: --range user:2 ''
	assert_output $'user:2\tgrace'
}

@test "--keys prints keys only, of the whole store if nothing else is said" {
	fill
	run -0 kv-get -d s --keys
	assert_output $'a\nb\nc\nuser:1\nuser:2'
	run -0 kv-get -d s --keys a
	assert_output a
}

@test "--count counts, and zero is an answer" {
	fill
	run -0 kv-get -d s --count
	assert_output 5
	run -0 kv-get -d s --count --prefix user:
	assert_output 2
	run -0 kv-get -d s --count --prefix nobody
	assert_output 0
}

@test "--limit ends after so many records" {
	fill
	run -0 kv-get -d s --keys --limit 2
	assert_output $'a\nb'
	run -2 kv-get -d s --keys --limit 0
	run -2 kv-get -d s --keys --limit many
}

@test "--reverse begins at the end" {
	fill
	run -0 kv-get -d s --keys --reverse --limit 2
	assert_output $'user:2\nuser:1'
}

@test "what does not fit on a line is escaped, UTF-8 text is not" {
	printf 'a\tb\\c\n\033\377' | kv-set -d s $'tab\there' -
	kv-set -d s grüße 'Straße €'
	run -0 kv-get -d s --prefix ''
	assert_line -n 0 $'grüße\tStraße €'
	assert_line -n 1 $'tab\\there\ta\\tb\\\\c\\n\\033\\377'
}

@test "--json prints an object a line" {
	kv-set -d s k 'say "hi"'
	printf '\377' | kv-set -d s raw -
	run -0 kv-get -d s --json --prefix ''
	assert_line -n 0 '{"key":"k","value":"say \"hi\""}'
	assert_line -n 1 '{"key":"raw","value64":"/w=="}'
	run -0 kv-get -d s --json k
	assert_output '{"key":"k","value":"say \"hi\""}'
}

@test "-0 prints key and value with NULs behind them" {
	fill
	kv-get -d s -0 a b >out
	printf 'a\0001\000b\0002\000' | cmp - out
}

@test "-0 refuses a record that holds a NUL and names --json" {
	printf 'a\000b' | kv-set -d s k -
	run -65 kv-get -d s -0 k
	assert_output --partial "the value of 'k' holds a NUL"
	assert_output --partial --json
}

@test "--print-version grows with each write" {
	kv-set -d s k 1
	first=$(kv-get -d s --print-version k)
	kv-set -d s k 2
	[ "$(kv-get -d s --print-version k)" -gt "$first" ]
}

@test "the default, JSON and -0 formats go back in unchanged" {
	for i in $(seq 1 50); do
		head -c $((i * 37)) /dev/urandom | kv-set -d s "key $i" -
	done
	kv-get -d s --prefix '' | kv-set -d lines --bulk
	kv-get -d s --prefix '' --json | kv-set -d json --bulk --json
	kv-get -d s --prefix '' >expected
	kv-get -d lines --prefix '' | cmp - expected
	kv-get -d json --prefix '' | cmp - expected

	printf 'k%s\tsome\\ntext %s\n' 1 1 2 2 | kv-set -d text --bulk
	kv-get -d text --prefix '' -0 | kv-set -d nul --bulk -0
	kv-get -d text --prefix '' >expected
	kv-get -d nul --prefix '' | cmp - expected
}

@test "a store is printed without holding it in memory" {
	! grep -q __asan_init "$(command -v kv-get)" ||
		skip "a sanitizer needs memory of its own"
	head -c 1000000 /dev/zero | tr '\0' x >value
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		kv-set -d s "$i" - <value
	done
	# 12 MB of values; the heap may hold a page of 1 MiB and its copy.
	(
		ulimit -d 8192
		kv-get -d s --prefix '' | wc -c
	) >count
	[ "$(cat count)" -eq $((12 * 1000002 + 15)) ]
}

@test "a full device exits 74 and says so" {
	fill
	run -74 bash -c 'kv-get -d s a >/dev/full'
	assert_output "kv-get: cannot write standard output: No space left on device"
	run -74 bash -c 'kv-get -d s --prefix "" >/dev/full'
	run -74 bash -c 'kv-get --help >/dev/full'
}

@test "a closed standard output exits 74 and harms nothing" {
	fill
	run -74 bash -c 'kv-get -d s a >&-'
	run -0 kv-get -d s --count
	assert_output 5
}

@test "a reader that goes away ends it without a word" {
	seq 1 100000 | sed 's/.*/&\t&/' | kv-set -d s --bulk
	kv-get -d s --prefix '' 2>err | head -n 1 >out
	status=${PIPESTATUS[0]}
	[ "$status" -eq 141 ]
	[ ! -s err ]
	run bash -c 'trap "" PIPE; { kv-get -d s --prefix ""; echo $? >st; } | head -n 1'
	assert_output $'1\t1'
	[ "$(cat st)" -eq 74 ]
}

@test "what makes no sense together is a usage error" {
	run -2 kv-get
	run -2 kv-get -d s
	run -2 kv-get -d s ''
	run -2 kv-get -d s --prefix p key
	run -2 kv-get -d s --count key
	run -2 kv-get -d s --print-version a b
	run -2 kv-get -d s --range onlyfrom
	run -2 kv-get -d s --nonsense
	run -2 kv-get -d s -a 127.0.0.1:1 key
	run -2 kv-get -a nonsense key
	run -2 kv-get -t soon -d s key
	assert_output --partial "try 'kv-get --help'"
}

@test "a key over the limit exits 65" {
	fill
	run -65 kv-get -d s "$(head -c 65537 /dev/zero | tr '\0' k)"
	assert_output --partial "65537 bytes"
}

@test "a directory that is no store is named" {
	mkdir empty
	run ! kv-get -d empty k
	assert_output --partial empty
	run ! kv-get -d nowhere k
	assert_output --partial nowhere
	[ ! -e nowhere ]
}

@test "a key that begins with a dash comes after --" {
	kv-set -d s -- -k dashed
	run -0 kv-get -d s -- -k
	assert_output dashed
}

@test "--help names each option that the page names" {
	run -0 kv-get --help
	for option in prefix range keys count limit reverse json null \
		print-version addr dir timeout help version; do
		assert_output --partial -- "--$option"
	done
	run -0 kv-get --version
	assert_output --regexp '^kv-get [0-9]+\.[0-9]+\.[0-9]+$'
}
