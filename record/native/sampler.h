/* What every way of looking at running threads gives: perf's rings, or stopping them briefly. */
#ifndef RECORD_NATIVE_SAMPLER_H
#define RECORD_NATIVE_SAMPLER_H

#include <stddef.h>
#include <stdint.h>

#include "tree/tree.h"
#include "unwind/unwind.h"

struct rec_running_sample {
	struct rec_thread *thread;
	uint64_t time_ns;
	uint64_t weight_ns;	    /* the CPU time that it stands for */
	struct rec_user_state user; /* regs NULL: no user context */
	bool is_stopped;	    /* it stood still, also for what follows */
	const void *more;	    /* as of rec_python_take_stopped() */
	size_t more_bytes;
	const uint64_t *kernel_frames; /* leaf first, return addresses; NULL: none */
	size_t kernel_frame_count;
};

/* Takes one; what it points to is not needed afterwards. */
typedef void rec_take_running(void *context, const struct rec_running_sample *sample);

#endif
