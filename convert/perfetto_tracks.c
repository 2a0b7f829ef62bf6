#include "perfetto_tracks.h"

#include <stdio.h>

#include "select.h"
#include "tracefmt/error.h"

/* Field numbers, and values of enums, of the messages that are written here only. */
enum defaults_field { DEFAULTS_PERF_SAMPLE = 12, DEFAULTS_CLOCK_ID = 58 };
enum perf_sample_defaults_field { PERF_DEFAULTS_TIMEBASE = 1 };
enum timebase_field { TIMEBASE_FREQUENCY = 2, TIMEBASE_COUNTER = 4, TIMEBASE_NAME = 10 };
enum clock_snapshot_field { SNAPSHOT_CLOCKS = 1, SNAPSHOT_PRIMARY };
enum clock_field { CLOCK_ID = 1, CLOCK_TIMESTAMP };
enum system_info_field { SYSTEM_UTSNAME = 1, SYSTEM_NUM_CPUS = 8, SYSTEM_RAM_BYTES = 16 };
enum utsname_field { UTSNAME_SYSNAME = 1, UTSNAME_RELEASE = 3, UTSNAME_MACHINE };
enum uuid_field { UUID_MSB = 1, UUID_LSB };
enum track_field {
	TRACK_UUID = 1,
	TRACK_NAME,
	TRACK_PROCESS,
	TRACK_THREAD,
	TRACK_PARENT_UUID,
	TRACK_COUNTER = 8,
	TRACK_DESCRIPTION = 14,
};
enum process_field { PROCESS_PID = 1, PROCESS_CMDLINE, PROCESS_NAME = 6 };
enum thread_field { THREAD_PID = 1, THREAD_TID, THREAD_NAME = 5 };
enum counter_field { COUNTER_UNIT = 3, COUNTER_UNIT_NAME = 6 };
enum clock_id { CLOCK_UTC = 1, CLOCK_MONO = 3, CLOCK_BOOT = 6 };
enum counter_unit { UNIT_NONE, UNIT_NS, UNIT_COUNT, UNIT_BYTES };
#define SW_CPU_CLOCK 1

/* --- the trace as a whole --- */

static void put_defaults(struct perfetto_stream *stream, const struct conv_context *context)
{
	struct protobuf *pb = &stream->pb;
	size_t defaults = protobuf_begin(pb, PACKET_DEFAULTS), sample, timebase;

	protobuf_u64(pb, DEFAULTS_CLOCK_ID, CLOCK_MONO);
	sample = protobuf_begin(pb, DEFAULTS_PERF_SAMPLE);
	timebase = protobuf_begin(pb, PERF_DEFAULTS_TIMEBASE);
	if (context->header->rate_hz)
		protobuf_u64(pb, TIMEBASE_FREQUENCY, context->header->rate_hz);
	protobuf_u64(pb, TIMEBASE_COUNTER, SW_CPU_CLOCK);
	protobuf_text(pb, TIMEBASE_NAME,
		tfmt_weight_title(context->weight == TFMT_WEIGHT_SAMPLES ? TFMT_WEIGHT_CPU
									 : context->weight));
	protobuf_end(pb, timebase);
	protobuf_end(pb, sample);
	protobuf_end(pb, defaults);
}

static void put_system(struct perfetto_stream *stream, const struct conv_context *context)
{
	const struct tfmt_header *header = context->header;
	struct protobuf *pb = &stream->pb;
	size_t info = protobuf_begin(pb, PACKET_SYSTEM_INFO);
	size_t utsname = protobuf_begin(pb, SYSTEM_UTSNAME);
	size_t name_length = strcspn(header->os, " ");
	char name[64];

	snprintf(
		name, sizeof(name), "%.*s", (int)(name_length < 63 ? name_length : 63), header->os);
	protobuf_text(pb, UTSNAME_SYSNAME, name);
	protobuf_text(
		pb, UTSNAME_RELEASE, header->os + name_length + (header->os[name_length] != 0));
	protobuf_text(pb, UTSNAME_MACHINE, header->machine);
	protobuf_end(pb, utsname);
	protobuf_u64(pb, SYSTEM_NUM_CPUS, header->cpu_count);
	protobuf_u64(pb, SYSTEM_RAM_BYTES, header->memory_bytes);
	protobuf_end(pb, info);
}

