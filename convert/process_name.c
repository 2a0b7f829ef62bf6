#include "process_name.h"

uint32_t conv_process_name_at(const struct tfmt_trace *trace, uint32_t process, uint64_t time_ns)
{
	const struct tfmt_process_info *info = tfmt_trace_process(trace, process);
	size_t i;

	for (;;) {
		for (i = info->image_count; i; i--)
			if (info->images[i - 1].time_ns <= time_ns)
				return info->images[i - 1].name;
		/* Parents have smaller ids, but a damaged trace may say otherwise. */
		if (!info->parent || info->parent >= process)
			return info->image_count ? info->images[0].name : info->name;
		if (time_ns > info->start_ns)
			time_ns = info->start_ns;
		process = info->parent;
		info = tfmt_trace_process(trace, process);
	}
}
