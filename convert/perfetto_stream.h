/*
 * The packets of a Perfetto trace (protos/perfetto/trace/trace_packet.proto): what is the same in
 * all of them, and events on tracks.
 */
#ifndef CONV_PERFETTO_STREAM_H
#define CONV_PERFETTO_STREAM_H

#include "perfetto_code.h"

/* Field numbers of TracePacket and TrackEvent. */
enum packet_field {
	PACKET_CLOCK_SNAPSHOT = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT,
	PACKET_INTERNED_DATA,
	PACKET_SEQUENCE_FLAGS,
	PACKET_SYSTEM_INFO = 45,
	PACKET_DEFAULTS = 59,
	PACKET_TRACK_DESCRIPTOR,
	PACKET_PERF_SAMPLE = 66,
	PACKET_TRACE_UUID = 89,
};
enum event_field {
	EVENT_DEBUG_ANNOTATIONS = 4,
	EVENT_TYPE = 9,
	EVENT_TRACK_UUID = 11,
	EVENT_CATEGORIES = 22,
	EVENT_NAME,
	EVENT_COUNTER_VALUE = 30,
	EVENT_CALLSTACK_IID = 56,
};
enum event_type { SLICE_BEGIN = 1, SLICE_END, INSTANT, COUNTER };

/* What a track is of: the high half of its uuid; the low one is the id of the row. 0: the trace. */
enum track_of {
	TRACK_OF_PROCESS = 1,
	TRACK_OF_THREAD,
	TRACK_OF_METRIC,
	TRACK_OF_STATE,
	TRACK_OF_LIFE,
};

struct perfetto_stream {
	struct conv_sink *out;
	struct protobuf pb; /* of the open packet: fields are put here */
	struct perfetto_code code;
	size_t packet;
	bool has_begun;
};

/* Starts zeroed. Returns: 0; TFMT_E_NOMEM. */
int perfetto_stream_init(
	struct perfetto_stream *stream, const struct tfmt_trace *trace, struct conv_sink *out);
void perfetto_stream_release(struct perfetto_stream *stream);

uint64_t perfetto_uuid(enum track_of kind, uint32_t id);

void perfetto_begin_packet(struct perfetto_stream *stream);
void perfetto_begin_timed_packet(struct perfetto_stream *stream, uint64_t time_ns);
/* With the descriptions that the packet needs. Returns: 0; TFMT_E_NOMEM. */
int perfetto_end_packet(struct perfetto_stream *stream);

/* Begin a packet and an event in it; returns what the end wants to know, which ends both. */
size_t perfetto_begin_event(
	struct perfetto_stream *stream, enum event_type type, uint64_t track, uint64_t time_ns);
int perfetto_end_event(struct perfetto_stream *stream, size_t event);

/* Parts of an event: what it is called, and notes on it. */
void perfetto_put_label(struct perfetto_stream *stream, const char *category, const char *name);
void perfetto_put_note(struct perfetto_stream *stream, const char *name, const char *text);
void perfetto_put_number(struct perfetto_stream *stream, const char *name, uint64_t value);

#endif
