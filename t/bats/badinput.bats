# badinput.bats - what a server is told by the careless and the hostile. After
# each of them it still serves.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	start_server
	kv-set here before
}

# Demands that the line is refused with the error code $1, that the connection
# goes on, and that nothing has changed.
refuses() {
	local code=$1

	shift
	talk "$@" '{"id":"after","op":"get","key":"here"}' >answers
	assert_equal "$(head -n 1 answers | jq -r '"\(.ok) \(.error)"')" "false $code"
	[ "$(head -n 1 answers | jq -r '.message | length > 0')" = true ]
	assert_equal "$(sed -n 2p answers | jq -r '"\(.id) \(.value)"')" "after before"
	assert_equal "$(wc -l <answers)" 2
	assert_equal "$(kv-get --count)" 1
}

@test "malformed JSON is refused" {
	refuses BADREQUEST '{"op":"get","key":"a"'
	refuses BADREQUEST '{"op":"get" "key":"a"}'
	refuses BADREQUEST '{op:"get",key:"a"}'
	refuses BADREQUEST "{'op':'ping'}"
	refuses BADREQUEST '{"op":"ping"} {"op":"ping"}'
	refuses BADREQUEST '{"op":"ping",}'
	refuses BADREQUEST '(hello)'
	refuses BADREQUEST '[1,2'
	refuses BADREQUEST '{"op":"get","key":"\q"}'
	refuses BADREQUEST '{"op":"get","key":"\ud800"}'
}

@test "JSON that is no request is refused" {
	refuses BADREQUEST '[]'
	refuses BADREQUEST '"ping"'
	refuses BADREQUEST '42'
	refuses BADREQUEST '-1'
	refuses BADREQUEST '{}'
}

@test "wrong types are refused" {
	refuses BADREQUEST '{"op":1}'
	refuses BADREQUEST '{"op":"get","key":1}'
	refuses BADREQUEST '{"op":"get","key":null}'
	refuses BADREQUEST '{"op":"get","key":["a"]}'
	refuses BADREQUEST '{"op":"set","key":"a","value":1}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","ttl":"soon"}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","if_version":1.5}'
	refuses BADREQUEST '{"op":"mget","keys":"a"}'
	refuses BADREQUEST '{"op":"mget","keys":[1]}'
	refuses BADREQUEST '{"op":"bulk_set","items":{"a":"1"}}'
	refuses BADREQUEST '{"op":"bulk_set","items":[["a"]]}'
	refuses BADREQUEST '{"op":"bulk_set","items":[["a","1","2"]]}'
	refuses BADREQUEST '{"op":"bulk_set","items":[["a",1]]}'
	refuses BADREQUEST '{"op":"scan","limit":-1}'
	refuses BADREQUEST '{"op":"scan","limit":"many"}'
	refuses BADREQUEST '{"op":"scan","reverse":"yes"}'
}

@test "missing fields are refused" {
	refuses BADREQUEST '{"key":"a"}'
	refuses BADREQUEST '{"op":"get"}'
	refuses BADREQUEST '{"op":"set","key":"a"}'
	refuses BADREQUEST '{"op":"set","value":"1"}'
	refuses BADREQUEST '{"op":"mget"}'
	refuses BADREQUEST '{"op":"delete"}'
	refuses BADREQUEST '{"op":"bulk_set"}'
	refuses BADREQUEST '{"op":"bulk_set","items":[{"key":"a"}]}'
}

@test "unknown operations and fields are refused" {
	refuses BADREQUEST '{"op":"frobnicate"}'
	refuses BADREQUEST '{"op":"GET","key":"a"}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","tll":5}'
	refuses BADREQUEST '{"op":"get","key":"a","value":"1"}'
}

@test "fields that contradict each other are refused" {
	refuses BADREQUEST '{"op":"get","key":"a","key64":"YQ=="}'
	refuses BADREQUEST '{"op":"get","key":"a","key":"b"}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","if":"absent","if_version":"1"}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","if":"perhaps"}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","ttl":0}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","ttl":-1}'
	refuses BADREQUEST '{"op":"set","key":"a","value":"1","ttl":1e300}'
}

