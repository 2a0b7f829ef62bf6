#include "lives.h"

const char *conv_describe_exit(uint8_t status_type, int32_t status, char *text, size_t size_bytes)
{
	switch (status_type) {
	case TFMT_STATUS_EXITED:
		snprintf(text, size_bytes, "exit %d", (int)status);
		return text;
	case TFMT_STATUS_SIGNALED:
		snprintf(text, size_bytes, "killed by signal %d", (int)status);
		return text;
	case TFMT_STATUS_ALIVE:
		return "alive at the end";
	default:
		return "exit, status unknown";
	}
}

uint64_t conv_thread_end_ns(const struct tfmt_trace *trace, uint32_t thread)
{
	const struct tfmt_thread_info *info = tfmt_trace_thread(trace, thread);

	return info->end_ns ? info->end_ns : tfmt_trace_process(trace, info->process)->end_ns;
}

bool conv_clip(const struct conv_context *context, uint64_t *begin_ns, uint64_t *end_ns)
{
	if (*begin_ns < context->begin_ns)
		*begin_ns = context->begin_ns;
	if (!*end_ns || *end_ns > context->end_ns)
		*end_ns = context->end_ns;
	return *begin_ns <= *end_ns;
}
