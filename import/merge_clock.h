/*
 * One clock for several traces. CLOCK_MONOTONIC of one boot is common; traces of different boots
 * meet in UTC, by what their clocks showed at the same instants.
 */
#ifndef IMPORT_MERGE_CLOCK_H
#define IMPORT_MERGE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two clocks at one instant. */
struct imp_instant {
	int64_t time_ns; /* CLOCK_MONOTONIC; later than INT64_MAX is nothing that a clock shows */
	int64_t utc_ns;
};

/* What the clocks of one boot showed. */
struct imp_clock {
	struct imp_instant *instants;
	size_t count, capacity;
};

/* Returns: 0; TFMT_E_NOMEM. */
int imp_clock_add(struct imp_clock *clock, uint64_t time_ns, int64_t utc_ns);
/* Call after the last imp_clock_add(): sorts, and leaves out what runs backwards. */
void imp_clock_finish(struct imp_clock *clock);
void imp_clock_release(struct imp_clock *clock);

/*
 * Between two instants both clocks run evenly, outside at the same rate. A clock needs one
 * instant at least. Values beyond 64 bits stay at the most.
 */
int64_t imp_clock_utc(const struct imp_clock *clock, int64_t time_ns);
int64_t imp_clock_time(const struct imp_clock *clock, int64_t utc_ns);

#endif
