/*
 * Speed of the format: bench_format FILE [ROUNDS]. Reads a trace (tests/targets/gen_trace makes
 * one) and prints medians: samples decoded a second with zstd, samples written again a second with
 * zstd, a scan, interning of all stacks again, and the bytes of each kind.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tracefmt/tracefmt.h"

#define MAX_ROUNDS 101

/* CPU time: one thread does it all, and other programs run beside. */
static double now_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int status, const char *what)
{
	if (status < 0) {
		fprintf(stderr, "bench_format: %s: %s\n", what, tfmt_strerror(status));
		exit(1);
	}
}

static int discard(void *context, const void *data, size_t size_bytes)
{
	*(size_t *)context += size_bytes;
	return 0;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void report(const char *what, double *seconds, int rounds, uint64_t count)
{
	qsort(seconds, (size_t)rounds, sizeof(*seconds), compare);
	printf("%-28s %8.2f M/s   (%.1f to %.1f ns each, %d rounds)\n", what,
		(double)count / seconds[rounds / 2] / 1e6, seconds[0] * 1e9 / (double)count,
		seconds[rounds - 1] * 1e9 / (double)count, rounds);
}

struct bench {
	const void *data;
	size_t size;
	struct tfmt_sample *samples;
	uint64_t sample_count;
	struct tfmt_stack *stacks;
	uint32_t stack_count;
	uint64_t bytes[TFMT_KIND_COUNT];
	uint64_t rows[TFMT_KIND_COUNT];
};

static void load(struct bench *bench)
{
	struct tfmt_reader *reader;
	const struct tfmt_batch *batch;
	const struct tfmt_trace *trace;
	size_t capacity = 0;

	must(tfmt_reader_open_memory(bench->data, bench->size, &reader, NULL), "open");
	while (tfmt_reader_next(reader, TFMT_ALL_KINDS, &batch, NULL) > 0) {
		bench->bytes[batch->kind] += batch->packed_bytes;
		bench->rows[batch->kind] += batch->is_repeat ? 0 : batch->count;
		if (batch->kind != TFMT_SAMPLE)
			continue;
		if (bench->sample_count + batch->count > capacity) {
			capacity = (bench->sample_count + batch->count) * 2;
			bench->samples =
				reallocarray(bench->samples, capacity, sizeof(*bench->samples));
			must(bench->samples ? 0 : TFMT_E_NOMEM, "load");
		}
		memcpy(bench->samples + bench->sample_count, batch->samples,
			batch->count * sizeof(*bench->samples));
		bench->sample_count += batch->count;
	}
	trace = tfmt_reader_trace(reader);
	bench->stack_count = tfmt_trace_count(trace, TFMT_STACK);
	bench->stacks = calloc((size_t)bench->stack_count + 1, sizeof(*bench->stacks));
	must(bench->stacks ? 0 : TFMT_E_NOMEM, "load");
	for (uint32_t id = 1; id <= bench->stack_count; id++)
		bench->stacks[id] = *tfmt_trace_stack(trace, id);
	tfmt_reader_free(reader);
}

static double time_scan(const struct bench *bench)
{
	struct tfmt_reader *reader;
	double begin;

	must(tfmt_reader_open_memory(bench->data, bench->size, &reader, NULL), "open");
	begin = now_seconds();
	must(tfmt_reader_scan(reader, NULL), "scan");
	begin = now_seconds() - begin;
	tfmt_reader_free(reader);
	return begin;
}

static double time_decode(const struct bench *bench)
{
	struct tfmt_reader *reader;
	const struct tfmt_batch *batch;
	uint64_t count = 0;
	double begin;

	must(tfmt_reader_open_memory(bench->data, bench->size, &reader, NULL), "open");
	must(tfmt_reader_scan(reader, NULL), "scan");
	begin = now_seconds();
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SAMPLE), &batch, NULL) > 0)
		count += batch->count;
	begin = now_seconds() - begin;
	must(count == bench->sample_count ? 0 : TFMT_E_CORRUPT, "count");
	tfmt_reader_free(reader);
	return begin;
}

