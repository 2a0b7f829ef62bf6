/* Fuzzes import/in_py_spy.c. */
#define FUZZED imp_format_py_spy
#include "tests/lib/fuzz_input.h"
