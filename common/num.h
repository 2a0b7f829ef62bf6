/*
 * Numbers for people: one look in every text and picture. All return `text`; 32 bytes are enough.
 */
#ifndef COMMON_NUM_H
#define COMMON_NUM_H

#include <stddef.h>
#include <stdint.h>

#define NUM_TEXT_BYTES 32

/* "0", "512 B", "1.5 KiB", "694 MiB": powers of two, three digits. */
char *num_bytes(char *text, uint64_t bytes);
/* "0", "850 ns", "1.25 ms", "12.4 s", "2 min 5 s", "3 h 12 min". */
char *num_duration(char *text, uint64_t ns);
/* "21 874": groups of three with a thin space (U+2009). */
char *num_count(char *text, uint64_t count);
/* "33.4 %", "0.4 %", "100 %": one decimal below 100; "0 %" when whole is 0. */
char *num_percent(char *text, double part, double whole);

/* "1.5s", "250ms", "10us", "2m", "1h", "3" (seconds). Returns 0, or -1 when it is no duration. */
int num_parse_duration(const char *text, uint64_t *ret_ns);
/* "64K", "1MiB", "2g", "4096". Returns 0, or -1. */
int num_parse_size(const char *text, uint64_t *ret_bytes);

#endif
