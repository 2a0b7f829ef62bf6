/* How long a thread stands still for one record of perf, measured here and now. */
#ifndef RECORD_PERF_CALIBRATE_H
#define RECORD_PERF_CALIBRATE_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

/* Of the undisturbed ones; 0 where it could not be measured. */
struct rec_calibration {
	uint64_t sample_ns; /* a sample: from the timer's interrupt to its return */
	uint64_t switch_ns; /* what a switch away from a thread and back to one takes longer */
};

/*
 * With events as of `attr`, on threads of our own, in about 5 ms; with `is_machine_wide` switches
 * are those that an event of the CPU sees.
 */
void rec_calibrate(const struct perf_event_attr *attr, bool is_machine_wide,
	struct rec_calibration *ret_calibration);

#endif
