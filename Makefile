# Makefile of the kv toolkit, for GNU make.
#
#	make demo       install what is missing, build, and watch it work
#	make check      install what is missing, build, and run every test
#
#	make            build the programs into build/
#	make install    PREFIX=/usr/local, DESTDIR for packagers; uninstall undoes
#	make sanitize   the same tests under the address and UB sanitizers
#	make tsan       servers with several event loops under the thread sanitizer
#	make lint       warnings as errors, static checks, scripts, pages
#	make fuzz       feed anything to the parsers, a minute each
#	make check-long the tests that take longer the more they look for
#	make bench      speed against redis-server; BENCH="get set" for a part
#	make bench-cluster  a cluster of three against three etcd; BENCH="write read"
#	make mutants    bugs planted on purpose, which the tests must notice
#	make coverage   the tests' line and branch coverage of the store
#	make deps       only install what all of these need
#	make clean
#
# Everything built lies below build/, so that the flavours (plain, sanitized,
# covered) live side by side. "make check TESTS=t/bats/bulk.bats" runs one
# suite; DEPS=no never calls apt.

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif

VERSION := 0.1.0
CFLAGS ?= -O2 -g -D_FORTIFY_SOURCE=2
CPPFLAGS_ALL = -std=gnu17 -D_GNU_SOURCE -DKV_VERSION='"$(VERSION)"' -Icommon \
	-include common/base/banned.h $(CPPFLAGS)
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
HARDENING = -fstack-protector-strong -fno-common -ffunction-sections -fdata-sections
CFLAGS_ALL = $(CPPFLAGS_ALL) $(CFLAGS) $(WARNINGS) $(HARDENING) $(CFLAGS_EXTRA)
LDFLAGS_ALL = -Wl,--as-needed -Wl,--gc-sections $(LDFLAGS) $(CFLAGS_EXTRA)
LDLIBS_ALL = -luv -lcjson -lbsd -lxxhash -lutf8proc -lcrypto -lpthread -lm $(LDLIBS)

