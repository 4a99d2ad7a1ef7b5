# Makefile of the kv toolkit. GNU make. See README for the two commands.
#
# Everything is built below build/, so that several flavours (plain, sanitized,
# covered) live side by side: make BUILD=build/asan CFLAGS_EXTRA=...

PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= gcc

VERSION := 0.1.0
CFLAGS ?= -O2 -g
CPPFLAGS_ALL = -std=gnu17 -D_GNU_SOURCE -DKV_VERSION='"$(VERSION)"' -Icommon $(CPPFLAGS)
WARNINGS = -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla
HARDENING = -fstack-protector-strong -fno-common -ffunction-sections -fdata-sections
CFLAGS_ALL = $(CPPFLAGS_ALL) $(CFLAGS) $(WARNINGS) $(HARDENING) $(CFLAGS_EXTRA)
LDFLAGS_ALL = -Wl,--as-needed -Wl,--gc-sections $(LDFLAGS) $(CFLAGS_EXTRA)
LDLIBS_ALL = -luv -lcjson -lbsd -lxxhash -lutf8proc -lpthread $(LDLIBS)

PROGRAMS := $(patsubst cmd/%.c,%,$(wildcard cmd/kv-*.c))
COMMON_SRC := $(wildcard common/*/*.c)
CHECK_SRC := $(wildcard common/check/*.c)
UNIT := $(patsubst t/unit/%.c,%,$(wildcard t/unit/*_test.c))

LIB := $(BUILD)/libkv.a
LIB_OBJ := $(COMMON_SRC:%.c=$(BUILD)/%.o)

all: $(LIB) $(PROGRAMS:%=$(BUILD)/%)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(PROGRAMS:%=$(BUILD)/%): $(BUILD)/%: $(BUILD)/cmd/%.o $(LIB)
	$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LDLIBS_ALL) -o $@

$(UNIT:%=$(BUILD)/t/%): $(BUILD)/t/%: $(BUILD)/t/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LDLIBS_ALL) -o $@

unit: $(UNIT:%=$(BUILD)/t/%)

clean:
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all unit clean
.SECONDARY:
