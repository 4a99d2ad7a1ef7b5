# install.bats - what make install puts where, and whether others can use it.

setup_file() {
	load helper
	tree=$(realpath "$tests/../..")
	export tree root=$BATS_FILE_TMPDIR/root
	# With the flags of the make that runs the tests, if one does: nothing
	# is built again.
	make -C "$tree" -j1 -s install BUILD="$(realpath "$BUILD")" PREFIX=/opt/kv \
		DESTDIR="$root" >"$BATS_FILE_TMPDIR/log" 2>&1 ||
		fail "$(cat "$BATS_FILE_TMPDIR/log")"
}

setup() {
	load helper
	cd "$BATS_TEST_TMPDIR" || exit
}

@test "every program is installed and runs" {
	for source in "$tree"/cmd/kv-*.c; do
		program=$(basename "$source" .c)
		[[ $program != *_* ]] || continue # a part of a program
		run -0 "$root/opt/kv/bin/$program" --version
	done
}

@test "every page is installed in its section, readable by all" {
	for page in "$tree"/man/*.[1-8]; do
		cmp "$page" "$root/opt/kv/share/man/man${page##*.}/$(basename "$page")"
	done
	[ -z "$(find "$root" -type f ! -perm -444)" ]
}

@test "kv.pc names the place, the version and the libraries" {
	export PKG_CONFIG_PATH=$root/opt/kv/lib/pkgconfig
	[ "$(pkg-config --variable=prefix kv)" = /opt/kv ]
	[ "$(kv-get --version)" = "kv-get $(pkg-config --modversion kv)" ]
	run -0 pkg-config --libs kv
	assert_output --partial '-L/opt/kv/lib -lkv'
}

@test "the installed library shows nothing but its interface" {
	nm --defined-only --extern-only "$root/opt/kv/lib/libkv.a" |
		awk 'NF == 3 { print $3 }' | sort >names
	[ "$(grep -c '^kv_' names)" -ge 14 ]
	run -1 grep -v '^kv_' names
	sed -n 's/.*[ *]\(kv_[a-z_]*\)(.*/\1/p' "$root/opt/kv/include/kv.h" |
		grep -v '_fn$' | sort -u | cmp - names
}

# instrumentation - what a sanitized or covered library drags along.
instrumentation() {
	if grep -q __asan_init "$root/opt/kv/lib/libkv.a"; then
		echo -fsanitize=address,undefined
	fi
	if grep -q __gcov_init "$root/opt/kv/lib/libkv.a"; then
		echo --coverage
	fi
}

@test "the example of kv(3) compiles against what is installed, and runs" {
	export PKG_CONFIG_PATH=$root/opt/kv/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
	awk '/^\.Ed/ { on = 0 } on; /^\.Bd -literal/ { on = 1 }' \
		"$root/opt/kv/share/man/man3/kv.3" | sed 's/\\e/\\/g' >example.c
	# shellcheck disable=SC2046 # several flags
	gcc -Wall -Wextra -Werror example.c -o example $(pkg-config --cflags --libs kv) \
		$(instrumentation)
	run -0 ./example
	assert_line 'ada = 1815'
	assert_line 'grace = 1906'
}

@test "kv.h compiles alone, as C99 and as C++ would see it" {
	echo '#include <kv.h>' >alone.c
	gcc -std=c99 -Wall -Wextra -Wpedantic -Werror -I"$root/opt/kv/include" \
		-c alone.c -o alone.o
	run -0 grep -c 'extern "C"' "$root/opt/kv/include/kv.h"
}

@test "uninstall leaves nothing behind" {
	cp -r "$root" again
	make -C "$tree" -j1 -s uninstall PREFIX=/opt/kv DESTDIR="$PWD/again"
	[ -z "$(find again -type f)" ]
}
