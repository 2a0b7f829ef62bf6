# tracefmt: trec, tconv, trender and libtracefmt. One file, no recursion.
#
#   make                    build/{trec,tconv,trender,libtracefmt.a,libtracefmt.so}
#   make VARIANT=asan       the same in build/asan (also tsan, fuzz, cov)
#   make demo | check       install what is missing, build, record and draw | test
#   make help               all targets

VERSION   := 0.1.0
VARIANT   ?= release
PREFIX    ?= /usr/local
LIBDIR    ?= $(PREFIX)/lib
DESTDIR   ?=
V         ?= 0

B := $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))
Q := $(if $(filter 1,$(V)),,@)

CC         ?= cc
PKG_CONFIG ?= pkg-config
pkg         = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
        -Wwrite-strings -Wundef -Wcast-align -Wformat=2 -Wno-format-nonliteral -Wno-unused-parameter -Wno-missing-field-initializers
OPT_release := -O2 -g
OPT_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
OPT_tsan    := -O1 -g -fsanitize=thread
OPT_fuzz    := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT_cov     := -O0 -g --coverage
ifeq ($(VARIANT),fuzz)
CC := clang
endif
ALL_CFLAGS  := -std=gnu11 -fPIC -pthread -D_GNU_SOURCE $(WARN) $(OPT_$(VARIANT)) $(CFLAGS)
ALL_LDFLAGS := -pthread $(filter -fsanitize=% --coverage,$(OPT_$(VARIANT))) $(LDFLAGS)

# Each component sees its own folders and the public headers of the library, nothing else.
INC_libtracefmt := -Ilibtracefmt/include -Ilibtracefmt
INC_common      := -Ilibtracefmt/include -Icommon
INC_record      := -Ilibtracefmt/include -Icommon -Irecord
INC_import      := -Ilibtracefmt/include -Icommon -Iimport
INC_convert     := -Ilibtracefmt/include -Icommon -Iimport -Iconvert
INC_render      := -Ilibtracefmt/include -Icommon -Iimport -Irender -I$(B)/gen

LIB_CFLAGS    = $(call pkg,--cflags,libcbor libzstd)
LIB_LIBS      = $(call pkg,--libs,libcbor libzstd)
IMPORT_CFLAGS = $(call pkg,--cflags,zlib yajl)
IMPORT_LIBS   = $(call pkg,--libs,zlib yajl)
CONVERT_CFLAGS = $(call pkg,--cflags,zlib sqlite3)
CONVERT_LIBS   = $(call pkg,--libs,zlib sqlite3)
RECORD_CFLAGS = $(call pkg,--cflags,libdw libelf liblzma)
RECORD_LIBS   = $(call pkg,--libs,libdw libelf liblzma) -liberty
RENDER_CFLAGS = $(call pkg,--cflags,cairo cairo-svg cairo-pdf pangocairo)
RENDER_LIBS   = $(call pkg,--libs,cairo cairo-svg cairo-pdf pangocairo) -lm

sources = $(sort $(wildcard $(1)/*.c $(1)/*/*.c))
objects = $(patsubst %.c,$(B)/obj/%.o,$(call sources,$(1)))
LIB_OBJ     := $(call objects,libtracefmt)
COMMON_OBJ  := $(call objects,common)
RECORD_OBJ  := $(filter-out $(B)/obj/record/agent/%,$(call objects,record))
IMPORT_OBJ  := $(call objects,import)
CONVERT_OBJ := $(call objects,convert)
RENDER_OBJ  := $(call objects,render)
SOVERSION   := 1

TOOLS := $(B)/trec $(B)/tconv $(B)/trender

.PHONY: all
all: $(TOOLS) $(B)/libtracefmt.a $(B)/libtracefmt.so