# cmd/kv-x.c is a program; cmd/kv-x_part.c, if any, is a part of it.
CMD_SRC := $(wildcard cmd/*.c)
PROGRAMS := $(foreach f,$(CMD_SRC),$(if $(findstring _,$f),,$(f:cmd/%.c=%)))
COMMON_SRC := $(wildcard common/*/*.c)
UNIT_SRC := $(wildcard t/unit/*_test.c)
BENCH_SRC := t/bench/json_load.c t/bench/ceiling.c
BENCHES := $(BENCH_SRC:t/bench/%.c=$(BUILD)/t/%)
# With a library that only it needs.
ETCD_LOAD := t/bench/etcd_load.c
REDIS_SRC := $(wildcard t/redis/*.c)
FUZZ_SRC := $(wildcard t/fuzz/*_fuzz.c)
SRC := $(COMMON_SRC) $(CMD_SRC) $(UNIT_SRC) $(BENCH_SRC) $(ETCD_LOAD) $(REDIS_SRC) \
	$(FUZZ_SRC)
PAGES := $(wildcard man/*.[1-8])
SUITES := $(wildcard t/bats/*.bats)
SCRIPTS := .ci/run $(wildcard t/* t/lint/* t/bench/* t/redis/* t/fuzz/*)

LIB := $(BUILD)/libkv.a
OBJ := $(SRC:%.c=$(BUILD)/%.o)
UNIT := $(UNIT_SRC:t/unit/%.c=$(BUILD)/t/%)
# Redis's clients, and Redis itself, against ours.
REDIS := $(REDIS_SRC:t/redis/%.c=$(BUILD)/t/%)
REDIS_TESTS := $(filter %_test,$(REDIS)) t/redis/page t/redis/differential \
	t/redis/python_client
# Suites whose servers are to have two event loops as well.
THREADED := $(addsuffix @--threads=2,$(addprefix t/bats/,serve.bats concurrent.bats \
	resp.bats))
TESTS ?= $(UNIT) $(REDIS_TESTS) $(SUITES) $(THREADED)

# A make below this one: after the packages are there, or with other flags.
SUB = +@$(MAKE) --no-print-directory

all: $(LIB) $(PROGRAMS:%=$(BUILD)/%)

$(LIB): $(COMMON_SRC:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

parts = $(patsubst %.c,$(BUILD)/%.o,$(filter cmd/$(1)_%,$(CMD_SRC)))

.SECONDEXPANSION:
$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/cmd/%.o $$(call parts,$$*) $(LIB)
	$(CC) $(LDFLAGS_ALL) $^ $(LDLIBS_ALL) -o $@

# Tests that run out of memory on purpose; see t/unit/memory.h.
MEMORY_WRAPPED = malloc calloc realloc reallocarray strdup strndup asprintf \
	__asprintf_chk mmap pool_reserve free
$(BUILD)/t/%_memory_test: private LDFLAGS_TEST = $(MEMORY_WRAPPED:%=-Wl,--wrap=%)

$(UNIT): $(BUILD)/t/%: $(BUILD)/t/unit/%.o $(LIB)
	$(CC) $(LDFLAGS_ALL) $(LDFLAGS_TEST) $< $(LIB) $(LDLIBS_ALL) -o $@

$(REDIS): $(BUILD)/t/%: $(BUILD)/t/redis/%.o $(LIB)
	$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LDLIBS_ALL) -lhiredis -o $@

# Changes when the compiler or its flags do, and only then.
$(BUILD)/flags: export FLAGS = $(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo "$$FLAGS" | cmp -s - $@ || echo "$$FLAGS" >$@

unit: $(UNIT) $(REDIS)
objects: $(OBJ)

# The demonstration and the tests.

deps:
	@t/deps build demo check lint

demo:
	@t/deps build demo
	$(SUB) -s all
	@BUILD=$(BUILD) t/demo

check:
	@t/deps build check
	$(SUB) -s all unit
	@BUILD=$(BUILD) t/run $(TESTS)

sanitize:
	$(SUB) check BUILD=build/sanitize CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		CFLAGS_EXTRA='-fsanitize=address,undefined -fno-sanitize-recover=all'

# concurrent.bats is about many processes, which the sanitizer slows down most.
TSAN_TESTS ?= t/bats/threads.bats $(filter-out %/concurrent.bats@--threads=2,$(THREADED))

tsan:
	$(SUB) check BUILD=build/tsan CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		CFLAGS_EXTRA=-fsanitize=thread \
		TESTS='$(TSAN_TESTS)'

# t/bench/speed says which parts there are; ROUNDS=3 and QUICK=yes shorten it.
BENCH ?=

bench:
	@t/deps build bench
	$(SUB) -s all $(BENCHES)
	@BUILD=$(BUILD) t/bench/speed $(BENCH)

bench-compaction:
	@t/deps build bench
	$(SUB) -s all $(BENCHES)
	@BUILD=$(BUILD) t/bench/compaction $(ROUNDS)

bench-cluster:
	@t/deps build bench bench-cluster
	$(SUB) -s all $(BUILD)/t/etcd_load
	@BUILD=$(BUILD) t/bench/cluster $(BENCH)

$(BUILD)/t/etcd_load: $(BUILD)/t/bench/etcd_load.o
	$(CC) $(LDFLAGS_ALL) $< -lnghttp2 -o $@

$(BENCHES): $(BUILD)/t/%: $(BUILD)/t/bench/%.o
	$(CC) $(LDFLAGS_ALL) $^ -o $@

check-long:
	@t/deps build check
	$(SUB) -s all unit
	@KV_POWER_STATES=2000000 TEST_TIMEOUT=7200 BUILD=$(BUILD) \
		t/run $(BUILD)/t/power_test
	@KV_RAFT_SEEDS=100000 TEST_TIMEOUT=7200 BUILD=$(BUILD) \
		t/run $(BUILD)/t/raft_seeds_test
	$(BUILD)/kv-crashtest kill --rounds 200
	$(BUILD)/kv-crashtest sim --seed 1 --seeds 100000

# Bugs planted one by one, each of which the tests must notice.
mutants:
	@t/deps build
	@t/mutants

# The tests that are about the store; with fewer crash states, for each passes
# through the same code.
COVERED = store*_test index*_test key_map_test power*_test background_test once_test
COVERAGE_TESTS ?= $(patsubst t/unit/%.c,build/coverage/t/%,$(wildcard \
	$(COVERED:%=t/unit/%.c))) $(addsuffix .bats,$(addprefix t/bats/,\
	atomic bulk crud damage del isolation persistence salvage))

coverage:
	@rm -rf build/coverage
	+@KV_POWER_STATES=20000 $(MAKE) --no-print-directory check \
		BUILD=build/coverage CFLAGS='-O0 -g' \
		CFLAGS_EXTRA='--coverage -fprofile-update=atomic' \
		TESTS='$(COVERAGE_TESTS)'
	@t/coverage build/coverage common/store

# Each t/fuzz/x_fuzz.c begins with what t/fuzz/corpus/x has; what it learns
# stays in build/fuzz/corpus, and an input that fails is left in build/fuzz.
# make fuzz FUZZERS=json is one of them.
FUZZ_TIME ?= 60
FUZZERS ?= $(FUZZ_SRC:t/fuzz/%_fuzz.c=%)
# The rooms that read what strangers send; the store stands behind them.
FUZZED = $(filter $(addprefix common/,base/% proto/% replica/% store/%),$(COMMON_SRC))

fuzz:
	@t/deps build fuzz
	$(SUB) -s $(FUZZERS:%=build/fuzz/%_fuzz) BUILD=build/fuzz CC=clang \
		CFLAGS='-O1 -g -fno-omit-frame-pointer' \
		CFLAGS_EXTRA='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all'
	@FUZZ_TIME=$(FUZZ_TIME) t/fuzz/run build/fuzz $(FUZZERS)

$(BUILD)/libfuzzed.a: $(FUZZED:%.c=$(BUILD)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%_fuzz: $(BUILD)/t/fuzz/%_fuzz.o $(BUILD)/libfuzzed.a
	$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer $^ $(LDLIBS_ALL) -o $@

# The library as others link it: only what the client calls need, in one
# object, with no other name of ours left visible.
API = $(shell sed -n 's/.*[ *]\(kv_[a-z_]*\)\x28.*/\1/p' common/kv.h | \
	grep -v '_fn$$' | sort -u)

$(BUILD)/public/libkv.a: $(LIB) common/kv.h
	@mkdir -p $(@D)
	$(LD) -r -o $(@D)/kv.o $(API:%=-u %) $(LIB)
	objcopy $(API:%=--keep-global-symbol=%) $(@D)/kv.o
	@rm -f $@
	$(AR) rcs $@ $(@D)/kv.o

INSTALLED = $(PROGRAMS:%=bin/%) include/kv.h lib/libkv.a \
	lib/pkgconfig/kv.pc \
	$(foreach page,$(notdir $(PAGES)),share/man/man$(subst .,,$(suffix $(page)))/$(page))

install: all $(BUILD)/public/libkv.a
	install -d $(sort $(dir $(INSTALLED:%=$(DESTDIR)$(PREFIX)/%)))
	install -m 755 $(PROGRAMS:%=$(BUILD)/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 common/kv.h $(DESTDIR)$(PREFIX)/include
	install -m 644 $(BUILD)/public/libkv.a $(DESTDIR)$(PREFIX)/lib
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' kv.pc.in \
		>$(DESTDIR)$(PREFIX)/lib/pkgconfig/kv.pc
	for page in $(PAGES); do install -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/; done

uninstall:
	rm -f $(INSTALLED:%=$(DESTDIR)$(PREFIX)/%)

# The linters. Each is a target of its own: "make lint-cppcheck".

LINTS = gcc clang cppcheck scripts pages format layers length linkage options

lint:
	@t/deps build lint
	$(SUB) -s -k $(LINTS:%=lint-%)
	@echo "lint: clean"

lint-gcc lint-clang: lint-%:
	@echo "lint: warnings of $*"
	$(SUB) objects BUILD=build/lint-$* CC=$* CFLAGS_EXTRA=-Werror

lint-cppcheck:
	@echo "lint: cppcheck"
	@mkdir -p build/cppcheck
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppressions-list=t/lint/cppcheck.txt \
		--library=t/lint/queue.cfg --cppcheck-build-dir=build/cppcheck --error-exitcode=1 \
		-D_GNU_SOURCE -DKV_VERSION='""' -Icommon common cmd

lint-scripts:
	@echo "lint: shellcheck"
	@shellcheck -x $(shell grep -slE '^#!/bin/(ba)?sh' $(SCRIPTS)) \
		$(wildcard t/bats/*.bash) $(SUITES)

lint-pages:
	@echo "lint: mandoc"
	@t/lint/pages $(PAGES)

lint-format:
	@echo "lint: formatting"
	@t/lint/format $(SRC) $(wildcard common/*.h common/*/*.h t/unit/*.h)

lint-layers lint-length: lint-%:
	@echo "lint: $*"
	@t/lint/$* common $(wildcard cmd)

lint-linkage lint-options: lint-%: all
	@echo "lint: $*"
	@t/lint/$* $(BUILD)

clean:
	rm -rf build

-include $(OBJ:.o=.d)

.PHONY: all unit objects deps demo check sanitize tsan bench bench-compaction bench-cluster mutants coverage install uninstall \
	check-long fuzz lint $(LINTS:%=lint-%) clean FORCE
.SECONDARY:
.DELETE_ON_ERROR:
