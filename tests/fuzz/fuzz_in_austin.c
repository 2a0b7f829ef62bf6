/* Fuzzes import/in_austin.c. */
#define FUZZED imp_format_austin
#include "tests/lib/fuzz_input.h"
