# resp.bats - the protocol of Redis, with the programs that Redis's users have.
# shellcheck disable=SC2016 # the dollars are those of RESP

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	start_server
}

# redis WORD... - redis-cli over TCP.
redis() {
	redis-cli -p "$port" "$@"
}

# answers [LINE...] - what the server says to the lines, line ends shown as |.
answers() {
	printf '%s\r\n' "$@" | "$tests/socket" talk "$KV_ADDR" |
		tr '\n' '|' | tr -d '\r'
}

@test "redis-cli works over TCP and over the Unix socket" {
	[ "$(redis set greeting 'hello world')" = OK ]
	[ "$(redis get greeting)" = 'hello world' ]
	[ "$(redis-cli -s s/kv.sock strlen greeting)" = 11 ]
	[ "$(redis-cli -3 -p "$port" get nothing)" = '' ]
	run -1 redis-cli -e -p "$port" lpush list x
	assert_output --partial "ERR unknown command 'lpush'"
}

@test "redis-cli finds its way around" {
	redis mset a 1 b 2 c 3 >/dev/null
	[ "$(redis dbsize)" = 3 ]
	[ "$(redis --scan --pattern '[ab]')" = $'a\nb' ]
	redis info persistence | grep -q '^loading:0'
	redis info keyspace | grep -q '^db0:keys=3,expires=0'
	[ "$(redis config get appendonly | tail -n 1)" = yes ]
	printf 'set x 1\nincr x\nget x\n' | redis | tail -n 1 >last
	[ "$(cat last)" = 2 ]
	printf '*3\r\n$3\r\nSET\r\n$4\r\npipe\r\n$2\r\nok\r\n' |
		redis --pipe | grep -q 'errors: 0, replies: 1'
	[ "$(redis get pipe)" = ok ]
}

