#include "select.h"

#include <errno.h>
#include <stdlib.h>

/* Append the numbers of "12,34". Returns 0, EXIT_USAGE, EXIT_FAILED. */
static int add_pids(struct conv_select *select, const char *text, const struct msg *msg)
{
	const char *at = text;
	unsigned long long pid;
	uint32_t *grown;
	char *end;

	for (;;) {
		errno = 0;
		pid = strtoull(at, &end, 10);
		if (*at < '0' || *at > '9' || errno || pid > UINT32_MAX || (*end && *end != ',')) {
			msg_error(
				msg, "--pid %s: not a list of process numbers such as 12,34", text);
			return EXIT_USAGE;
		}
		grown = realloc(select->pids, (select->pid_count + 1) * sizeof(*grown));
		if (!grown) {
			msg_error(msg, "no memory");
			return EXIT_FAILED;
		}
		select->pids = grown;
		select->pids[select->pid_count++] = (uint32_t)pid;
		if (!*end)
			return 0;
		at = end + 1;
	}
}

int conv_select_init(struct conv_select *select, const struct conv_select_options *options,
	const struct msg *msg)
{
	size_t i;
	int status;

	*select = (struct conv_select){.options = options, .to_ns = UINT64_MAX};
	if (options->from_ns >= options->to_ns) {
		msg_error(msg, "--from must be before --to");
		return EXIT_USAGE;
	}
	for (i = 0; i < options->pids.count; i++) {
		status = add_pids(select, options->pids.items[i], msg);
		if (status)
			return status;
	}
	return filter_parse(options->filter, msg, &select->filter);
}

