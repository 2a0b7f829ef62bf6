/* Fuzzes import/in_speedscope.c. */
#define FUZZED imp_format_speedscope
#include "tests/lib/fuzz_input.h"