@test "redis-benchmark runs its tests of strings" {
	redis-benchmark -p "$port" -t ping,set,get,incr,mset -n 2000 -c 20 \
		-P 8 -r 1000 -d 100 --csv >report
	[ "$(grep -c '^"' report)" -ge 6 ]
	run -1 grep -qi error report
	[ "$(redis dbsize)" -gt 500 ]
}

@test "the first byte chooses the protocol" {
	[ "$(answers 'SET a 1' 'GET a')" = '+OK|$1|1|' ]
	[ "$(talk '{"op":"get","key":"a"}' | jq -r .value)" = 1 ]
	[ "$(answers '' '' 'PING')" = '+PONG|' ]
	[ "$(talk '' '{"op":"ping"}' | jq -r .ok)" = true ]
	[ "$(answers '*1' '$4' 'PING')" = '+PONG|' ]
	[ "$(talk '[1]' | jq -r .error)" = BADREQUEST ]
}

@test "both protocols see the same store" {
	redis set from-redis 1 >/dev/null
	kv-set from-json 2
	[ "$(kv-get from-redis)" = 1 ]
	[ "$(redis get from-json)" = 2 ]
	redis set both 1 >/dev/null
	redis pexpire both 100000000 >/dev/null
	talk '{"op":"get","key":"both"}' | jq -e '.ttl > 99000'
	kv-set --ttl 1000 both 2
	[ "$(redis ttl both)" -gt 990 ]
}

@test "what was answered is there after a kill" {
	for i in $(seq 20); do
		printf 'SET key:%s value\r\n' "$i"
	done | "$tests/socket" talk "$KV_ADDR" >answer
	[ "$(grep -c OK answer)" -eq 20 ]
	restart_server
	[ "$(redis dbsize)" = 20 ]
}

@test "a transaction is there as a whole or not at all after a kill" {
	for i in $(seq 20000); do
		printf 'MULTI\nINCR a\nINCR b\nINCR c\nINCR d\nEXEC\n'
	done >commands
	for round in 1 2 3 4 5; do
		from=$((round * 100000))
		redis mset a $from b $from c $from d $from >/dev/null
		"$tests/socket" talk "$KV_ADDR" <commands >answer 3>&- &
		writer=$!
		until [ "$(redis get a)" -gt $from ]; do
			kill -0 $writer
		done
		restart_server
		wait $writer || true
		[ "$(redis mget a b c d | sort -u | wc -l)" -eq 1 ]
	done
}

@test "expiry survives a restart and brings nothing back" {
	redis set long x ex 1000 >/dev/null
	redis set short x px 200 >/dev/null
	redis set kept x ex 1000 >/dev/null
	redis persist kept >/dev/null
	kill_server
	start_server
	until [ "$(redis exists short)" = 0 ]; do :; done
	restart_server
	[ "$(redis exists short)" = 0 ]
	[ "$(redis get kept)" = x ]
	[ "$(redis ttl kept)" = -1 ]
	[ "$(redis ttl long)" -gt 900 ]
}

@test "replies keep the order of the commands, whatever they wait for" {
	for i in $(seq 5000); do
		printf 'SET k %s\r\nGET k\r\nECHO %s\r\nNOSUCH\r\n' "$i" "$i"
	done >commands
	"$tests/socket" talk "$KV_ADDR" <commands | tr -d '\r' >answer
	for i in $(seq 5000); do
		printf '+OK\n$%s\n%s\n$%s\n%s\n' ${#i} "$i" ${#i} "$i"
		printf -- "-ERR unknown command 'NOSUCH', with args beginning with: \n"
	done >expected
	cmp answer expected
}

@test "broken framing is told and ends the connection" {
	[ "$(answers '*x' 'PING')" = \
		'-ERR Protocol error: invalid multibulk length|' ]
	[ "$(answers 'PING' '*1' '$-5' 'PING')" = \
		'+PONG|-ERR Protocol error: invalid bulk length|' ]
	[ "$(answers 'SET a "b' 'PING')" = \
		'-ERR Protocol error: unbalanced quotes in request|' ]
	[ "$(answers 'PING' 'QUIT' 'PING')" = '+PONG|+OK|' ]
	[ "$(redis dbsize)" = 0 ]
}

@test "what a browser sends is not answered" {
	[ "$(answers 'GET / HTTP/1.1' 'SET a 1')" = '' ]
	[ "$(answers 'POST / HTTP/1.1' 'SET a 1')" = '' ]
	[ "$(answers 'PUT / HTTP/1.1' 'Host: localhost' 'SET a 1')" != '+OK|' ]
	[ "$(redis dbsize)" = 0 ]
}

@test "connections can be named, listed and closed" {
	mkfifo to
	redis <to >answer &
	cli=$!
	exec 8>to
	echo 'client setname victim' >&8
	until redis client list | grep -q ' name=victim '; do
		kill -0 $cli
	done
	id=$(redis client list | sed -n 's/^id=\([0-9]*\) .* name=victim .*/\1/p')
	[ "$(redis client kill id "$id")" = 1 ]
	until ! redis client list | grep -q ' name=victim '; do :; done
	[ "$(redis client kill id "$id")" = 0 ]
	exec 8>&-
	wait $cli || true
	redis client list | grep -q " laddr=127.0.0.1:$port .* cmd=client|list "
}

@test "limits are answered by errors" {
	head -c 65537 /dev/zero | tr '\0' k >key
	head -c 67108865 /dev/zero | tr '\0' v >value
	run -0 redis -x set short <value
	assert_output 'ERR the value has 67108865 bytes; at most 67108864 are allowed'
	run -0 redis set "$(cat key)" x
	assert_output 'ERR the key has 65537 bytes; at most 65536 are allowed'
	run -0 redis set '' x
	assert_output 'ERR a key has at least one byte'
	run -0 redis setrange short 67108864 x
	assert_output \
		'ERR string exceeds maximum allowed size (proto-max-bulk-len)'
	[ "$(redis dbsize)" = 0 ]
	head -c 67108864 value | redis -x set large | grep -q OK
	[ "$(redis strlen large)" = 67108864 ]
}

@test "a command over --max-line is refused" {
	stop_server
	start_server --max-line 10000
	head -c 20000 /dev/zero | tr '\0' v >value
	run -0 redis -x set a <value
	assert_output --partial 'ERR Protocol error: invalid bulk length'
	[ "$(redis dbsize)" = 0 ]
}
