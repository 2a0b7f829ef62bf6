/* Fuzzes import/in_cpuprofile.c. */
#define FUZZED imp_format_cpuprofile
#include "tests/lib/fuzz_input.h"
