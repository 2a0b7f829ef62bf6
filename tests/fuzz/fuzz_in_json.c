/* Fuzzes import/in_json.c. */
#define FUZZED imp_format_json
#include "tests/lib/fuzz_input.h"