@test "a NUL escape is refused, naming the field for bytes" {
	refuses BADREQUEST '{"op":"set","key":"a","value":"x\u0000y"}'
	assert_equal "$(head -n 1 answers | grep -c value64)" 1
	refuses BADREQUEST '{"op":"get","key":"a\u0000"}'
	assert_equal "$(head -n 1 answers | grep -c key64)" 1
}

@test "invalid UTF-8 is refused" {
	refuses BADREQUEST $'{"op":"set","key":"a","value":"\xff"}'
	refuses BADREQUEST $'{"op":"set","key":"a","value":"\xc0\x80"}'
	refuses BADREQUEST $'{"op":"set","key":"a","value":"\xed\xa0\x80"}'
	refuses BADREQUEST $'{"op":"set","key":"a","value":"\xf5\x80\x80\x80"}'
	refuses BADREQUEST $'{"op":"set","key":"\xe2\x82","value":"1"}'
}

@test "bad base64 is refused" {
	refuses BADREQUEST '{"op":"get","key64":"YQ"}'
	refuses BADREQUEST '{"op":"get","key64":"Y?=="}'
	refuses BADREQUEST '{"op":"get","key64":"YR=="}'
	refuses BADREQUEST '{"op":"get","key64":"YQ==YQ=="}'
}

@test "raw control characters in a string are refused" {
	refuses BADREQUEST $'{"op":"set","key":"a","value":"x\ty"}'
	refuses BADREQUEST $'{"op":"set","key":"a","value":"x\x01y"}'
}

@test "deep nesting is refused" {
	deep=$(head -c 100000 /dev/zero | tr '\0' '[')
	refuses BADREQUEST "{\"op\":$deep"
	refuses BADREQUEST "{\"op\":\"mget\",\"keys\":$deep]}"
	objects=$(yes '{"a":' | head -n 50000 | tr -d '\n')
	refuses BADREQUEST "$objects"
}

@test "an id that is too long or no string or number is refused" {
	refuses BADREQUEST '{"id":{},"op":"ping"}'
	refuses TOOBIG "{\"id\":\"$(head -c 300 /dev/zero | tr '\0' x)\",\"op\":\"ping\"}"
}

@test "an empty key is refused" {
	refuses BADREQUEST '{"op":"get","key":""}'
	refuses BADREQUEST '{"op":"set","key":"","value":"1"}'
	refuses BADREQUEST '{"op":"bulk_set","items":[["a","1"],["","2"]]}'
}

@test "over-long keys are refused" {
	key=$(head -c 65537 /dev/zero | tr '\0' k)
	refuses TOOBIG "{\"op\":\"get\",\"key\":\"$key\"}"
	refuses TOOBIG "{\"op\":\"set\",\"key\":\"$key\",\"value\":\"1\"}"
	refuses TOOBIG "{\"op\":\"bulk_set\",\"items\":[[\"a\",\"1\"],[\"$key\",\"1\"]]}"
}

@test "an over-long value is refused" {
	{
		printf '{"op":"set","key":"a","value":"'
		head -c $(((64 << 20) + 1)) /dev/zero | tr '\0' v
		printf '"}\n{"op":"count"}\n'
	} | talk >answers
	[ "$(jq -rc '.error // .count' answers | xargs)" = 'TOOBIG 1' ]
}

@test "an over-long line is skipped, and the connection goes on" {
	restart_server --max-line 4096
	line=$(head -c 100000 /dev/zero | tr '\0' 1)
	refuses TOOBIG "$line"
	refuses TOOBIG "{\"op\":\"set\",\"key\":\"a\",\"value\":\"$line\"}"
}

