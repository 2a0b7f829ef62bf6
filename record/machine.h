/* The facts of the machine and of the recording that a trace begins with. */
#ifndef RECORD_MACHINE_H
#define RECORD_MACHINE_H

#include "options.h"
#include "tracefmt/header.h"

/* Texts that a header borrows. */
struct rec_machine {
	char host[65];
	char boot_id[40];
	char os[160];
	char machine[65];
	char cwd[4096];
};

/* Fill both; `ret_header` borrows from `ret_machine` and `options`. Unknown facts stay empty. */
void rec_machine_describe(const struct rec_options *options, struct rec_machine *ret_machine,
	struct tfmt_header *ret_header);

/* CLOCK_MONOTONIC, CLOCK_REALTIME and CLOCK_BOOTTIME read together. */
struct tfmt_clock rec_machine_clocks(void);

#endif
