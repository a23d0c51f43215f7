# SPDX-License-Identifier: ISC
#
# make            the three programs, in build/
# make demo       a running installation to look at (DEMO=once: then exit)
# make check      all tests
# make faults     every promise while things break, for an hour or so
# make bench      figures, each beside a baseline measured in the same run
# make soak       a day's worth of messages (SESSIONS=2000000): does it grow?
# make fuzz       looks for inputs that break a parser (SECONDS=60 each)
# make install    PREFIX and DESTDIR are honoured
#
# V=1 shows whole commands.  BUILD names the output directory and SANITIZE what it is instrumented with:
# the tests build their variants as `make BUILD=build/asan SANITIZE=...`.

MAKEFLAGS  += --jobs=$(shell nproc)

PREFIX     ?= /usr/local
DESTDIR    ?=
BUILD      ?= build
SANITIZE   ?=
CC         ?= cc
VERSION    := 0.1
V          ?=
Q          := $(if $(V),,@)
say        := @$(if $(V),:,printf '%-4s %s\n')

CFLAGS     ?= -O2 -g
HARDENING  ?= -fstack-protector-strong -fstack-clash-protection -fPIE \
	$(if $(SANITIZE),,-D_FORTIFY_SOURCE=2)
WARNINGS   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wformat=2 -Wwrite-strings -Wvla -Wswitch-enum
# Instrumented code makes gcc see null strings where there are none.
INSTRUMENT := $(if $(SANITIZE),-fsanitize=$(SANITIZE) \
	$(if $(findstring undefined,$(SANITIZE)),-fno-sanitize-recover=undefined) \
	-fno-omit-frame-pointer \
	-Wno-unknown-warning-option -Wno-format-overflow)
ALL_CFLAGS  = -std=c17 -D_GNU_SOURCE -DASSENT_VERSION='"$(VERSION)"' \
	-DASSENT_SHARE='"$(PREFIX)/share/assent"' \
	$(WARNINGS) $(CFLAGS) $(HARDENING) $(INSTRUMENT) -pthread -I. -MMD -MP
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack $(INSTRUMENT) -pthread \
	$(LDFLAGS)

PACKAGES   := hiredis libpq libsodium libidn2 libconfuse jansson
LIBS        = $(shell pkg-config --libs $(PACKAGES)) -lunistring
MILTER_LIBS = -lmilter $(shell pkg-config --libs libmicrohttpd libcurl)
WEB_LIBS    = $(shell pkg-config --libs libmicrohttpd libcurl)
PAGE_LIBS   = $(shell pkg-config --libs gumbo) -lgettextpo -lm
MAIL_LIBS   = $(shell pkg-config --libs gmime-3.0 gumbo)
LINT_LIBS   = $(shell pkg-config --libs libxml-2.0 libpsl)
INCLUDES    = $(shell pkg-config --cflags $(PACKAGES) libmicrohttpd libcurl \
	gmime-3.0 gumbo libxml-2.0 libpsl)