@test "a line of exactly the limit is taken" {
	restart_server --max-line 1024
	line='{"op":"ping"}'
	padded=$line$(head -c $((1024 - ${#line})) /dev/zero | tr '\0' ' ')
	[ "$(talk "$padded" | jq .ok)" = true ]
	refuses TOOBIG "$padded "
}

@test "a line at the end that lacks its newline is not executed" {
	printf '{"op":"set","key":"half","value":"1"}' | talk >answers
	run -1 kv-get half
}

@test "half a line and then silence disturbs nobody" {
	mkfifo half
	printf '{"op":"set","key":"half' |
		"$tests/socket" hold "$KV_ADDR" >half 3>&- &
	holder=$!
	read -r word <half
	[ "$word" = held ]
	kv-set colour blue
	[ "$(kv-get colour)" = blue ]
	kill $holder
	wait $holder || true
	[ "$(kv-get --count)" -eq 2 ]
}

@test "half a line and then silence does not keep the server from ending" {
	mkfifo half
	printf '{"op":"set","key":"half' |
		"$tests/socket" hold "$KV_ADDR" >half 3>&- &
	holder=$!
	read -r word <half
	[ "$word" = held ]
	stop_server
	kill $holder
	wait $holder || true
}

# The server's memory that is not file pages, in KiB.
anonymous_memory() {
	awk '/^RssAnon/ { print $2 }' "/proc/$server/status"
}

@test "a client that never reads is held back, not buffered for" {
	! sanitized || skip "a sanitizer needs memory of its own"
	head -c 1000000 /dev/zero | tr '\0' v | kv-set big -
	before=$(anonymous_memory)
	# 2,000 answers of a megabyte, had the server been so kind.
	yes '{"op":"get","key":"big"}' | head -n 1 |
		"$tests/socket" flood "$KV_ADDR" 50000 >flooded 3>&- &
	flooder=$!
	until [ -s flooded ]; do
		[ "$(kv-get here)" = before ]
	done
	after=$(anonymous_memory)
	[ $((after - before)) -lt 65536 ]
	wait $flooder
	# What it had asked for came in full once it read.
	asked=$(head -n 1 flooded | cut -d ' ' -f 2)
	[ "$(tail -n 1 flooded)" -eq "$asked" ]
}

@test "a client that only sends comes to a halt, others do not" {
	printf '{"op":"get","key":"here"}\n' |
		"$tests/socket" flood "$KV_ADDR" 200000000 >flooded 3>&- &
	flooder=$!
	until [ -s flooded ]; do
		[ "$(kv-get here)" = before ]
	done
	sent=$(head -n 1 flooded | cut -d ' ' -f 1)
	[ "$sent" -lt 200000000 ]
	wait $flooder
	[ "$(tail -n 1 flooded)" -eq "$(head -n 1 flooded | cut -d ' ' -f 2)" ]
}

@test "10,000 connections opened and dropped leave nothing behind" {
	files=(/proc/"$server"/fd/*)
	before=${#files[@]}
	"$tests/socket" drop "$KV_ADDR" 5000
	"$tests/socket" drop "127.0.0.1:$port" 5000
	[ "$(kv-get here)" = before ]
	until
		files=(/proc/"$server"/fd/*)
		[ ${#files[@]} -le "$before" ]
	do
		kv-get here >/dev/null
	done
	[ "$(server_info connections)" -eq 1 ]
}

@test "one connection too many is told so" {
	restart_server --max-clients 2
	mkfifo held1 held2
	for i in 1 2; do
		printf '' | "$tests/socket" hold "$KV_ADDR" >held$i 3>&- &
		holders+=($!)
		read -r _ <held$i
	done
	talk '{"op":"ping"}' >answer
	[ "$(jq -r .error answer)" = UNAVAILABLE ]
	run -69 kv-get here
	kill "${holders[@]}"
	wait "${holders[@]}" || true
	until kv-get here; do :; done
}

@test "a web page cannot make a browser write" {
	printf 'POST / HTTP/1.1\r\nHost: localhost\r\n\r\n{"op":"set","key":"a","value":"1"}\n' |
		talk >answer
	[ ! -s answer ]
	printf 'X: y\r\nHost: localhost\r\n\r\n{"op":"set","key":"a","value":"1"}\n' |
		talk >answer
	run -1 kv-get a
}

@test "random bytes are answered or dropped, and harm nothing" {
	for seed in 1 2 3 4 5 6 7 8; do
		python3 -c "
import random, sys
random.seed($seed)
sys.stdout.buffer.write(random.randbytes(200000))" | talk >answers
		run -0 kv-get here
		assert_output before
	done
	[ "$(kv-get --count)" -eq 1 ]
}

@test "a client that hangs up with answers under way harms nothing" {
	numbers 5000 | kv-set --bulk
	for _ in 1 2 3 4 5; do
		yes '{"op":"scan"}' | head -n 50 | talk | head -n 1 >answer || true
	done
	[ "$(kv-get --count)" -eq 5001 ]
}
