/* Sentences about a recording: the lines at the head and foot of pictures and texts. */
#ifndef REND_FACTS_H
#define REND_FACTS_H

#include "model.h"

#define REND_FACTS_BYTES 512
/* Between facts: where a line may be broken. */
#define REND_FACTS_GAP " \u00b7 "

/* "12.4 s wall · 21.9 s CPU (1.77 cores) · peak 694 MiB at 9.1 s · 1 process, 3 threads · ..." */
void rend_facts_line(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "3 s to 3.6 s of 30 s"; "" when all of the recording is shown. */
void rend_facts_range(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "filter: func == 'fib'", cut; "" without a filter. So that nobody takes a part for the whole. */
void rend_facts_filter(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "exit status 3", "ended by signal 11 (Segmentation fault)"; "" for success or unknown. */
void rend_facts_failure(const struct tfmt_process_info *info, char text[REND_FACTS_BYTES]);

/* "21 874 samples at 999 Hz, 100 % whole, 0 lost"; "" when nothing was sampled. */
void rend_facts_samples(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "all threads: 12.3 s on CPU, 0.4 s preempted, 34 s waiting"; "" when no wait was recorded. */
void rend_facts_states(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "12 % at assumed places, 3 % at unknown places": of the waiting; "" when all are known. */
void rend_facts_wait_places(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "160 times, 4 threads, longest 20.1 ms": what may be cut comes last. */
void rend_facts_wait_counts(const struct rend_wait_place *place, char text[REND_FACTS_BYTES]);

/* "tracefmt 0.1.0 · Linux 6.18 x86_64, 2 cores · recorded 2026-11-21 11:52:07 UTC · ..." */
void rend_facts_origin(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* What is not in the recording and why, of losses and damage; "" when nothing is missing. */
void rend_facts_losses(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "1 process", "3 threads": a count and its noun. */
void rend_facts_plural(
	char text[REND_FACTS_BYTES], uint64_t count, const char *one, const char *many);

/*
 * "recording cost: 0.8 % of a CPU, target about 0.3 %, 12 KiB/s, nothing lost": what is
 * known of it; empty when nothing is.
 */
void rend_facts_costs(const struct rend_model *model, char text[REND_FACTS_BYTES]);

/* "PSS 88 MiB · read 5 MiB · 43 000 faults": peaks and totals of all, as many as fit in a line. */
void rend_facts_metrics(const struct rend_model *model, int columns, char text[REND_FACTS_BYTES]);

/*
 * What could not be read of how many processes, and why; that metrics were read less often than
 * asked. Empty when all was read in time.
 */
void rend_facts_missing(const struct rend_model *model, char text[REND_FACTS_BYTES]);

#endif
