/* What the user asked of trec. Filled in main.c, read-only afterwards. */
#ifndef RECORD_OPTIONS_H
#define RECORD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct rec_options {
	const char *output;   /* -o; NULL: not given */
	uint64_t rate_hz;     /* samples per second of CPU time */
	uint64_t interval_ns; /* between readings of the metrics */
	uint64_t stack_bytes; /* of the user stack copied with a sample, multiple of 8 */
	uint64_t duration_ns; /* of the recording; 0: until the end */
	bool without_native;
	bool waits_for_all;
	bool is_quiet;
	int verbosity;
	char **command; /* argv of the program, NULL-terminated */
	int command_count;
};

#endif
