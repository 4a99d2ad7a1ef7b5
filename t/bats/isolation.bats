# isolation.bats - no reader ever sees half of a bulk write.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
	start_server
}

# Loads generation after generation of $1 records until told to stop.
load_generations() {
	local generation=1

	until [ -e enough ]; do
		generation=$((generation + 1))
		seq 1 "$1" | sed "s/.*/key&\t$generation/" | kv-set --bulk
	done
	echo $generation >generations
}

@test "a scan in the middle of bulks sees one generation" {
	seq 1 5000 | sed 's/.*/key&\t1/' | kv-set --bulk
	load_generations 5000 3>&- &
	loader=$!
	for _ in $(seq 1 30); do
		kv-get --prefix key >seen
		[ "$(cut -f 2 seen | sort -u | wc -l)" -eq 1 ]
		[ "$(wc -l <seen)" -eq 5000 ]
		cut -f 2 seen | head -n 1 >>distinct
	done
	touch enough
	wait $loader
	# The reader did meet the writer.
	[ "$(sort -u distinct | wc -l)" -gt 2 ]
}

@test "an mget in the middle of bulks sees one generation" {
	seq 1 200 | sed 's/.*/key&\t1/' | kv-set --bulk
	load_generations 200 3>&- &
	loader=$!
	mget='{"op":"mget","keys":["key1","key50","key100","key200"]}'
	for _ in $(seq 1 30); do
		yes "$mget" | head -n 50 | talk |
			jq -r '[.results[].value] | unique | length' | sort -u >>lengths
	done
	touch enough
	wait $loader
	[ "$(sort -u lengths)" = 1 ]
	[ "$(cat generations)" -gt 2 ]
}

@test "a reader finds all keys of a bulk from the moment that it finds one" {
	{
		numbers 20000 | kv-set --bulk
	} 3>&- &
	loader=$!
	until kv-get key20000 >/dev/null; do
		kv-get --count >>counts
	done
	[ "$(kv-get --count)" -eq 20000 ]
	wait $loader
	run -1 grep -vxE '0|20000' counts
}

@test "a deleted prefix goes at once" {
	numbers 20000 | kv-set --bulk
	kv-del -f --prefix key 3>&- &
	deleter=$!
	until [ "$(kv-get --count)" -eq 0 ]; do
		kv-get --count >>counts
	done
	wait $deleter
	touch counts
	run -1 grep -vxE '0|20000' counts
}

@test "many pages of a scan belong to one moment" {
	head -c 1500 /dev/zero | tr '\0' x >long
	seq 1 5000 | sed "s/.*/key&\t1 $(cat long)/" | kv-set --bulk
	{
		generation=1
		until [ -e enough ]; do
			generation=$((generation + 1))
			seq 1 5000 | sed "s/.*/key&\t$generation $(cat long)/" |
				kv-set --bulk
		done
	} 3>&- &
	loader=$!
	for _ in 1 2 3 4 5; do
		[ "$(kv-get --prefix key | cut -f 2 | cut -d ' ' -f 1 | sort -u | wc -l)" -eq 1 ]
	done
	touch enough
	wait $loader
}
