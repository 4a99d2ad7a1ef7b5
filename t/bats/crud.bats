# crud.bats - create, read, update and delete, through a server.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	start_server
}

@test "a key that was never set exits 1 and prints nothing" {
	run -1 kv-get nobody
	assert_output ''
}

@test "a value that was set is read back" {
	kv-set colour blue
	run -0 kv-get colour
	assert_output blue
}

@test "a second value takes the place of the first" {
	kv-set colour blue
	kv-set colour green
	[ "$(kv-get colour)" = green ]
	[ "$(kv-get --count)" -eq 1 ]
}

@test "a deleted key is gone, and deleting it again exits 1" {
	kv-set colour blue
	run -0 kv-del colour
	assert_output ''
	run -1 kv-get colour
	run -1 kv-del colour
	assert_output ''
}

@test "a deleted key can be set again" {
	kv-set colour blue
	kv-del colour
	kv-set colour red
	[ "$(kv-get colour)" = red ]
}

@test "an empty value is a value" {
	kv-set nothing ''
	run -0 kv-get nothing
	assert_output ''
}

@test "a value of a megabyte of random bytes comes back the same" {
	head -c 1048576 /dev/urandom >value
	kv-set big - <value
	kv-get big | cmp - value
}

@test "the largest key and the largest value are stored; one byte more is not" {
	key=$(head -c 65536 /dev/zero | tr '\0' k)
	kv-set "$key" 1
	[ "$(kv-get "$key")" = 1 ]
	run -65 kv-set "${key}k" 1
	head -c $((64 << 20)) /dev/zero >value
	kv-set --timeout 60 large - <value
	kv-get --timeout 60 large | cmp - value
	echo >>value
	run -65 kv-set --timeout 60 larger - <value
	run -1 kv-get larger
}

@test "the same key is found over TCP and over the Unix socket" {
	kv-set -a "127.0.0.1:$port" colour blue
	[ "$(kv-get -a "unix:$PWD/s/kv.sock" colour)" = blue ]
}

@test "a directory leads to the server that holds it" {
	kv-set -d s colour blue
	[ "$(kv-get colour)" = blue ]
	kv-del -d s colour
	run -1 kv-get colour
}

@test "--if-absent, --if-present and --if-version hold writes back" {
	run -1 kv-set --if-present lock 1
	kv-set --if-absent lock 1
	run -1 kv-set --if-absent lock 2
	version=$(kv-get --print-version lock)
	kv-set --if-version "$version" lock 3
	run -1 kv-set --if-version "$version" lock 4
	[ "$(kv-get lock)" = 3 ]
}

@test "a prefix is deleted at once, and counted" {
	numbers 50 | kv-set --bulk
	kv-set other 1
	run -0 kv-del -f --count --prefix key
	assert_output 50
	[ "$(kv-get --keys)" = other ]
}

@test "a time to live ends" {
	kv-set --ttl 0.02 short 1
	kv-set --ttl 1000 long 1
	until ! kv-get short; do :; done
	[ "$(kv-get long)" = 1 ]
	[ "$(kv-get --keys)" = long ]
}

@test "each operation answers as the protocol says" {
	talk '{"op":"ping"}' \
		'{"op":"set","key":"a","value":"1"}' \
		'{"op":"get","key":"a"}' \
		'{"op":"get","key":"b"}' \
		'{"op":"mget","keys":["a","b"]}' \
		'{"op":"bulk_set","items":[["b","2"],{"key":"c","value":"3"}]}' \
		'{"op":"count","prefix":""}' \
		'{"op":"scan","from":"b","keys_only":true}' \
		'{"op":"delete","key":"a"}' \
		'{"op":"delete","keys":["a","b"]}' \
		'{"op":"count"}' >answers
	jq -c 'del(.version) | del(.results[]?.version) | del(.items[]?.version)' \
		answers >plain
	diff plain - <<-'END'
		{"ok":true}
		{"ok":true}
		{"ok":true,"found":true,"value":"1"}
		{"ok":true,"found":false}
		{"ok":true,"results":[{"key":"a","found":true,"value":"1"},{"key":"b","found":false}]}
		{"ok":true,"stored":2}
		{"ok":true,"count":3}
		{"ok":true,"items":[{"key":"b"},{"key":"c"}]}
		{"ok":true,"deleted":1}
		{"ok":true,"deleted":1}
		{"ok":true,"count":1}
	END
}

@test "versions only grow" {
	talk '{"op":"set","key":"a","value":"1"}' \
		'{"op":"set","key":"b","value":"1"}' \
		'{"op":"delete","key":"a"}' \
		'{"op":"set","key":"a","value":"1"}' | jq -r .version >versions
	sort -n -u versions | cmp - versions
	[ "$(wc -l <versions)" -eq 4 ]
}

@test "an id comes back with its answer, and answers keep the order" {
	for i in $(seq 1 500); do
		echo "{\"id\":$i,\"op\":\"set\",\"key\":\"k$i\",\"value\":\"$i\"}"
		echo "{\"id\":\"get $i\",\"op\":\"get\",\"key\":\"k$i\"}"
	done | talk | jq -r .id >ids
	for i in $(seq 1 500); do
		echo "$i"
		echo "get $i"
	done | cmp - ids
}

@test "a scan goes on where its cursor says, until there is none" {
	numbers 250 | kv-set --bulk
	cursor=
	: >keys
	while :; do
		answer=$(talk "{\"op\":\"scan\",\"limit\":100,\"keys_only\":true$cursor}")
		jq -r '.items[].key' <<<"$answer" >>keys
		next=$(jq -c '.cursor // empty' <<<"$answer")
		[ -n "$next" ] || break
		cursor=",\"cursor\":$next"
	done
	kv-get --keys | cmp - keys
	[ "$(wc -l <keys)" -eq 250 ]
}