static void put_trace_uuid(struct perfetto_stream *stream, const struct conv_context *context)
{
	const uint8_t *id = context->header->trace_id;
	size_t mark = protobuf_begin(&stream->pb, PACKET_TRACE_UUID);
	uint64_t halves[2] = {0};
	size_t i;

	for (i = 0; i < sizeof(context->header->trace_id); i++)
		halves[i / 8] = halves[i / 8] << 8 | id[i];
	protobuf_u64(&stream->pb, UUID_MSB, halves[0]);
	protobuf_u64(&stream->pb, UUID_LSB, halves[1]);
	protobuf_end(&stream->pb, mark);
}

static void put_clock(struct perfetto_stream *stream, enum clock_id id, uint64_t value)
{
	size_t mark = protobuf_begin(&stream->pb, SNAPSHOT_CLOCKS);

	protobuf_u64(&stream->pb, CLOCK_ID, id);
	protobuf_u64(&stream->pb, CLOCK_TIMESTAMP, value);
	protobuf_end(&stream->pb, mark);
}

/* A clock that cannot be (before 1970, or 0) is left out. */
static void put_clocks(struct perfetto_stream *stream, const struct tfmt_clock *clock)
{
	size_t mark = protobuf_begin(&stream->pb, PACKET_CLOCK_SNAPSHOT);

	put_clock(stream, CLOCK_MONO, clock->time_ns);
	if (clock->utc_ns > 0)
		put_clock(stream, CLOCK_UTC, (uint64_t)clock->utc_ns);
	if (clock->boottime_ns)
		put_clock(stream, CLOCK_BOOT, clock->boottime_ns);
	protobuf_u64(&stream->pb, SNAPSHOT_PRIMARY, CLOCK_MONO);
	protobuf_end(&stream->pb, mark);
}

int perfetto_put_snapshot(struct perfetto_stream *stream, const struct tfmt_clock *clock)
{
	perfetto_begin_packet(stream);
	put_clocks(stream, clock);
	return perfetto_end_packet(stream);
}

int perfetto_put_header(struct perfetto_stream *stream, const struct conv_context *context)
{
	const struct tfmt_header *header = context->header;
	const struct tfmt_clock clock = {.time_ns = header->time_ns, .utc_ns = header->utc_ns};
	int status;

	perfetto_begin_packet(stream);
	put_defaults(stream, context);
	put_clocks(stream, &clock);
	status = perfetto_end_packet(stream);
	if (status)
		return status;
	perfetto_begin_packet(stream);
	put_trace_uuid(stream, context);
	status = perfetto_end_packet(stream);
	if (status)
		return status;
	perfetto_begin_packet(stream);
	put_system(stream, context);
	return perfetto_end_packet(stream);
}

/* --- tracks --- */

static size_t begin_track(struct perfetto_stream *stream, uint64_t uuid, uint64_t parent)
{
	size_t mark;

	perfetto_begin_packet(stream);
	mark = protobuf_begin(&stream->pb, PACKET_TRACK_DESCRIPTOR);
	protobuf_u64(&stream->pb, TRACK_UUID, uuid);
	if (parent)
		protobuf_u64(&stream->pb, TRACK_PARENT_UUID, parent);
	return mark;
}

static int end_track(struct perfetto_stream *stream, size_t track)
{
	protobuf_end(&stream->pb, track);
	return perfetto_end_packet(stream);
}

static int put_named_track(
	struct perfetto_stream *stream, uint64_t uuid, uint64_t parent, const char *name)
{
	size_t track = begin_track(stream, uuid, parent);

	protobuf_text(&stream->pb, TRACK_NAME, name);
	return end_track(stream, track);
}

static int put_process(
	struct perfetto_stream *stream, const struct conv_context *context, uint32_t id)
{
	const struct tfmt_trace *trace = context->trace;
	const struct tfmt_process_info *process = tfmt_trace_process(trace, id);
	uint64_t uuid = perfetto_uuid(TRACK_OF_PROCESS, id);
	size_t track = begin_track(stream, uuid, 0), mark;
	char command[1024];
	int status;

	tfmt_trace_command(trace, id, command, sizeof(command));
	mark = protobuf_begin(&stream->pb, TRACK_PROCESS);
	protobuf_u64(&stream->pb, PROCESS_PID, process->pid);
	protobuf_text(&stream->pb, PROCESS_CMDLINE, command);
	protobuf_text(&stream->pb, PROCESS_NAME, tfmt_trace_text(trace, process->name));
	protobuf_end(&stream->pb, mark);
	status = end_track(stream, track);
	if (status)
		return status;
	return put_named_track(stream, perfetto_uuid(TRACK_OF_LIFE, id), uuid, "life");
}

