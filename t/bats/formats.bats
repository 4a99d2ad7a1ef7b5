# formats.bats - what kv-get writes, kv-set --bulk reads: any bytes, the same
# contents.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# Prints $1 records as JSON with random bytes of many lengths; the bytes are
# drawn from the set $2, and the same seed draws the same.
random_records() {
	python3 - "$1" "$2" "${BATS_TEST_NUMBER:-1}" <<-'END'
		import base64, json, random, sys
		count, set, seed = int(sys.argv[1]), sys.argv[2], sys.argv[3]
		random.seed(seed)
		alphabet = {
		    "any": bytes(range(256)),
		    "no-nul": bytes(range(1, 256)),
		    "nasty": b"\x00\t\n\r\\\x7f\x80\xc3\xa9\xed\xa0\x80\xff^M-s ",
		}[set]
		text = lambda data: base64.b64encode(data).decode()
		for i in range(count):
		    key = bytes(random.choices(alphabet, k=random.randint(1, 40)))
		    value = bytes(random.choices(alphabet, k=random.choice(
		        [0, 1, 2, 3, 10, 100, 1000])))
		    print(json.dumps({"key64": text(key), "value64": text(value)}))
	END
}

# Copies store a to store b in the format given and demands that both hold the
# same: compared key by key in JSON, whose own copy is compared byte by byte.
copy_and_compare() {
	kv-get -d a --prefix '' "$@" | kv-set -d b --bulk "$@"
	[ "$(kv-get -d b --count)" -eq "$(kv-get -d a --count)" ]
	dump -d a --json >a.json
	dump -d b --json | cmp - a.json
}

@test "any bytes survive the default format" {
	random_records 2000 any | kv-set -d a --bulk --json
	copy_and_compare
}

@test "any bytes survive JSON" {
	random_records 2000 any | kv-set -d a --bulk --json
	copy_and_compare --json
}

@test "any bytes but NUL survive -0" {
	random_records 2000 no-nul | kv-set -d a --bulk --json
	copy_and_compare -0
}

@test "bytes that look like escapes, blanks and broken UTF-8 survive" {
	random_records 2000 nasty | kv-set -d a --bulk --json
	copy_and_compare
	rm -rf b
	copy_and_compare --json
}

@test "every single byte survives as key and as value, in both formats" {
	for i in $(seq 0 255); do
		byte=$(printf '%b' "\\0$(printf %o "$i")" | base64)
		printf '{"key64":"%s","value64":"%s"}\n' "$byte" "$byte"
	done | kv-set -d a --bulk --json
	[ "$(kv-get -d a --count)" -eq 256 ]
	copy_and_compare
	rm -rf b
	copy_and_compare --json
}

@test "what was read is exactly what was written, not just the same twice" {
	random_records 200 any >records
	kv-set -d a --bulk --json records
	python3 - records <<-'END'
		import base64, json, subprocess, sys
		stored = {}
		for line in open(sys.argv[1]):
		    record = json.loads(line)
		    stored[base64.b64decode(record["key64"])] = \
		        base64.b64decode(record["value64"])
		seen = {}
		out = subprocess.run(["kv-get", "-d", "a", "--json", "--prefix", ""],
		                     check=True, capture_output=True).stdout
		for line in out.splitlines():
		    record = json.loads(line)
		    field = lambda name: base64.b64decode(record[name + "64"]) \
		        if name + "64" in record else record[name].encode()
		    seen[field("key")] = field("value")
		assert seen == stored, "not the same"
		assert list(seen) == sorted(seen), "not in order"
	END
}

@test "one moment's dump of a server fills another server" {
	start_server
	random_records 500 any | kv-set --bulk --json
	store=t start_server
	kv-get -d s --prefix '' | kv-set -d t --bulk
	dump -d s --json >s.json
	dump -d t --json | cmp - s.json
}

@test "each record of a dump is one line without control characters" {
	random_records 500 any | kv-set -d a --bulk --json
	dump -d a >lines
	[ "$(wc -l <lines)" -eq "$(kv-get -d a --count)" ]
	iconv -f UTF-8 -t UTF-8 lines >/dev/null
	run -1 grep -P '[\x00-\x08\x0b-\x1f\x7f]' lines
}

@test "-0 refuses a record with a NUL, and names --json" {
	random_records 20 nasty | kv-set -d a --bulk --json
	run -65 kv-get -d a -0 --prefix ''
	assert_output --partial --json
}
