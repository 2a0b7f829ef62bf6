/* Numbers, durations and dates of filter expressions. */
#ifndef TFMT_FILTER_NUMBERS_H
#define TFMT_FILTER_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tfmt_filter_number {
	size_t length;	   /* of its text, unit included */
	double decimal;	   /* as it is */
	int64_t whole;	   /* cut at the point */
	int64_t ns;	   /* as a duration; a bare number is seconds */
	bool has_unit;	   /* 5ms */
	bool has_fraction; /* 1.5 */
};

/* "12", "-3", "1.5", "5ms", "2us". Returns 0; -1 for an unknown unit, -2 when it is too large. */
int tfmt_filter__read_number(const char *text, struct tfmt_filter_number *ret_number);

/*
 * "2026/11/21 18:30:05.25", with "/" or "-", a blank or "T"; seconds, time of day can be left out;
 * local time, or UTC with "Z" behind it, or "+01:00". Since 1970-01-01 UTC. Returns 0, or -1.
 */
int tfmt_filter__read_date(const char *text, size_t length, int64_t *ret_utc_ns);

#endif
