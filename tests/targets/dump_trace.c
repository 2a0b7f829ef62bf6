/*
 * Prints every row and record of a trace, each as its kind and the bare numbers of its fields:
 * dump_trace FILE. What tconv --json writes must hold all of them.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define U64 PRIu64

static void print_string(uint64_t id, const struct tfmt_string *row)
{
	printf("string %" U64 " %d ", id, row->is_bytes);
	for (uint32_t i = 0; i < row->length; i++)
		printf("%02x", (unsigned char)row->data[i]);
	putchar('\n');
}

static void print_table_row(const struct tfmt_batch *b, size_t i)
{
	uint64_t id = b->first_id + i;

	switch (b->kind) {
	case TFMT_STRING:
		print_string(id, &b->strings[i]);
		break;
	case TFMT_MAPPING:
		printf("mapping %" U64 " %u %u %u\n", id, b->mappings[i].path,
			b->mappings[i].build_id, b->mappings[i].type);
		break;
	case TFMT_FRAME:
		printf("frame %" U64 " %" U64 " %u %u %u %u %u %u %u\n", id, b->frames[i].address,
			b->frames[i].mapping, b->frames[i].function, b->frames[i].file,
			b->frames[i].first_line, b->frames[i].line, b->frames[i].language,
			b->frames[i].flags);
		break;
	case TFMT_STACK:
		printf("stack %" U64 " %u %u\n", id, b->stacks[i].parent, b->stacks[i].frame);
		break;
	case TFMT_PROCESS:
		printf("process %" U64 " %" U64 " %u %u %u\n", id, b->processes[i].start_ns,
			b->processes[i].pid, b->processes[i].ppid, b->processes[i].parent);
		break;
	case TFMT_THREAD:
		printf("thread %" U64 " %" U64 " %u %u\n", id, b->threads[i].start_ns,
			b->threads[i].process, b->threads[i].tid);
		break;
	case TFMT_METRIC:
		printf("metric %" U64 " %u %u %u %u %u %u\n", id, b->metrics[i].name,
			b->metrics[i].unit, b->metrics[i].help, b->metrics[i].process,
			b->metrics[i].thread, b->metrics[i].type);
		break;
	default:
		break;
	}
}

static void print_activity(const struct tfmt_batch *b, size_t i)
{
	switch (b->kind) {
	case TFMT_LIFE:
		printf("life %" U64 " %u %u %u %u %u %u %d %u %u\n", b->lives[i].time_ns,
			b->lives[i].process, b->lives[i].thread, b->lives[i].name, b->lives[i].exe,
			b->lives[i].argv, b->lives[i].cwd, (int)b->lives[i].status,
			b->lives[i].status_type, b->lives[i].event);
		break;
	case TFMT_SAMPLE:
		printf("sample %" U64 " %" U64 " %u %u %u %u %u\n", b->samples[i].time_ns,
			b->samples[i].weight_ns, b->samples[i].thread, b->samples[i].stack,
			b->samples[i].syscall, b->samples[i].state, b->samples[i].flags);
		break;
	case TFMT_COUNTER:
		printf("counter %" U64 " %" PRId64 " %u\n", b->counters[i].time_ns,
			b->counters[i].value, b->counters[i].metric);
		break;
	case TFMT_SPAN:
		printf("span %" U64 " %" U64 " %u %u %u %u %u\n", b->first_id + i,
			b->spans[i].time_ns, b->spans[i].thread, b->spans[i].frame,
			b->spans[i].name, b->spans[i].phase, b->spans[i].flags);
		break;
	case TFMT_ARG:
		printf("arg %" U64 " %u %u %u %u\n", b->args[i].span, b->args[i].name,
			b->args[i].type, b->args[i].value, b->args[i].flags);
		break;
	case TFMT_ALLOC:
		printf("alloc %" U64 " %" U64 " %" U64 " %u %u %u\n", b->allocs[i].time_ns,
			b->allocs[i].address, b->allocs[i].size_bytes, b->allocs[i].thread,
			b->allocs[i].stack, b->allocs[i].allocator);
		break;
	case TFMT_FREE:
		printf("free %" U64 " %" U64 " %u %u %u\n", b->frees[i].time_ns,
			b->frees[i].address, b->frees[i].thread, b->frees[i].stack,
			b->frees[i].allocator);
		break;
	default:
		break;
	}
}

static void print_remark(const struct tfmt_batch *b, size_t i)
{
	switch (b->kind) {
	case TFMT_INSTANT:
		printf("instant %" U64 " %u %u %u\n", b->instants[i].time_ns, b->instants[i].thread,
			b->instants[i].name, b->instants[i].text);
		break;
	case TFMT_CLOCK:
		printf("clock %" U64 " %" PRId64 " %" U64 "\n", b->clocks[i].time_ns,
			b->clocks[i].utc_ns, b->clocks[i].boottime_ns);
		break;
	case TFMT_LOST:
		printf("lost %" U64 " %" U64 " %u %u %u\n", b->losts[i].time_ns, b->losts[i].count,
			b->losts[i].process, b->losts[i].what, b->losts[i].reason);
		break;
	case TFMT_COST:
		printf("cost %" U64 " %" PRId64 " %u %u\n", b->costs[i].time_ns, b->costs[i].value,
			b->costs[i].name, b->costs[i].unit);
		break;
	case TFMT_SYMBOL:
		printf("symbol %" U64 " %" U64 " %u %u %u %u %u %d\n", b->symbols[i].address,
			b->symbols[i].length, b->symbols[i].mapping, b->symbols[i].function,
			b->symbols[i].file, b->symbols[i].line, b->symbols[i].first_line,
			b->symbols[i].inlined);
		break;
	default:
		break;
	}
}

int main(int argc, char **argv)
{
	const struct tfmt_batch *batch;
	struct tfmt_reader *reader = NULL;
	struct tfmt_error err = {0};
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int status;

	if (fd < 0) {
		fputs("usage: dump_trace FILE\n", stderr);
		return 2;
	}
	status = tfmt_reader_open_fd(fd, &reader, &err);
	while (!status && (status = tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, &err)) > 0) {
		status = 0;
		for (size_t i = 0; i < batch->count && !batch->is_repeat; i++) {
			print_table_row(batch, i);
			print_activity(batch, i);
			print_remark(batch, i);
		}
	}
	if (status)
		fprintf(stderr, "dump_trace: %s\n", err.message);
	tfmt_reader_free(reader);
	close(fd);
	return status != 0;
}