void conv_select_release(struct conv_select *select)
{
	free(select->pids);
	free(select->takes_process);
	free(select->takes_thread);
	free(select->spans);
	tfmt_filter_free(select->filter);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool is_asked_pid(const struct conv_select *select, uint32_t pid)
{
	size_t i;

	for (i = 0; i < select->pid_count; i++)
		if (select->pids[i] == pid)
			return true;
	return !select->pid_count;
}

static bool is_named(
	const char *asked, const struct tfmt_trace *trace, const struct tfmt_thread_info *thread)
{
	char *end;
	unsigned long tid = strtoul(asked, &end, 10);

	if (*asked >= '0' && *asked <= '9' && !*end && tid == thread->tid)
		return true;
	return !strcmp(asked, tfmt_trace_text(trace, thread->name));
}

static bool is_asked_thread(const struct conv_select *select, const struct tfmt_thread_info *thread)
{
	const struct opt_list *asked = &select->options->threads;
	size_t i;

	for (i = 0; i < asked->count; i++)
		if (is_named(asked->items[i], select->trace, thread))
			return true;
	return !asked->count;
}

/* Say which of the numbers and names match nothing. */
static void warn_of_absent(const struct conv_select *select, const struct msg *msg)
{
	const struct tfmt_trace *trace = select->trace;
	uint32_t processes = tfmt_trace_count(trace, TFMT_PROCESS);
	uint32_t threads = tfmt_trace_count(trace, TFMT_THREAD);
	const struct opt_list *names = &select->options->threads;
	uint32_t id;
	size_t i;

	for (i = 0; i < select->pid_count; i++) {
		for (id = 1; id <= processes; id++)
			if (tfmt_trace_process(trace, id)->pid == select->pids[i])
				break;
		if (id > processes)
			msg_warn(msg, "no process %u in the trace", select->pids[i]);
	}
	for (i = 0; i < names->count; i++) {
		for (id = 1; id <= threads; id++)
			if (is_named(names->items[i], trace, tfmt_trace_thread(trace, id)))
				break;
		if (id > threads)
			msg_warn(msg, "no thread '%s' in the trace", names->items[i]);
	}
}

int conv_select_resolve(struct conv_select *select, const struct tfmt_header *header,
	const struct tfmt_trace *trace, const struct msg *msg)
{
	uint32_t processes = tfmt_trace_count(trace, TFMT_PROCESS);
	uint32_t threads = tfmt_trace_count(trace, TFMT_THREAD);
	const struct tfmt_thread_info *thread;
	bool by_thread = select->options->threads.count > 0;
	uint32_t id;

	select->trace = trace;
	select->from_ns = select->options->from_ns
				  ? add_saturated(header->time_ns, select->options->from_ns)
				  : 0;
	select->to_ns = add_saturated(header->time_ns, select->options->to_ns);
	if (!select->pid_count && !by_thread)
		return 0;
	select->takes_process = calloc((size_t)processes + 1, sizeof(bool));
	select->takes_thread = calloc((size_t)threads + 1, sizeof(bool));
	if (!select->takes_process || !select->takes_thread)
		return TFMT_E_NOMEM;
	for (id = 1; id <= processes && !by_thread; id++)
		select->takes_process[id] =
			is_asked_pid(select, tfmt_trace_process(trace, id)->pid);
	for (id = 1; id <= threads; id++) {
		thread = tfmt_trace_thread(trace, id);
		select->takes_thread[id] =
			is_asked_pid(select, tfmt_trace_process(trace, thread->process)->pid) &&
			is_asked_thread(select, thread);
		/* With --thread, a process is in when one of its threads is. */
		if (select->takes_thread[id] && thread->process <= processes)
			select->takes_process[thread->process] = true;
	}
	warn_of_absent(select, msg);
	return 0;
}

int conv_select_bind(struct conv_select *select, const struct input *input, bool hides_interpreter,
	const struct msg *msg)
{
	int code = hides_interpreter ? tfmt_reader_hide_interpreter(input->reader) : 0;

	if (!code)
		code = conv_select_resolve(select, tfmt_reader_header(input->reader),
			tfmt_reader_trace(input->reader), msg);
	if (!code)
		return filter_bind(select->filter, input->reader, false, msg);
	msg_error(msg, "%s: %s", input->name, tfmt_strerror(code));
	return EXIT_FAILED;
}

bool conv_select_is_all(const struct conv_select *select)
{
	return !select->takes_process && !select->from_ns && select->to_ns == UINT64_MAX &&
	       !select->filter;
}

bool conv_select_process(const struct conv_select *select, uint32_t process)
{
	if (select->filter && !tfmt_filter_takes_process(select->filter, process))
		return false;
	if (!select->takes_process)
		return true;
	return process <= tfmt_trace_count(select->trace, TFMT_PROCESS) &&
	       select->takes_process[process];
}

bool conv_select_thread(const struct conv_select *select, uint32_t thread)
{
	if (select->filter && !tfmt_filter_takes_thread(select->filter, thread))
		return false;
	if (!select->takes_thread)
		return true;
	return thread <= tfmt_trace_count(select->trace, TFMT_THREAD) &&
	       select->takes_thread[thread];
}

int conv_select_add_span(struct conv_select *select, uint64_t number)
{
	struct conv_span_range *grown;
	size_t capacity;

	if (select->span_count && select->spans[select->span_count - 1].last + 1 == number) {
		select->spans[select->span_count - 1].last = number;
		return 0;
	}
	if (select->span_count == select->span_capacity) {
		capacity = select->span_capacity ? 2 * select->span_capacity : 64;
		grown = realloc(select->spans, capacity * sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		select->spans = grown;
		select->span_capacity = capacity;
	}
	select->spans[select->span_count++] = (struct conv_span_range){number, number};
	return 0;
}

static bool has_span(const struct conv_select *select, uint64_t number)
{
	size_t low = 0, high = select->span_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (select->spans[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < select->span_count && select->spans[low].first <= number;
}

static bool takes_metric(const struct conv_select *select, uint32_t id)
{
	const struct tfmt_metric *metric = tfmt_trace_metric(select->trace, id);

	if (metric->thread)
		return conv_select_thread(select, metric->thread);
	return conv_select_process(select, metric->process);
}

static bool takes_time(const struct conv_select *select, uint64_t time_ns)
{
	return time_ns >= select->from_ns && time_ns <= select->to_ns;
}

/* By time, process and thread. */
static bool takes_place(const struct conv_select *select, const struct conv_record *record)
{
	switch (record->kind) {
	case TFMT_LIFE:
		return record->life->thread ? conv_select_thread(select, record->life->thread)
					    : conv_select_process(select, record->life->process);
	case TFMT_SAMPLE:
		return record->sample->time_ns <= select->to_ns &&
		       (!select->from_ns || record->sample->time_ns > select->from_ns) &&
		       conv_select_thread(select, record->sample->thread);
	case TFMT_COUNTER:
		return takes_time(select, record->counter->time_ns) &&
		       takes_metric(select, record->counter->metric);
	case TFMT_SPAN:
		return takes_time(select, record->span->time_ns) &&
		       conv_select_thread(select, record->span->thread);
	case TFMT_ARG:
		return conv_select_is_all(select) || has_span(select, record->arg->span);
	case TFMT_ALLOC:
		return takes_time(select, record->alloc->time_ns) &&
		       conv_select_thread(select, record->alloc->thread);
	case TFMT_FREE:
		return takes_time(select, record->free->time_ns) &&
		       conv_select_thread(select, record->free->thread);
	case TFMT_INSTANT:
		return takes_time(select, record->instant->time_ns) &&
		       (!record->instant->thread ||
			       conv_select_thread(select, record->instant->thread));
	case TFMT_CLOCK:
		return takes_time(select, record->clock->time_ns);
	case TFMT_LOST:
		return takes_time(select, record->lost->time_ns) &&
		       (!record->lost->process ||
			       conv_select_process(select, record->lost->process));
	case TFMT_COST:
		return takes_time(select, record->cost->time_ns);
	default:
		return true; /* tables */
	}
}

bool conv_select_takes(const struct conv_select *select, const struct conv_record *record)
{
	return takes_place(select, record) &&
	       (!select->filter ||
		       tfmt_filter_takes(select->filter, record->kind, record->row, record->id));
}