objects     = $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard $(1)/*.c)))
POLICY     := $(call objects,policy)
MAIL       := $(call objects,mail)
PAGE       := $(call objects,page)
MILTER     := $(call objects,milter)
WEB        := $(call objects,web)
CTL        := $(call objects,ctl)
UNIT       := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,\
	$(sort $(wildcard tests/unit/test_*.c)))
BENCH      := $(addprefix $(BUILD)/bench/,noop twin mclient clicker lookup)
PROGRAMS   := $(BUILD)/assent-milter $(BUILD)/assent-web $(BUILD)/assentctl
MIGRATIONS := $(sort $(wildcard sql/[0-9]*.sql))
MANUALS    := $(wildcard man/*.[1-8])

SANITIZERS := $(if $(SANITIZE),$(BUILD)/tests/sanitizers.o)

all: $(PROGRAMS)

$(BUILD)/libassent.a: $(POLICY)
	@rm -f $@
	$(say) AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libassentmail.a: $(MAIL)
	@rm -f $@
	$(say) AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libassentpage.a: $(PAGE)
	@rm -f $@
	$(say) AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/assent-milter: $(MILTER) $(SANITIZERS) $(BUILD)/libassentmail.a $(BUILD)/libassent.a
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(MAIL_LIBS) $(LIBS)

$(BUILD)/assent-web: $(WEB) $(SANITIZERS) $(BUILD)/libassentpage.a \
    $(BUILD)/libassentmail.a $(BUILD)/libassent.a
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(WEB_LIBS) $(PAGE_LIBS) $(LIBS)

$(BUILD)/assentctl: $(CTL) $(SANITIZERS) $(BUILD)/migrations.o $(BUILD)/libassentpage.a \
	$(BUILD)/libassentmail.a $(BUILD)/libassent.a
	$(say) LD $@
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(MAIL_LIBS) $(LINT_LIBS) $(PAGE_LIBS) $(LIBS)

# The migrations travel inside assentctl: a program and its schema never part.
$(BUILD)/migrations.c: $(MIGRATIONS) ctl/embed Makefile
	@mkdir -p $(@D)
	$(Q)ctl/embed $(MIGRATIONS) > $@

$(BUILD)/migrations.o: $(BUILD)/migrations.c
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(say) CC $@
	$(Q)$(CC) $(ALL_CFLAGS) $(INCLUDES) -c -o $@ $<

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libassent.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(INCLUDES) $(ALL_LDFLAGS) -o $@ $< \
		$(filter-out %.h,$(filter $(BUILD)/%.o,$^)) \
		$(filter %mail.a,$^) $(BUILD)/libassent.a \
		$(shell pkg-config --libs cmocka) \
		$(if $(filter %mail.a,$^),$(MAIL_LIBS)) $(LIBS) -lm

$(BUILD)/bench/mclient: $(addprefix tests/bench/,talk.c wire.c letter.c)

# What asks as the programs do, by what they ask.
$(addprefix $(BUILD)/bench/,clicker lookup): $(BUILD)/bench/%: tests/bench/%.c \
    $(BUILD)/libassent.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(INCLUDES) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/bench/%: tests/bench/%.c $(wildcard tests/bench/*.h)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c,$^) -lmilter

# What a unit test needs of the programs.
$(BUILD)/unit/test_label: $(BUILD)/milter/label.o
$(BUILD)/unit/test_list: $(BUILD)/milter/list.o
$(addprefix $(BUILD)/unit/,test_edit test_splice): $(BUILD)/libassentmail.a
$(BUILD)/unit/test_signature: $(BUILD)/milter/signature.o
$(BUILD)/unit/test_check: $(BUILD)/page/check.o $(BUILD)/libassentmail.a
$(BUILD)/unit/test_colour: $(BUILD)/page/colour.o
$(BUILD)/unit/test_csv: $(BUILD)/ctl/csv.o $(BUILD)/ctl/source.o

$(BUILD)/tests/mustache: tests/web/mustache.c $(BUILD)/page/template.o \
    $(BUILD)/page/render.o $(BUILD)/libassent.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(INCLUDES) $(ALL_LDFLAGS) -o $@ \
		$(filter-out %.h,$(filter %.c %.o %.a,$^)) $(LIBS)

# Edits a file as the milter would edit the message.
$(BUILD)/tests/edit: tests/mail/edit.c $(BUILD)/libassentmail.a \
	$(BUILD)/libassent.a
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)$(CC) $(ALL_CFLAGS) $(INCLUDES) $(ALL_LDFLAGS) -o $@ $< \
		$(filter %.a,$^) $(MAIL_LIBS) $(LIBS)

unit: $(UNIT) $(BUILD)/tests/mustache $(BUILD)/tests/edit

bench-tools: $(BENCH)

deps:
	@tests/deps

demo: deps
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tests/demo $(if $(filter once,$(DEMO)),--once)

check: deps
	@env -u MAKEFLAGS -u MAKELEVEL tests/check

faults: deps
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tests/faults/faults

bench: deps
	@$(MAKE) --no-print-directory all bench-tools
	@BUILD=$(BUILD) tests/bench/bench

soak: deps
	@$(MAKE) --no-print-directory all bench-tools
	@BUILD=$(BUILD) tests/bench/soak $(if $(SESSIONS),-n $(SESSIONS))

fuzz: deps
	@tests/fuzz/run $(or $(SECONDS),60)

SOURCES    := $(wildcard policy/*.[ch] mail/*.[ch] page/*.[ch] \
	milter/*.[ch] web/*.[ch] ctl/*.[ch])

format:
	clang-format -i $(SOURCES)

format-check:
	clang-format --dry-run -Werror $(SOURCES)

tidy:
	clang-tidy --quiet $(wildcard policy/*.c mail/*.c page/*.c milter/*.c \
		web/*.c ctl/*.c) -- \
		-std=c17 -D_GNU_SOURCE -DASSENT_VERSION='""' -I. $(INCLUDES)

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin \
		$(addprefix $(DESTDIR)$(PREFIX)/share/man/man,1 5 8)
	install -m 755 $(BUILD)/assent-milter $(BUILD)/assent-web \
		$(DESTDIR)$(PREFIX)/sbin
	install -m 755 $(BUILD)/assentctl $(DESTDIR)$(PREFIX)/bin
	install -d $(addprefix $(DESTDIR)$(PREFIX)/share/assent/,templates locale)
	install -m 644 web/style.css $(DESTDIR)$(PREFIX)/share/assent
	install -m 644 web/templates/*.mustache \
		$(DESTDIR)$(PREFIX)/share/assent/templates
	install -m 644 web/locale/*.po $(DESTDIR)$(PREFIX)/share/assent/locale
	for m in $(MANUALS); do install -m 644 $$m \
		$(DESTDIR)$(PREFIX)/share/man/man$${m##*.} || exit 1; done

clean:
	rm -rf $(BUILD)

-include $(wildcard $(BUILD)/*/*.d)

.PHONY: all unit bench-tools deps demo check faults bench soak fuzz format \
	format-check tidy \
	install clean
