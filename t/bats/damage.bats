# damage.bats - files that are not as they were written: it is told where, and
# nothing is skipped in silence.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# flip FILE OFFSET - flips one bit.
flip() {
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	printf '%b' "\\0$(printf %o $((byte ^ 4)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# The offset of some text in a file.
offset_of() {
	grep -abo "$2" "$1" | head -n 1 | cut -d : -f 1
}

# The segment file that holds some text.
segment_with() {
	grep -l "$1" s/*.log
}

three_records() {
	kv-set -d s first 'the first value'
	kv-set -d s second 'the second value'
	kv-set -d s third 'the third value'
}

@test "a sound store is said to be sound, with counts" {
	three_records
	kv-set -d s third 'another value'
	run -0 kv-serve --check -d s
	assert_line 'live 3'
	assert_line sound
}

@test "a flipped bit in a value is found: 65, with file and offset" {
	three_records
	segment=$(segment_with 'second value')
	at=$(offset_of "$segment" 'second value')
	flip "$segment" "$at"
	run -65 kv-serve --check -d s
	assert_output --partial "$(basename "$segment")"
	assert_line damaged
	offset=$(grep -oE 'offset [0-9]+' <<<"$output" | head -n 1 | cut -d ' ' -f 2)
	# The record begins a little before its value.
	[ "$offset" -le "$at" ]
	[ $((at - offset)) -lt 100 ]
}

@test "a damaged record in the middle stops the opening, by server and directory" {
	three_records
	segment=$(segment_with 'second value')
	flip "$segment" "$(offset_of "$segment" 'second value')"
	run -65 kv-get -d s first
	assert_output --partial "$(basename "$segment")"
	assert_output --partial offset
	run -65 timeout 20 kv-serve -d s --port 0
	assert_output --partial "$(basename "$segment")"
	run -65 kv-set -d s fourth 'must not be stored'
}

@test "a flipped bit anywhere in the records is found" {
	three_records
	segment=$(segment_with 'second value')
	end=$(($(offset_of "$segment" 'third value') + 15))
	found=0
	tried=0
	for ((at = 4096; at < end; at += 3)); do
		flip "$segment" $at
		if ! kv-serve --check -d s >report 2>&1; then
			found=$((found + 1))
			kv-get -d s first >value 2>err && [ "$(cat value)" != 'the first value' ] &&
				fail "offset $at: a wrong value was handed out"
		else
			kv-get -d s --prefix '' >left
			fail "offset $at: the flipped bit was not found: $(cat report left)"
		fi
		flip "$segment" $at
		tried=$((tried + 1))
	done
	[ $tried -gt 50 ]
	[ $found -eq $tried ]
	run -0 kv-serve --check -d s
}

@test "a truncated segment is damage" {
	numbers 1000 | kv-set -d s --bulk
	three_records
	segment=$(segment_with 'third value')
	truncate -s 5000 "$segment"
	run -65 kv-serve --check -d s
	assert_output --partial "$(basename "$segment")"
	run -65 kv-get -d s first
}

@test "a torn record at the very end was never acknowledged, and goes" {
	start_server
	kv-set first 'the first value'
	kv-set last 'the last value'
	kill_server
	segment=$(segment_with 'last value')
	flip "$segment" "$(offset_of "$segment" 'last value')"
	run -0 kv-get -d s first
	assert_output 'the first value'
	run -1 kv-get -d s last
	kv-set -d s next 1
	run -0 kv-serve --check -d s
}

@test "a damaged side file is made again" {
	for i in 1 2 3; do
		head -c 1500000 /dev/urandom | kv-set -d s "key$i" -
	done
	start_server
	stop_server
	dump -d s --json >before
	sides=(s/*.idx)
	[ -e "${sides[0]}" ]
	for side in "${sides[@]}"; do
		flip "$side" 70
	done
	dump -d s --json | cmp - before
	rm "${sides[@]}"
	dump -d s --json | cmp - before
}

@test "a store of another format version is refused, naming the version" {
	kv-set -d s a 1
	sed -i 's/kv-store 1/kv-store 999/' s/kv.format
	run -65 kv-get -d s a
	assert_output --partial 999
	run -65 timeout 20 kv-serve -d s --port 0
	run -65 kv-serve --check -d s
	sed -i 's/kv-store 999/kv-store 1/' s/kv.format
	[ "$(kv-get -d s a)" = 1 ]
}

@test "a directory that is no store is refused by who reads it, and left alone" {
	mkdir other
	echo mine >other/file
	run -65 kv-get -d other a
	assert_output --partial other
	run -65 kv-serve --check -d other
	[ "$(ls other)" = file ]
}

@test "a read-only directory can be read, not written" {
	[ "$(id -u)" -ne 0 ] || unprivileged=(setpriv --reuid 65534 --clear-groups)
	chmod 755 .
	kv-set -d s a 1
	chmod -R a+rX .
	dir=$PWD
	while [ "$dir" != / ]; do
		chmod a+x "$dir" 2>/dev/null || true
		dir=$(dirname "$dir")
	done
	chmod 555 s
	[ "$("${unprivileged[@]}" kv-get -d s a)" = 1 ]
	run -77 "${unprivileged[@]}" kv-set -d s a 2
	assert_output --partial "'s"
	run -77 timeout 20 "${unprivileged[@]}" kv-serve -d s --port 0
	chmod 755 s
	[ "$(kv-get -d s a)" = 1 ]
}

# small_disk SIZE - a file system of that size at ./disk, ended with the test.
small_disk() {
	mkdir disk
	mount -t tmpfs -o "size=$1" none disk 2>/dev/null ||
		skip "mounting a small disk needs more rights than this has"
	disk=$PWD/disk
}

clean_up() {
	[ -z "${disk:-}" ] || umount "$disk"
}

@test "a full disk: writes fail with 74, reads go on, nothing acknowledged is lost" {
	small_disk 8m
	store=disk/s start_server
	head -c 200000 /dev/urandom >value
	acked=0
	status=0
	while [ $acked -lt 100 ]; do
		kv-set "key$acked" - <value 2>err || { status=$?; break; }
		acked=$((acked + 1))
	done
	[ $status -eq 74 ]
	[ -s err ]
	[ $acked -gt 3 ]
	for ((i = 0; i < acked; i++)); do
		kv-get "key$i" | cmp - value
	done
	kill_server
	store=disk/s start_server
	[ "$(kv-get --count)" -ge $acked ]
	for ((i = 0; i < acked; i++)); do
		kv-get "key$i" | cmp - value
	done
}

@test "a full disk without a server: 74, and what was acknowledged stays" {
	small_disk 4m
	head -c 200000 /dev/urandom >value
	acked=0
	while [ $acked -lt 50 ]; do
		kv-set -d disk/s "key$acked" - <value 2>err || { status=$?; break; }
		acked=$((acked + 1))
	done
	[ $status -eq 74 ]
	for ((i = 0; i < acked; i++)); do
		kv-get -d disk/s "key$i" | cmp - value
	done
}
