/* Fuzzes import/in_chrome.c. */
#define FUZZED imp_format_chrome
#include "tests/lib/fuzz_input.h"
