#include "perf/perf_parse.h"

#include <string.h>

/* Reading one record: a cursor that never passes the record's end. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool is_short;
};

static uint64_t take_u64(struct cursor *c)
{
	uint64_t value = 0;
	if (c->end - c->at < 8) {
		c->is_short = true;
		return 0;
	}
	memcpy(&value, c->at, 8);
	c->at += 8;
	return value;
}

static void take_u32_pair(struct cursor *c, uint32_t *a, uint32_t *b)
{
	uint64_t pair = take_u64(c);
	*a = (uint32_t)pair;
	*b = (uint32_t)(pair >> 32);
}

static const void *take_bytes(struct cursor *c, uint64_t count)
{
	const void *bytes = c->at;
	if ((uint64_t)(c->end - c->at) < count) {
		c->is_short = true;
		return NULL;
	}
	c->at += count;
	return bytes;
}

/* A text padded to 8 bytes in front of the sample_id trailer. */
static const char *take_text(struct cursor *c)
{
	const char *text = (const char *)c->at;
	size_t room = (size_t)(c->end - c->at);
	size_t length = strnlen(text, room);
	if (length == room) {
		c->is_short = true;
		return "";
	}
	take_bytes(c, (length + 8) & ~(size_t)7);
	return text;
}

static void parse_kernel_frames(struct rec_perf_record *record, struct cursor *c)
{
	uint64_t count = take_u64(c);
	if (count > UINT16_MAX)
		c->is_short = true;
	const uint64_t *frames = c->is_short ? NULL : take_bytes(c, count * 8);
	if (!frames)
		return;
	/* The chain is led by a marker, PERF_CONTEXT_KERNEL. */
	if (count > 0 && frames[0] == (uint64_t)PERF_CONTEXT_KERNEL) {
		record->sample.kernel_frames = frames + 1;
		record->sample.kernel_frame_count = count - 1;
	}
}

static void parse_sample(
	const struct rec_perf_layout *layout, struct rec_perf_record *record, struct cursor *c)
{
	uint32_t reserved;
	take_u64(c); /* the instruction: in the registers and the kernel's frames too */
	take_u32_pair(c, &record->pid, &record->tid);
	record->time_ns = take_u64(c);
	take_u32_pair(c, &record->cpu, &reserved);
	record->sample.period = take_u64(c);
	if (layout->has_kernel_frames)
		parse_kernel_frames(record, c);
	if (layout->register_count == 0)
		return;
	uint64_t abi = take_u64(c);
	if (abi != PERF_SAMPLE_REGS_ABI_NONE)
		record->sample.registers = take_bytes(c, layout->register_count * 8ull);
	if (abi == PERF_SAMPLE_REGS_ABI_32)
		record->sample.registers = NULL;
	uint64_t stack_bytes = take_u64(c);
	if (stack_bytes == 0)
		return;
	const uint8_t *stack = take_bytes(c, stack_bytes);
	uint64_t filled = take_u64(c);
	if (stack && filled <= stack_bytes) {
		record->sample.stack = stack;
		record->sample.stack_bytes = filled;
	}
}

static void parse_mmap2(struct rec_perf_record *record, struct cursor *c)
{
	record->mmap.address = take_u64(c);
	record->mmap.length = take_u64(c);
	record->mmap.page_offset = take_u64(c);
	const uint8_t *identity = take_bytes(c, 24);
	take_u64(c); /* protection and flags */
	if (!identity)
		return;
	if (record->misc & PERF_RECORD_MISC_MMAP_BUILD_ID) {
		record->mmap.build_id_size = identity[0] <= 20 ? identity[0] : 0;
		record->mmap.build_id = identity + 4;
	} else {
		uint32_t major, minor;
		memcpy(&major, identity, 4);
		memcpy(&minor, identity + 4, 4);
		record->mmap.device = (uint64_t)major << 32 | minor;
		memcpy(&record->mmap.inode, identity + 8, 8);
	}
	record->mmap.path = take_text(c);
}

/* The trailer that sample_id_all adds to every other record. */
static void parse_trailer(struct rec_perf_record *record, struct cursor *c)
{
	if (c->end - c->at < 24) {
		c->is_short = true;
		return;
	}
	struct cursor trailer = {c->end - 24, c->end, false};
	uint32_t pid, tid, reserved;
	take_u32_pair(&trailer, &pid, &tid);
	record->time_ns = take_u64(&trailer);
	take_u32_pair(&trailer, &record->cpu, &reserved);
	if (record->type == PERF_RECORD_SWITCH || record->type == PERF_RECORD_LOST) {
		record->pid = pid;
		record->tid = tid;
	}
}

bool rec_perf_parse(const struct rec_perf_layout *layout, const struct perf_event_header *header,
	struct rec_perf_record *record)
{
	struct cursor c = {
		(const uint8_t *)(header + 1), (const uint8_t *)header + header->size, false};
	memset(record, 0, sizeof(*record));
	record->type = header->type;
	record->misc = header->misc;
	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		parse_sample(layout, record, &c);
		return !c.is_short;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		take_u32_pair(&c, &record->pid, &record->fork.ppid);
		take_u32_pair(&c, &record->tid, &record->fork.ptid);
		break;
	case PERF_RECORD_COMM:
		take_u32_pair(&c, &record->pid, &record->tid);
		record->comm.name = take_text(&c);
		break;
	case PERF_RECORD_MMAP2:
		take_u32_pair(&c, &record->pid, &record->tid);
		parse_mmap2(record, &c);
		break;
	case PERF_RECORD_LOST:
		take_u64(&c);
		record->lost.count = take_u64(&c);
		break;
	case PERF_RECORD_SWITCH_CPU_WIDE: /* with the other thread, which has its own */
		record->type = PERF_RECORD_SWITCH;
		break;
	case PERF_RECORD_SWITCH:
		break;
	default:
		return false;
	}
	parse_trailer(record, &c);
	return !c.is_short;
}
