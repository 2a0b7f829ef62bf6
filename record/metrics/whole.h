/* The metrics of the whole machine. */
#ifndef RECORD_METRICS_WHOLE_H
#define RECORD_METRICS_WHOLE_H

#include "metrics/series.h"
#include "msg.h"

#define REC_PRESSURE_COUNT 3

/* Descriptors are -1 where the machine does not have the file. */
struct rec_whole {
	struct rec_series_set set;
	int stat_fd, meminfo_fd;
	int pressure_fds[REC_PRESSURE_COUNT];
	uint64_t tick_ns;
};

void rec_whole_init(struct rec_whole *whole, const struct msg *msg);
void rec_whole_read(struct rec_whole *whole, struct rec_sink *sink, uint64_t time_ns);
void rec_whole_release(struct rec_whole *whole);

#endif