static int put_thread(
	struct perfetto_stream *stream, const struct conv_context *context, uint32_t id)
{
	const struct tfmt_trace *trace = context->trace;
	const struct tfmt_thread_info *thread = tfmt_trace_thread(trace, id);
	uint64_t uuid = perfetto_uuid(TRACK_OF_THREAD, id);
	size_t track = begin_track(stream, uuid, perfetto_uuid(TRACK_OF_PROCESS, thread->process)),
	       mark;
	int status;

	mark = protobuf_begin(&stream->pb, TRACK_THREAD);
	protobuf_u64(&stream->pb, THREAD_PID, tfmt_trace_process(trace, thread->process)->pid);
	protobuf_u64(&stream->pb, THREAD_TID, thread->tid);
	protobuf_text(&stream->pb, THREAD_NAME, tfmt_trace_text(trace, thread->name));
	protobuf_end(&stream->pb, mark);
	status = end_track(stream, track);
	if (status)
		return status;
	return put_named_track(stream, perfetto_uuid(TRACK_OF_STATE, id), uuid, "state");
}

static enum counter_unit unit_of(const char *unit)
{
	if (!strcmp(unit, "ns"))
		return UNIT_NS;
	if (!strcmp(unit, "bytes"))
		return UNIT_BYTES;
	return strcmp(unit, "count") ? UNIT_NONE : UNIT_COUNT;
}

static int put_metric(
	struct perfetto_stream *stream, const struct conv_context *context, uint32_t id)
{
	const struct tfmt_trace *trace = context->trace;
	const struct tfmt_metric *metric = tfmt_trace_metric(trace, id);
	const char *unit = tfmt_trace_text(trace, metric->unit);
	uint64_t parent = 0;
	size_t track, mark;

	if (metric->thread)
		parent = perfetto_uuid(TRACK_OF_THREAD, metric->thread);
	else if (metric->process)
		parent = perfetto_uuid(TRACK_OF_PROCESS, metric->process);
	track = begin_track(stream, perfetto_uuid(TRACK_OF_METRIC, id), parent);
	protobuf_text(&stream->pb, TRACK_NAME, tfmt_trace_text(trace, metric->name));
	if (metric->help)
		protobuf_text(&stream->pb, TRACK_DESCRIPTION, tfmt_trace_text(trace, metric->help));
	mark = protobuf_begin(&stream->pb, TRACK_COUNTER);
	if (unit_of(unit))
		protobuf_u64(&stream->pb, COUNTER_UNIT, unit_of(unit));
	else
		protobuf_text(&stream->pb, COUNTER_UNIT_NAME, unit);
	protobuf_end(&stream->pb, mark);
	return end_track(stream, track);
}

static bool takes_metric(const struct conv_context *context, uint32_t id)
{
	const struct tfmt_metric *metric = tfmt_trace_metric(context->trace, id);

	return metric->thread ? conv_select_thread(context->select, metric->thread)
			      : conv_select_process(context->select, metric->process);
}

/* Is `id` the first process of its PID? Returns: 1 yes; 0 no; TFMT_E_NOMEM. */
static int note_pid(struct conv_intern *pids, const struct conv_context *context, uint32_t id)
{
	uint32_t pid = tfmt_trace_process(context->trace, id)->pid, known = pids->count, number;
	int status = conv_intern_key(pids, &pid, &number);

	return status ? status : number > known;
}

static int put_processes(struct perfetto_stream *stream, const struct conv_context *context,
	struct conv_intern *pids, uint64_t *ret_shared)
{
	uint32_t id;
	int status = 0;

	for (id = 1; status >= 0 && id <= tfmt_trace_count(context->trace, TFMT_PROCESS); id++) {
		if (!conv_select_process(context->select, id))
			continue;
		status = note_pid(pids, context, id);
		*ret_shared += status == 0;
		if (status >= 0)
			status = put_process(stream, context, id);
	}
	return status;
}

int perfetto_put_tracks(
	struct perfetto_stream *stream, const struct conv_context *context, uint64_t *ret_shared)
{
	struct conv_intern pids;
	uint32_t id;
	int status = conv_intern_init(&pids, sizeof(uint32_t));

	if (status)
		return status;
	status = put_processes(stream, context, &pids, ret_shared);
	conv_intern_release(&pids);
	for (id = 1; !status && id <= tfmt_trace_count(context->trace, TFMT_THREAD); id++)
		if (conv_select_thread(context->select, id))
			status = put_thread(stream, context, id);
	for (id = 1; !status && id <= tfmt_trace_count(context->trace, TFMT_METRIC); id++)
		if (takes_metric(context, id))
			status = put_metric(stream, context, id);
	return status;
}
