#include "tracefmt/weight.h"

#include <stddef.h>

const char *tfmt_weight_name(enum tfmt_weight weight)
{
	static const char *const names[] = {
		[TFMT_WEIGHT_SAMPLES] = "samples",
		[TFMT_WEIGHT_CPU] = "cpu",
		[TFMT_WEIGHT_OFFCPU] = "offcpu",
		[TFMT_WEIGHT_WALL] = "wall",
	};

	return (unsigned int)weight < TFMT_WEIGHT_COUNT ? names[weight] : NULL;
}

const char *tfmt_weight_title(enum tfmt_weight weight)
{
	static const char *const titles[] = {
		[TFMT_WEIGHT_SAMPLES] = "samples on CPU",
		[TFMT_WEIGHT_CPU] = "CPU time",
		[TFMT_WEIGHT_OFFCPU] = "time off CPU",
		[TFMT_WEIGHT_WALL] = "wall time",
	};

	return (unsigned int)weight < TFMT_WEIGHT_COUNT ? titles[weight] : NULL;
}

uint64_t tfmt_weight_of(enum tfmt_weight weight, const struct tfmt_sample *sample)
{
	bool is_running = sample->state == TFMT_STATE_RUNNING;

	switch (weight) {
	case TFMT_WEIGHT_SAMPLES:
		return is_running && !(sample->flags & TFMT_SAMPLE_UNSAMPLED);
	case TFMT_WEIGHT_CPU:
		return is_running ? sample->weight_ns : 0;
	case TFMT_WEIGHT_OFFCPU:
		return is_running ? 0 : sample->weight_ns;
	case TFMT_WEIGHT_WALL:
	case TFMT_WEIGHT_COUNT:
		break;
	}
	return sample->weight_ns;
}

const char *tfmt_wait_name(const struct tfmt_sample *sample)
{
	static const char *const names[] = {
#define SYSCALL(number, name) [number] = "[waiting: " name "]",
#include "syscalls.def"
#undef SYSCALL
	};
	size_t number = (size_t)sample->syscall - 1;

	if (sample->state == TFMT_STATE_RUNNING)
		return NULL;
	if (sample->state == TFMT_STATE_PREEMPTED)
		return "[preempted]";
	if (sample->state == TFMT_STATE_GIL)
		return "[waiting: GIL]";
	if (sample->syscall == 0)
		return "[waiting]";
	if (sample->syscall == TFMT_SYSCALL_FAULT)
		return "[waiting: page fault]";
	if (number < sizeof(names) / sizeof(names[0]) && names[number])
		return names[number];
	return "[waiting: unknown system call]";
}
