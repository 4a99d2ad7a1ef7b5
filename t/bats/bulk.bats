# bulk.bats - kv-set --bulk: formats, atomicity, bad records, chunks.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# numbers N - N records.
numbers() {
	seq 1 "$1" | sed 's/.*/key&\tvalue &/'
}

@test "records come from standard input or a file" {
	numbers 10 | kv-set -d s --bulk
	numbers 20 >file
	kv-set -d s --bulk file
	[ "$(kv-get -d s --count)" -eq 20 ]
	numbers 30 | kv-set -d s --bulk -
	[ "$(kv-get -d s --count)" -eq 30 ]
	[ "$(kv-get -d s key25)" = "value 25" ]
}

@test "escapes of vis(3) become the bytes they stand for" {
	printf '%s\n' 'k\ty	a\\b\nc\000d\377\^A\M-!\s' | kv-set -d s --bulk
	kv-get -d s $'k\ty' >out
	printf 'a\\b\nc\000d\377\001\241 ' | cmp - out
}

@test "of a key that comes twice the last record counts" {
	printf 'k\t1\nk\t2\n' | kv-set -d s --bulk
	[ "$(kv-get -d s k)" = 2 ]
}

@test "an empty input stores nothing and is no error" {
	run -0 kv-set -d s --bulk </dev/null
	[ "$(kv-get -d s --count)" -eq 0 ]
}

@test "a bad line is named, exits 65, and nothing is stored" {
	kv-set -d s before 1
	run -65 kv-set -d s --bulk <<<$'a\t1\nb\t2\nno tab here\nc\t3'
	assert_output --partial 'line 3 of standard input'
	[ "$(kv-get -d s --keys)" = before ]
}

@test "a bad line of a file is named with the file" {
	printf 'a\t1\n\\q\t2\n' >records
	run -65 kv-set -d s --bulk records
	assert_output --partial "line 2 of 'records'"
}

@test "an empty key in a bulk exits 65" {
	run -65 kv-set -d s --bulk <<<$'a\t1\n\t2'
	assert_output --partial 'line 2 of standard input: the key is empty'
}

@test "JSON records hold text, base64 and times to live" {
	kv-set -d s --bulk --json <<-'END'
	{"key":"text","value":"gr\u00fc\u00dfe \"x\""}
	
	{"key64":"/wA=","value64":"AP8="}
	{"key":"short","value":"v","ttl":1000}
	END
	[ "$(kv-get -d s text)" = 'grüße "x"' ]
	[ "$(kv-get -d s --json --prefix $'\xff')" = '{"key64":"/wA=","value64":"AP8="}' ]
	[ "$(kv-get -d s --count)" -eq 3 ]
}

@test "a bad JSON record is named by its line" {
	run -65 kv-set -d s --bulk --json <<<$'{"key":"a","value":"1"}\n{"key":"b"}'
	assert_output --partial 'line 2 of standard input'
	run -65 kv-set -d s --bulk --json <<<'{"key":"a","value":1}'
	run -65 kv-set -d s --bulk --json <<<'{"key":"a","valeu":"1"}'
	run -65 kv-set -d s --bulk --json <<<'not json'
	run ! kv-get -d s a
}

@test "-0 records that are cut off are refused" {
	printf 'a\0001\000b\0002' >short
	run -65 kv-set -d s --bulk -0 short
	assert_output --partial "record 2 of 'short'"
	printf 'a\0001\000b\0002\000' >whole
	kv-set -d s --bulk -0 whole
	[ "$(kv-get -d s b)" = 2 ]
}

@test "--chunk stores what came before the bad chunk, and says how much" {
	{
		numbers 25
		echo bad
		numbers 50
	} >records
	run -65 kv-set -d s --bulk --chunk 10 records
	assert_output --partial "line 26 of 'records'"
	assert_output --partial 'the first 20 records are stored'
	[ "$(kv-get -d s --count)" -eq 20 ]
}

@test "--chunk of any size stores everything" {
	numbers 1000 >records
	for n in 1 7 1000 100000; do
		kv-set -d "s$n" --bulk --chunk "$n" records
		[ "$(kv-get -d "s$n" --count)" -eq 1000 ]
	done
}

@test "--chunk shows its progress on a terminal, and only there" {
	numbers 1000 >records
	run -0 kv-set -d s --bulk --chunk 100 records
	assert_output ''
	run -0 script -qec 'kv-set -d s --bulk --chunk 100 records' /dev/null
	assert_output --partial '100%'
	assert_output --partial '1000 records'
	run -0 script -qec 'kv-set -d s --bulk records' /dev/null
	assert_output ''
}

@test "--ttl holds for each record" {
	numbers 10 | kv-set -d s --bulk --ttl 0.05
	for _ in $(seq 1 200); do
		[ "$(kv-get -d s --count)" -ne 0 ] || break
	done
	[ "$(kv-get -d s --count)" -eq 0 ]
}

@test "a pipeline may write to the store it reads from" {
	numbers 100 | kv-set -d s --bulk
	kv-get -d s --prefix '' | sed 's/^/copy:/' | kv-set -d s --bulk
	[ "$(kv-get -d s --count)" -eq 200 ]
}

@test "a file that is not there exits 74 and is named" {
	run -74 kv-set -d s --bulk nowhere
	assert_output --partial "'nowhere'"
	[ ! -e s ]
}

@test "117659 records go in and come out the same" {
	seq -f 'noun:%08.0f' 1 117659 | sed 's/.*/&\tthe gloss of & in a few words/' >records
	kv-set -d s --bulk records
	kv-get -d s --prefix '' | cmp - records
}