$(B)/obj/libtracefmt/%.o: CPPFLAGS_OWN = $(INC_libtracefmt) $(LIB_CFLAGS)
$(B)/obj/common/%.o:      CPPFLAGS_OWN = $(INC_common)
$(B)/obj/record/%.o:      CPPFLAGS_OWN = $(INC_record) $(RECORD_CFLAGS)
$(B)/obj/import/%.o:      CPPFLAGS_OWN = $(INC_import) $(IMPORT_CFLAGS)
$(B)/obj/convert/%.o:     CPPFLAGS_OWN = $(INC_convert) $(CONVERT_CFLAGS)
$(B)/obj/render/%.o:      CPPFLAGS_OWN = $(INC_render) $(RENDER_CFLAGS)

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@$(if $(Q),echo "  CC      $<")
	$(Q)$(CC) $(CPPFLAGS) $(CPPFLAGS_OWN) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libtracefmt.a: $(LIB_OBJ)
	@$(if $(Q),echo "  AR      $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/libtracefmt.so.$(SOVERSION): $(LIB_OBJ) libtracefmt/libtracefmt.map
	@$(if $(Q),echo "  LD      $@")
	$(Q)$(CC) -shared -Wl,-soname,libtracefmt.so.$(SOVERSION) -Wl,--version-script,libtracefmt/libtracefmt.map \
		$(ALL_LDFLAGS) -o $@ $(LIB_OBJ) $(LIB_LIBS)

$(B)/libtracefmt.so: $(B)/libtracefmt.so.$(SOVERSION)
	$(Q)ln -sf $(notdir $<) $@

$(B)/trec: $(RECORD_OBJ) $(COMMON_OBJ) $(B)/libtracefmt.a
	@$(if $(Q),echo "  LD      $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS) $(RECORD_LIBS) $(LIBS)

$(B)/tconv: $(CONVERT_OBJ) $(IMPORT_OBJ) $(COMMON_OBJ) $(B)/libtracefmt.a
	@$(if $(Q),echo "  LD      $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS) $(CONVERT_LIBS) $(IMPORT_LIBS) $(LIBS)

$(B)/trender: $(RENDER_OBJ) $(IMPORT_OBJ) $(COMMON_OBJ) $(B)/libtracefmt.a
	@$(if $(Q),echo "  LD      $@")
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIB_LIBS) $(RENDER_LIBS) $(IMPORT_LIBS) $(LIBS)

# Man pages and completion scripts are made from the tables of options.
MANUALS := $(patsubst docs/man/%,$(B)/man/%,$(wildcard docs/man/*.[1357]))
COMPLETIONS := $(foreach tool,trec tconv trender,$(addprefix $(B)/completion/,$(tool).bash $(tool).zsh $(tool).fish))
.PHONY: manuals completions
manuals: $(MANUALS)
completions: $(COMPLETIONS)
$(B)/man/%.1: docs/man/%.1 $(B)/%
	@mkdir -p $(@D)
	$(Q)$(B)/$* --describe=mdoc > $@.options
	$(Q)sed -e '/^\.\\" options:/{r $@.options' -e 'd}' $< > $@ && rm $@.options
$(B)/man/%: docs/man/%
	@mkdir -p $(@D)
	$(Q)cp $< $@
$(COMPLETIONS): $(TOOLS)
	@mkdir -p $(@D)
	$(Q)$(B)/$(basename $(@F)) --describe=$(subst .,,$(suffix $@)) > $@

.PHONY: install uninstall
HEADERS := $(wildcard libtracefmt/include/tracefmt/*.h)
BASH_DIR = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSH_DIR  = $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISH_DIR = $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
PYTHONDIR ?= $(PREFIX)/lib/python3/dist-packages
PACKAGE  := $(wildcard record/python/tracefmt/*.py)
install: all manuals completions
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/tracefmt $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 755 $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(HEADERS) $(DESTDIR)$(PREFIX)/include/tracefmt
	install -m 644 $(B)/libtracefmt.a $(DESTDIR)$(LIBDIR)
	install -m 755 $(B)/libtracefmt.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)
	ln -sf libtracefmt.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libtracefmt.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' libtracefmt/tracefmt.pc.in \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/tracefmt.pc
	for page in $(MANUALS); do install -D -m 644 $$page \
		$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/}; done
	install -d $(DESTDIR)$(PYTHONDIR)/tracefmt
	install -m 644 $(PACKAGE) $(DESTDIR)$(PYTHONDIR)/tracefmt
	for tool in $(notdir $(TOOLS)); do \
		install -D -m 644 $(B)/completion/$$tool.bash $(BASH_DIR)/$$tool; \
		install -D -m 644 $(B)/completion/$$tool.zsh $(ZSH_DIR)/_$$tool; \
		install -D -m 644 $(B)/completion/$$tool.fish $(FISH_DIR)/$$tool.fish; done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(notdir $(TOOLS)))
	rm -rf $(DESTDIR)$(PREFIX)/include/tracefmt
	rm -f $(DESTDIR)$(LIBDIR)/libtracefmt.* $(DESTDIR)$(LIBDIR)/pkgconfig/tracefmt.pc
	rm -f $(foreach page,$(MANUALS),$(DESTDIR)$(PREFIX)/share/man/man*/$(notdir $(page)))
	rm -rf $(DESTDIR)$(PYTHONDIR)/tracefmt
	rm -f $(foreach tool,$(notdir $(TOOLS)),$(BASH_DIR)/$(tool) $(ZSH_DIR)/_$(tool) $(FISH_DIR)/$(tool).fish)

.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tests/demo.sh $(B) demo

.PHONY: format check-format lint
FORMATTED = $(wildcard libtracefmt/*.[ch] libtracefmt/include/tracefmt/*.h common/*.[ch] record/*.[ch] \
	record/*/*.[ch] import/*.[ch] convert/*.[ch] render/*.[ch] render/*/*.[ch] tests/*/*.[ch])
format:
	@clang-format -i $(FORMATTED)
check-format:
	@clang-format --dry-run -Werror $(FORMATTED)
# Every warning is an error, with both compilers, and each public header stands alone.
lint:
	@for header in $(HEADERS); do \
		echo "#include \"$${header#libtracefmt/include/}\"" | $(CC) -std=c11 -Wall -Wextra -Werror \
			-fsyntax-only -Ilibtracefmt/include -x c - || exit 1; done
	@$(MAKE) --no-print-directory B=build/lint-gcc CC=gcc CFLAGS=-Werror all tests
	@$(MAKE) --no-print-directory B=build/lint-clang CC=clang CFLAGS=-Werror all tests

.PHONY: bench
bench: all
	@$(MAKE) --no-print-directory $(BENCHES) $(TRACE_GENERATORS)
	@tests/bench/run $(B)

include tests/tests.mk

.PHONY: help
help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile
	@echo "other targets: deps install uninstall demo check check-unit check-cli check-asan format"
	@echo "               check-format lint bench clean"

.PHONY: clean
clean:
	$(Q)rm -rf build

-include $(patsubst %.o,%.d,$(LIB_OBJ) $(COMMON_OBJ) $(RECORD_OBJ) $(IMPORT_OBJ) $(CONVERT_OBJ) $(RENDER_OBJ))
