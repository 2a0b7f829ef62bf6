# Tests, benches and everything else that is not part of the product. Included by the Makefile.

JOBS ?= $(shell nproc)

# Test programs see every room; they include its private headers by their path from the root.
INC_tests := -I. -Ilibtracefmt/include -Ilibtracefmt -Icommon -Irecord -Iimport -Iconvert -Irender
ROOM_LIBS := $(B)/record.a $(B)/import.a $(B)/convert.a $(B)/render.a $(B)/common.a $(B)/libtracefmt.a
TEST_LIBS  = -Wl,--start-group $(ROOM_LIBS) -Wl,--end-group \
             $(LIB_LIBS) $(RECORD_LIBS) $(CONVERT_LIBS) $(IMPORT_LIBS) $(RENDER_LIBS) $(LIBS)

UNIT_TESTS := $(patsubst tests/unit/%.c,$(B)/unit/%,$(sort $(wildcard tests/unit/test_*.c)))
# Generators of traces, *_trace.c, and benches, bench_*.c, are written with the library.
TRACE_GENERATORS := $(patsubst tests/targets/%.c,$(B)/targets/%,$(sort $(wildcard tests/targets/*_trace.c)))
CORPUS_MAKERS := $(patsubst tests/corpus/%.c,$(B)/targets/%,$(sort $(wildcard tests/corpus/*.c)))
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(sort $(wildcard tests/bench/bench_*.c)))
FUZZERS := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))

$(B)/record.a: $(filter-out %/record/main.o,$(RECORD_OBJ))
$(B)/import.a: $(IMPORT_OBJ)
$(B)/convert.a: $(filter-out %/convert/main.o,$(CONVERT_OBJ))
$(B)/render.a: $(filter-out %/render/main.o,$(RENDER_OBJ))
$(B)/common.a: $(COMMON_OBJ)
$(B)/record.a $(B)/import.a $(B)/convert.a $(B)/render.a $(B)/common.a:
	@$(if $(Q),echo "  AR      $@")
	$(Q)rm -f $@ && $(AR) rcs $@ $^

define link_test
	@mkdir -p $(@D)
	@$(if $(Q),echo "  TEST    $@")
	$(Q)$(CC) $(CPPFLAGS) $(INC_tests) $(LIB_CFLAGS) $(RECORD_CFLAGS) $(RENDER_CFLAGS) \
		$(ALL_CFLAGS) $(TEST_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(ALL_LDFLAGS) $(TEST_LIBS) $(TEST_EXTRA)
endef

$(B)/unit/%: TEST_EXTRA = -lcmocka
$(B)/unit/%: tests/unit/%.c $(ROOM_LIBS)
	$(link_test)
$(B)/targets/%: tests/targets/%.c $(ROOM_LIBS)
	$(link_test)
$(B)/targets/%: tests/corpus/%.c $(ROOM_LIBS)
	$(link_test)
$(B)/bench/%: tests/bench/%.c $(ROOM_LIBS)
	$(link_test)
# With VARIANT=fuzz these are libFuzzer programs, otherwise they replay files given as arguments.
$(B)/fuzz/%: TEST_CFLAGS = $(if $(filter fuzz,$(VARIANT)),-DWITH_LIBFUZZER -fsanitize=fuzzer)
$(B)/fuzz/%: tests/fuzz/%.c $(ROOM_LIBS)
	$(link_test)

-include $(addsuffix .d,$(UNIT_TESTS) $(TRACE_GENERATORS) $(CORPUS_MAKERS) $(BENCHES) $(FUZZERS))

.PHONY: deps test-deps check check-unit check-cli check-asan tests
tests: $(UNIT_TESTS) $(TRACE_GENERATORS) $(CORPUS_MAKERS) $(FUZZERS)

deps:
	@tests/deps.sh build
test-deps:
	@tests/deps.sh test

# A second make, so that what pkg-config says is asked after the packages are there.
check: test-deps
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@BUILD=$(CURDIR)/$(B) tests/run $(JOBS) $(UNIT_TESTS) $(sort $(wildcard tests/cli/*.sh tests/browser/*.sh))

check-unit: tests
	@BUILD=$(CURDIR)/$(B) tests/run $(JOBS) $(UNIT_TESTS)
check-cli: all tests
	@BUILD=$(CURDIR)/$(B) tests/run $(JOBS) $(sort $(wildcard tests/cli/*.sh tests/browser/*.sh))
check-asan:
	@$(MAKE) --no-print-directory check VARIANT=asan