/* Write tables, then samples again and again; returns the time of the samples. */
static double time_encode(const struct bench *bench, double *ret_intern)
{
	struct tfmt_header header = {
		.recorder = "bench", .host = "", .boot_id = "", .os = "", .machine = "", .cwd = ""};
	struct tfmt_writer_options options = {.checkpoint_bytes = SIZE_MAX};
	struct tfmt_writer *writer;
	struct tfmt_thread thread = {.tid = 1};
	size_t bytes = 0;
	uint32_t id;
	double begin;

	must(tfmt_writer_new(&header, &options,
		     (struct tfmt_sink){.write = discard, .context = &bytes}, &writer, NULL),
		"writer");
	for (uint32_t i = 0; i < 1024; i++)
		must(tfmt_writer_add_thread(writer, &thread, &id), "thread");
	for (uint32_t i = 0; i < bench->stack_count; i++) {
		struct tfmt_frame frame = {.address = i};

		must(tfmt_writer_add_frame(writer, &frame, &id), "frame");
	}
	for (uint32_t i = 1; i <= bench->stack_count; i++)
		must(tfmt_writer_add_stack(writer, &bench->stacks[i], &id), "stack");
	must(tfmt_writer_flush(writer, UINT64_MAX), "flush");
	begin = now_seconds();
	for (uint32_t i = 1; i <= bench->stack_count; i++)
		must(tfmt_writer_add_stack(writer, &bench->stacks[i], &id), "stack");
	*ret_intern = now_seconds() - begin;
	begin = now_seconds();
	for (uint64_t i = 0; i < bench->sample_count; i++)
		must(tfmt_writer_sample(writer, &bench->samples[i]), "sample");
	must(tfmt_writer_finish(writer, NULL), "finish");
	begin = now_seconds() - begin;
	tfmt_writer_free(writer);
	return begin;
}

/* Scan, read all samples and merge their stacks: what a flame graph costs before drawing. */
static double time_tree(const struct bench *bench, size_t *ret_nodes)
{
	struct tfmt_reader *reader;
	struct tfmt_calltree *tree;
	const struct tfmt_batch *batch;
	double begin = now_seconds();

	must(tfmt_reader_open_memory(bench->data, bench->size, &reader, NULL), "open");
	must(tfmt_reader_scan(reader, NULL), "scan");
	must(tfmt_calltree_new(tfmt_reader_trace(reader), &tree), "tree");
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SAMPLE), &batch, NULL) > 0)
		for (size_t i = 0; i < batch->count; i++)
			must(tfmt_calltree_add(
				     tree, batch->samples[i].stack, batch->samples[i].weight_ns, 1),
				"add");
	must(tfmt_calltree_build(tree), "build");
	tfmt_calltree_nodes(tree, ret_nodes);
	tfmt_calltree_free(tree);
	tfmt_reader_free(reader);
	return now_seconds() - begin;
}

static void map_file(const char *path, struct bench *bench)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0) {
		perror(path);
		exit(1);
	}
	bench->size = (size_t)status.st_size;
	bench->data = mmap(NULL, bench->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	must(bench->data == MAP_FAILED ? TFMT_E_IO : 0, path);
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	double scan[MAX_ROUNDS], decode[MAX_ROUNDS], encode[MAX_ROUNDS], intern[MAX_ROUNDS];
	double tree[MAX_ROUNDS];
	size_t nodes = 0;
	int rounds = argc > 2 ? atoi(argv[2]) : 11;

	if (argc < 2 || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: bench_format FILE [ROUNDS]\n");
		return 2;
	}
	map_file(argv[1], &bench);
	load(&bench);
	for (int i = 0; i < rounds; i++) {
		scan[i] = time_scan(&bench);
		decode[i] = time_decode(&bench);
		encode[i] = time_encode(&bench, &intern[i]);
		tree[i] = time_tree(&bench, &nodes);
	}
	report("decode with zstd", decode, rounds, bench.sample_count);
	report("encode with zstd", encode, rounds, bench.sample_count);
	report("scan of the file", scan, rounds, bench.sample_count);
	report("intern a known stack node", intern, rounds, bench.stack_count);
	report("all, merged into a tree", tree, rounds, bench.sample_count);
	printf("%zu nodes in %.3f s\n", nodes, tree[rounds / 2]);
	for (enum tfmt_kind kind = TFMT_STRING; kind < TFMT_KIND_COUNT; kind++)
		if (bench.rows[kind] != 0)
			printf("%-10s %10llu rows %10llu bytes %6.2f a row %6.2f a sample\n",
				tfmt_kind_name(kind), (unsigned long long)bench.rows[kind],
				(unsigned long long)bench.bytes[kind],
				(double)bench.bytes[kind] / (double)bench.rows[kind],
				(double)bench.bytes[kind] / (double)bench.sample_count);
	free(bench.samples);
	free(bench.stacks);
	return 0;
}
