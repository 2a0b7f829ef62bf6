#include "perfetto_stream.h"

#include "tracefmt/error.h"

enum trace_field { TRACE_PACKET = 1 };
enum annotation_field { ANNOTATION_UINT = 3, ANNOTATION_STRING = 6, ANNOTATION_NAME = 10 };
enum sequence_flags { STATE_CLEARED = 1, NEEDS_STATE };

/* All packets are one sequence. */
#define SEQUENCE_ID 1

int perfetto_stream_init(
	struct perfetto_stream *stream, const struct tfmt_trace *trace, struct conv_sink *out)
{
	stream->out = out;
	return perfetto_code_init(&stream->code, trace);
}

void perfetto_stream_release(struct perfetto_stream *stream)
{
	protobuf_release(&stream->pb);
	perfetto_code_release(&stream->code);
}

uint64_t perfetto_uuid(enum track_of kind, uint32_t id)
{
	return (uint64_t)kind << 32 | id;
}

void perfetto_begin_packet(struct perfetto_stream *stream)
{
	stream->packet = protobuf_begin(&stream->pb, TRACE_PACKET);
	protobuf_u64(&stream->pb, PACKET_SEQUENCE_ID, SEQUENCE_ID);
	protobuf_u64(&stream->pb, PACKET_SEQUENCE_FLAGS,
		stream->has_begun ? NEEDS_STATE : STATE_CLEARED);
	stream->has_begun = true;
}

void perfetto_begin_timed_packet(struct perfetto_stream *stream, uint64_t time_ns)
{
	perfetto_begin_packet(stream);
	protobuf_u64(&stream->pb, PACKET_TIMESTAMP, time_ns);
}

int perfetto_end_packet(struct perfetto_stream *stream)
{
	struct protobuf *pending = &stream->code.pending;

	if (pending->failed)
		return TFMT_E_NOMEM;
	if (pending->used)
		protobuf_bytes(&stream->pb, PACKET_INTERNED_DATA, pending->data, pending->used);
	pending->used = 0;
	protobuf_end(&stream->pb, stream->packet);
	return protobuf_flush(&stream->pb, stream->out);
}

size_t perfetto_begin_event(
	struct perfetto_stream *stream, enum event_type type, uint64_t track, uint64_t time_ns)
{
	size_t mark;

	perfetto_begin_timed_packet(stream, time_ns);
	mark = protobuf_begin(&stream->pb, PACKET_TRACK_EVENT);
	protobuf_u64(&stream->pb, EVENT_TYPE, type);
	protobuf_u64(&stream->pb, EVENT_TRACK_UUID, track);
	return mark;
}

int perfetto_end_event(struct perfetto_stream *stream, size_t event)
{
	protobuf_end(&stream->pb, event);
	return perfetto_end_packet(stream);
}

void perfetto_put_label(struct perfetto_stream *stream, const char *category, const char *name)
{
	protobuf_text(&stream->pb, EVENT_CATEGORIES, category);
	protobuf_text(&stream->pb, EVENT_NAME, *name ? name : "[unknown]");
}

void perfetto_put_note(struct perfetto_stream *stream, const char *name, const char *text)
{
	size_t mark = protobuf_begin(&stream->pb, EVENT_DEBUG_ANNOTATIONS);

	protobuf_text(&stream->pb, ANNOTATION_NAME, name);
	protobuf_text(&stream->pb, ANNOTATION_STRING, text);
	protobuf_end(&stream->pb, mark);
}

void perfetto_put_number(struct perfetto_stream *stream, const char *name, uint64_t value)
{
	size_t mark = protobuf_begin(&stream->pb, EVENT_DEBUG_ANNOTATIONS);

	protobuf_text(&stream->pb, ANNOTATION_NAME, name);
	protobuf_u64(&stream->pb, ANNOTATION_UINT, value);
	protobuf_end(&stream->pb, mark);
}
