/* The facts a trace begins with. All strings are UTF-8 or bytes, NUL-terminated, never NULL. */
#ifndef TRACEFMT_HEADER_H
#define TRACEFMT_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define TFMT_FORMAT_VERSION 1

/* A remark of the recorder about the recording: which sampler ran, what was refused and why. */
struct tfmt_note {
	const char *name; /* such as "sampler" */
	const char *text;
};

struct tfmt_header {
	uint64_t time_ns; /* CLOCK_MONOTONIC when the recording began: second 0 of the trace */
	int64_t utc_ns;	  /* CLOCK_REALTIME at the same instant */
	uint8_t trace_id[16];
	const char *recorder; /* "trec 0.1.0" */
	const char *host;
	const char *boot_id; /* of the kernel that ran; clocks of two boots cannot be compared */
	const char *os;	     /* "Linux 6.1.0" */
	const char *machine; /* "x86_64" */
	const char *cwd;     /* where the command was started */
	const char *const *argv; /* the command, argc strings */
	size_t argc;
	uint32_t cpu_count;    /* online CPUs */
	uint64_t memory_bytes; /* of the machine */
	uint32_t rate_hz;      /* samples a second of CPU time; 0: no stacks */
	uint64_t interval_ns;  /* between readings of the metrics; 0: none */
	const struct tfmt_note *notes;
	size_t note_count;
};

#endif
