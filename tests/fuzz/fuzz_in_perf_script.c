/* Fuzzes import/in_perf_script.c. */
#define FUZZED imp_format_perf_script
#include "tests/lib/fuzz_input.h"
