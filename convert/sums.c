#include "sums.h"

#include <stdlib.h>

#include "process_name.h"
#include "tracefmt/error.h"

int conv_sums_init(struct conv_sums *sums)
{
	return conv_intern_init(&sums->keys, sizeof(struct conv_sum_key));
}

void conv_sums_release(struct conv_sums *sums)
{
	conv_intern_release(&sums->keys);
	free(sums->sums);
}

struct conv_sum_key conv_sum_key(const struct tfmt_trace *trace, const struct tfmt_sample *sample)
{
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, sample->thread);

	return (struct conv_sum_key){
		.stack = sample->stack,
		/* A lost thread has no process, and is called so. */
		.process_name = thread->process ? conv_process_name_at(
							  trace, thread->process, sample->time_ns)
						: thread->name,
		.syscall = sample->syscall,
		.state = sample->state,
	};
}

int conv_sums_add(
	struct conv_sums *sums, const struct conv_sum_key *key, const struct tfmt_sample *sample)
{
	uint32_t number, known = sums->keys.count;
	struct conv_sum *grown;
	int status, weight;

	status = conv_intern_key(&sums->keys, key, &number);
	if (status)
		return status;
	if (number > sums->capacity) {
		grown = reallocarray(sums->sums, sums->keys.capacity, sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		sums->sums = grown;
		sums->capacity = sums->keys.capacity;
	}
	if (number > known)
		sums->sums[number - 1] = (struct conv_sum){0};
	sums->sums[number - 1].count++;
	for (weight = 0; weight < TFMT_WEIGHT_COUNT; weight++) {
		uint64_t added = tfmt_weight_of(weight, sample);

		sums->sums[number - 1].weights[weight] += added;
		sums->total.weights[weight] += added;
	}
	return 0;
}

const char *conv_sum_wait_name(const struct conv_sum_key *key)
{
	const struct tfmt_sample sample = {.syscall = key->syscall, .state = (uint8_t)key->state};

	return tfmt_wait_name(&sample);
}
