# concurrent.bats - many clients at once.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

write_hundred() {
	local i

	for i in $(seq 1 100); do
		kv-set "writer$1:$i" "value $i of $1"
	done
}

@test "10 writers x 100 keys: all there, also after SIGKILL" {
	start_server
	pids=()
	for writer in $(seq 1 10); do
		write_hundred "$writer" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	restart_server
	[ "$(kv-get --count)" -eq 1000 ]
	for writer in $(seq 1 10); do
		seq 1 100 | sed "s/.*/value & of $writer/" | sort >expected
		kv-get --prefix "writer$writer:" | cut -f 2 | sort | cmp - expected
	done
}

@test "10 writers x 100 keys without a server: all there" {
	write_directory() {
		seq 1 100 | while read -r i; do
			kv-set -d s --timeout 60 "writer$1:$i" "$i"
		done
	}
	pids=()
	for writer in $(seq 1 10); do
		write_directory "$writer" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[ "$(kv-get -d s --count)" -eq 1000 ]
}

@test "10 pipelining connections write one key: one of them is last" {
	start_server
	pids=()
	for writer in $(seq 1 10); do
		for i in $(seq 1 100); do
			echo "{\"op\":\"set\",\"key\":\"k\",\"value\":\"$writer.$i\"}"
		done | talk >"answers$writer" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	cat answers* | jq -r .version | sort -n >versions
	sort -n -u versions | cmp - versions
	[ "$(wc -l <versions)" -eq 1000 ]
	last=$(tail -n 1 versions)
	[ "$(kv-get --print-version k)" = "$last" ]
	[[ $(kv-get k) == *.100 ]]
}

@test "of 10 that want a lock one gets it" {
	start_server
	pids=()
	for writer in $(seq 1 10); do
		{ kv-set --if-absent lock "$writer" && echo "$writer" >>winners; } 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" || true
	[ "$(wc -l <winners)" -eq 1 ]
	[ "$(kv-get lock)" = "$(cat winners)" ]
}

@test "10 that count up together with --if-version lose no count" {
	start_server
	kv-set counter 0
	count() {
		local done=0 version value

		while [ $done -lt 10 ]; do
			version=$(kv-get --print-version counter)
			value=$(kv-get counter)
			if kv-set --if-version "$version" counter $((value + 1)); then
				done=$((done + 1))
			fi
		done
	}
	pids=()
	for _ in $(seq 1 10); do
		count 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[ "$(kv-get counter)" -eq 100 ]
}

@test "a long scan shows one moment while writers go on" {
	start_server
	numbers 20000 | kv-set --bulk
	{
		i=0
		until [ -e enough ]; do
			i=$((i + 1))
			kv-set "key$((i % 20000 + 1))" changed
		done
	} 3>&- &
	writer=$!
	for _ in 1 2 3; do
		kv-get --keys | wc -l >>counts
	done
	touch enough
	wait $writer
	[ "$(sort -u counts)" -eq 20000 ]
}
