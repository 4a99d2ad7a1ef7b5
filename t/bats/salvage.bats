# salvage.bats - kv-serve --salvage: what is sound in a damaged store.

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

# Three values in three groups, the second damaged on disk.
damaged_store() {
	kv-set -d s one 'the first value'
	kv-set -d s two 'the second value'
	kv-set -d s three 'the third value'
	sed -i 's/the second/thX second/' s/*.log
}

@test "a damaged record stops the opening, and salvage copies the others" {
	damaged_store
	run -65 kv-get -d s one
	assert_output --partial 'is damaged at offset'
	run -0 kv-serve --salvage -d s --to new
	assert_output --partial 'lost: '
	assert_output --partial 'kept 2 keys'
	[ "$(kv-get -d new one)" = 'the first value' ]
	[ "$(kv-get -d new three)" = 'the third value' ]
	run -1 kv-get -d new two
	run -0 kv-serve --check -d new
}

@test "a sound store is salvaged whole" {
	seq 1 5000 | sed 's/.*/key&\tvalue &/' | kv-set -d s --bulk
	kv-del -d s key77
	run -0 kv-serve --salvage -d s --to new
	refute_output --partial 'lost: '
	kv-get -d s --prefix '' >before
	kv-get -d new --prefix '' >after
	cmp before after
}

@test "a store without kv.format can be salvaged" {
	kv-set -d s a 1
	rm s/kv.format
	run -65 kv-get -d s a
	run -0 kv-serve --salvage -d s --to new
	[ "$(kv-get -d new a)" = 1 ]
}

@test "salvage does not write into a store that has keys" {
	kv-set -d s a 1
	kv-set -d new b 2
	run -2 kv-serve --salvage -d s --to new
	assert_output --partial "'new' is not empty"
	[ "$(kv-get -d new --count)" -eq 1 ]
}

@test "salvage wants to know where to" {
	run -2 kv-serve --salvage -d s
	run -2 kv-serve --to new
}
