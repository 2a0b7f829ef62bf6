/* Fuzzes import/in_folded.c. */
#define FUZZED imp_format_folded
#include "tests/lib/fuzz_input.h"
