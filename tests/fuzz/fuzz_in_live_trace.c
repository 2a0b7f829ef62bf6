/* Fuzzes import/in_live_trace.c. */
#define FUZZED imp_format_live_trace
#include "tests/lib/fuzz_input.h"
