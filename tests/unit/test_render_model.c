/* Traces added up: what processes used, when, and whose code it was. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/model.h"
#include "render/proc_rows.h"
#include "tracefmt/tracefmt.h"

#define START_NS (1000 * SECOND)
#define SECOND	 UINT64_C(1000000000)
#define MIB	 UINT64_C(1048576)

/* A trace in memory. */
struct memory {
	char *data;
	size_t size;
	FILE *stream;
	struct tfmt_writer *writer;
	struct tfmt_reader *reader;
	struct rend_model *model;
};

static int append(void *context, const void *data, size_t size_bytes)
{
	return fwrite(data, 1, size_bytes, context) == size_bytes ? 0 : TFMT_E_IO;
}

static void begin(struct memory *memory)
{
	static const char *const argv[] = {"make", "all"};
	const struct tfmt_header header = {
		.time_ns = START_NS,
		.recorder = "test",
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = "/home/user/project",
		.argv = argv,
		.argc = 2,
		.cpu_count = 4,
		.rate_hz = 1000,
	};
	*memory = (struct memory){0};
	memory->stream = open_memstream(&memory->data, &memory->size);
	struct tfmt_sink sink = {.write = append, .context = memory->stream};
	assert_int_equal(tfmt_writer_new(&header, NULL, sink, &memory->writer, NULL), 0);
}

static void load(struct memory *memory, const struct rend_model_options *options)
{
	struct tfmt_error err = {0};
	assert_int_equal(tfmt_writer_finish(memory->writer, &err), 0);
	tfmt_writer_free(memory->writer);
	fclose(memory->stream);
	assert_int_equal(
		tfmt_reader_open_memory(memory->data, memory->size, &memory->reader, &err), 0);
	assert_int_equal(rend_model_new(memory->reader, options, &memory->model, &err), 0);
}

static void release(struct memory *memory)
{
	rend_model_free(memory->model);
	tfmt_reader_free(memory->reader);
	free(memory->data);
}

static uint32_t text(struct memory *memory, const char *data)
{
	uint32_t id;
	assert_int_equal(tfmt_writer_intern(memory->writer, data, strlen(data), &id), 0);
	return id;
}

/* A process that lives from `begin_s` to `end_s` (0: to the end), with a main thread. */
static uint32_t process(struct memory *memory, uint32_t parent, uint32_t pid, const char *name,
	double begin_s, double end_s)
{
	uint32_t id, thread;
	const uint64_t begin_ns = START_NS + (uint64_t)(begin_s * 1e9);
	struct tfmt_process row = {.start_ns = begin_ns, .pid = pid, .parent = parent};
	assert_int_equal(tfmt_writer_add_process(memory->writer, &row, &id), 0);
	struct tfmt_thread thread_row = {.start_ns = begin_ns, .process = id, .tid = pid};
	assert_int_equal(tfmt_writer_add_thread(memory->writer, &thread_row, &thread), 0);
	struct tfmt_life life = {
		.time_ns = begin_ns,
		.process = id,
		.name = text(memory, name),
		.exe = text(memory, "/usr/bin/make"),
		.event = TFMT_LIFE_EXEC,
	};
	assert_int_equal(tfmt_writer_life(memory->writer, &life), 0);
	if (end_s > 0) {
		struct tfmt_life end = {
			.time_ns = START_NS + (uint64_t)(end_s * 1e9),
			.process = id,
			.status_type = TFMT_STATUS_EXITED,
			.event = TFMT_LIFE_EXIT,
		};
		assert_int_equal(tfmt_writer_life(memory->writer, &end), 0);
	}
	return id;
}

static uint32_t metric(struct memory *memory, uint32_t process_id, const char *name)
{
	uint32_t id;
	struct tfmt_metric row = {
		.name = text(memory, name),
		.unit = text(memory, "ns"),
		.process = process_id,
		.type = strcmp(name, "rss") == 0 ? TFMT_METRIC_GAUGE : TFMT_METRIC_CUMULATIVE,
	};
	assert_int_equal(tfmt_writer_add_metric(memory->writer, &row, &id), 0);
	return id;
}

static void count(struct memory *memory, uint32_t metric_id, double time_s, int64_t value)
{
	struct tfmt_counter record = {
		.time_ns = START_NS + (uint64_t)(time_s * 1e9),
		.metric = metric_id,
		.value = value,
	};
	assert_int_equal(tfmt_writer_counter(memory->writer, &record), 0);
}

static const struct rend_model_options ten_columns = {.bin_count = 10};

static void cpu_time_is_spread_over_its_interval(void **state)
{
	struct memory memory;
	begin(&memory);
	uint32_t id = process(&memory, 0, 100, "make", 0, 10);
	uint32_t cpu = metric(&memory, id, "cpu");
	count(&memory, cpu, 2, 1000000000);  /* half a core for 2 s */
	count(&memory, cpu, 4, 3000000000);  /* a core */
	count(&memory, cpu, 10, 3000000000); /* none */
	load(&memory, &ten_columns);
	const struct rend_model *model = memory.model;
	assert_int_equal(model->totals.cpu_ns, 3 * SECOND);
	assert_int_equal(model->processes[id].cpu_ns, 3 * SECOND);
	assert_int_equal(model->totals.wall_ns, 10 * SECOND);
	assert_int_equal(model->cpu.count, 10);
	assert_float_equal(model->cpu.bins[0].mean, 0.5, 1e-6);
	assert_float_equal(model->cpu.bins[3].mean, 1.0, 1e-6);
	assert_float_equal(model->cpu.bins[7].mean, 0.0, 1e-6);
	release(&memory);
}

static void a_single_value_stands_for_the_whole_life(void **state)
{
	struct memory memory;
	begin(&memory);
	process(&memory, 0, 100, "make", 0, 10);
	uint32_t id = process(&memory, 1, 101, "true", 5, 5.004);
	count(&memory, metric(&memory, id, "cpu"), 5.004, 3000000);
	load(&memory, &ten_columns);
	assert_int_equal(memory.model->processes[id].cpu_ns, 3000000);
	assert_int_equal(rend_model_process_series(memory.model, &id, 1, NULL), 0);
	const struct rend_series *cpu = &memory.model->processes[id].cpu;
	assert_int_equal(cpu->first, 5);
	assert_int_equal(cpu->count, 1);
	assert_float_equal(cpu->bins[0].mean, 0.003, 1e-6);
	release(&memory);
}

static void user_and_system_make_up_for_a_missing_total(void **state)
{
	struct memory memory;
	begin(&memory);
	uint32_t id = process(&memory, 0, 100, "make", 0, 10);
	uint32_t user = metric(&memory, id, "cpu_user");
	uint32_t system = metric(&memory, id, "cpu_system");
	count(&memory, user, 5, 2000000000);
	count(&memory, system, 5, 1000000000);
	load(&memory, &ten_columns);
	assert_int_equal(memory.model->totals.cpu_ns, 3 * SECOND);
	assert_int_equal(memory.model->totals.user_ns, 2 * SECOND);
	assert_int_equal(memory.model->totals.system_ns, 1 * SECOND);
	assert_float_equal(memory.model->cpu.bins[0].mean, 0.6, 1e-6);
	release(&memory);
}

static void memory_is_summed_and_given_back(void **state)
{
	struct memory memory;
	begin(&memory);
	uint32_t first = process(&memory, 0, 100, "make", 0, 10);
	uint32_t second = process(&memory, 1, 101, "cc1", 2, 6);
	uint32_t first_rss = metric(&memory, first, "rss");
	uint32_t second_rss = metric(&memory, second, "rss");
	count(&memory, first_rss, 1, 10 * MIB);
	count(&memory, second_rss, 3, 40 * MIB);
	count(&memory, first_rss, 4, 20 * MIB);
	count(&memory, second_rss, 4, 80 * MIB);
	count(&memory, first_rss, 9, 15 * MIB);
	load(&memory, &ten_columns);
	const struct rend_model *model = memory.model;
	assert_int_equal(model->totals.peak_bytes, 100 * MIB);
	assert_int_equal(model->totals.peak_ns, START_NS + 4 * SECOND);
	assert_int_equal(model->processes[second].peak_bytes, 80 * MIB);
	assert_true(isnan(model->memory.bins[0].mean)); /* not read yet: a gap, not 0 */
	assert_float_equal(model->memory.bins[2].last, 10.0 * MIB, 1);
	assert_float_equal(model->memory.bins[5].last, 100.0 * MIB, 1);
	assert_float_equal(model->memory.bins[7].last, 20.0 * MIB, 1);
	release(&memory);
}

/* A recorder may write the last unchanged value of a process after its end, beside newer ones. */
static void a_late_reading_does_not_outlive_its_process(void **state)
{
	struct memory memory;
	begin(&memory);
	uint32_t first = process(&memory, 0, 100, "make", 0, 10);
	uint32_t second = process(&memory, 1, 101, "cc1", 2, 6);
	uint32_t first_rss = metric(&memory, first, "rss");
	uint32_t second_rss = metric(&memory, second, "rss");
	count(&memory, first_rss, 1, 10 * MIB);
	count(&memory, second_rss, 3, 40 * MIB);
	count(&memory, first_rss, 7, 20 * MIB);
	count(&memory, second_rss, 5, 40 * MIB);
	count(&memory, first_rss, 9, 30 * MIB);
	load(&memory, &ten_columns);
	const struct rend_model *model = memory.model;
	assert_int_equal(model->totals.peak_bytes, 50 * MIB);
	assert_float_equal(model->memory.bins[8].last, 20.0 * MIB, 1);
	assert_float_equal(model->memory.bins[9].last, 30.0 * MIB, 1);
	release(&memory);
}

static void missing_values_are_gaps(void **state)
{
	struct memory memory;
	begin(&memory);
	uint32_t id = process(&memory, 0, 100, "make", 0, 10);
	uint32_t rss = metric(&memory, id, "rss");
	count(&memory, rss, 1, 10 * MIB);
	count(&memory, rss, 3, TFMT_VALUE_MISSING);
	count(&memory, rss, 7, 10 * MIB);
	load(&memory, &ten_columns);
	assert_int_equal(rend_model_process_series(memory.model, &id, 1, NULL), 0);
	const struct tfmt_bin *bins = memory.model->processes[id].memory.bins;
	assert_float_equal(bins[2].last, 10.0 * MIB, 1);
	assert_true(isnan(bins[5].mean));
	assert_float_equal(bins[8].last, 10.0 * MIB, 1);
	assert_int_equal(memory.model->totals.peak_bytes, 10 * MIB);
	release(&memory);
}

static void a_range_holds_its_part(void **state)
{
	const struct rend_model_options options = {
		.bin_count = 10, .from_ns = 2 * SECOND, .to_ns = 4 * SECOND};
	struct memory memory;
	begin(&memory);
	uint32_t id = process(&memory, 0, 100, "make", 0, 10);
	process(&memory, id, 101, "early", 0, 1);
	process(&memory, id, 102, "late", 6, 7);
	uint32_t cpu = metric(&memory, id, "cpu");
	count(&memory, cpu, 3, 3000000000);
	count(&memory, cpu, 10, 3000000000);
	load(&memory, &options);
	assert_int_equal(memory.model->totals.cpu_ns, SECOND);
	assert_int_equal(memory.model->totals.process_count, 1);
	assert_int_equal(memory.model->totals.wall_ns, 2 * SECOND);
	release(&memory);
}

static void a_pid_selects_what_it_started(void **state)
{
	const struct rend_model_options options = {.bin_count = 10, .pid = 101};
	struct memory memory;
	begin(&memory);
	uint32_t root = process(&memory, 0, 100, "make", 0, 10);
	uint32_t shell = process(&memory, root, 101, "sh", 1, 9);
	uint32_t leaf = process(&memory, shell, 102, "cc1", 2, 8);
	uint32_t other = process(&memory, root, 103, "ld", 2, 8);
	load(&memory, &options);
	const struct rend_model *model = memory.model;
	assert_int_equal(model->root, shell);
	assert_false(model->processes[root].is_shown);
	assert_true(model->processes[leaf].is_shown);
	assert_false(model->processes[other].is_shown);
	assert_int_equal(model->processes[shell].first_child, leaf);
	release(&memory);
}

static void bad_ranges_and_pids_are_refused(void **state)
{
	static const struct rend_model_options wrong[] = {
		{.bin_count = 10, .pid = 7},
		{.bin_count = 10, .from_ns = 5 * SECOND, .to_ns = 4 * SECOND},
		{.bin_count = 10, .from_ns = 500 * SECOND},
	};
	struct memory memory;
	begin(&memory);
	process(&memory, 0, 100, "make", 0, 10);
	load(&memory, &ten_columns);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct rend_model *model = NULL;
		struct tfmt_error err = {0};
		assert_int_equal(
			rend_model_new(memory.reader, &wrong[i], &model, &err), TFMT_E_ARG);
		assert_null(model);
		assert_true(err.message[0] != '\0');
	}
	release(&memory);
}

static void own_code_is_the_command_and_its_folder(void **state)
{
	struct memory memory;
	begin(&memory);
	process(&memory, 0, 100, "make", 0, 10);
	load(&memory, &ten_columns);
	static const struct {
		const char *module, *file;
		enum tfmt_language language;
		bool is_own;
		enum rend_role role;
	} cases[] = {
		{"/usr/bin/make", "", TFMT_LANG_NATIVE, true, REND_OWN},
		{"/home/user/project/build/app", "", TFMT_LANG_NATIVE, true, REND_OWN},
		{"/home/user/project2/app", "", TFMT_LANG_NATIVE, false, REND_LIBRARY},
		{"/usr/lib/libz.so", "/home/user/project/z.c", TFMT_LANG_NATIVE, true, REND_OWN},
		{"/usr/lib/x86_64-linux-gnu/libc.so.6", "", TFMT_LANG_NATIVE, false, REND_RUNTIME},
		{"[kernel]", "", TFMT_LANG_KERNEL, false, REND_KERNEL},
		{"", "", TFMT_LANG_NATIVE, false, REND_UNKNOWN},
		{"", "/home/user/project/app.js", TFMT_LANG_JIT, true, REND_OWN},
		{"", "/home/user/project/node_modules/x/x.js", TFMT_LANG_JIT, false, REND_LIBRARY},
		{"", "/srv/app.js", TFMT_LANG_JIT, false, REND_LIBRARY},
		{"", "node:fs", TFMT_LANG_JIT, false, REND_LIBRARY},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct tfmt_location location = {
			.function = "f",
			.module = cases[i].module,
			.file = cases[i].file,
			.language = (uint8_t)cases[i].language,
		};
		enum rend_role role = rend_model_role(memory.model, &location);
		assert_int_equal(rend_model_is_own(memory.model, &location), cases[i].is_own);
		assert_int_equal(role >= REND_LIBRARY ? REND_LIBRARY : role, cases[i].role);
	}
	/* Told by hand, only that counts. */
	static const char *const own[] = {"/usr/lib"};
	memory.model->own_paths = own;
	memory.model->own_count = 1;
	assert_true(rend_model_is_own(
		memory.model, &(struct tfmt_location){
				      .function = "f", .module = "/usr/lib/libz.so", .file = ""}));
	assert_false(rend_model_is_own(memory.model,
		&(struct tfmt_location){.function = "f", .module = "/usr/bin/make", .file = ""}));
	release(&memory);
}

static void javascript_belongs_to_packages(void **state)
{
	static const struct {
		const char *file, *library;
		bool is_own; /* in a profile, which does not say where it was made */
	} cases[] = {
		{"file:///srv/app.js", "app.js", true},
		{"node:internal/modules/cjs/loader", "node's library", false},
		{"/srv/node_modules/left/node_modules/pad/lib/p.js", "pad", false},
		{"/srv/node_modules/@scope/pad/lib/p.js", "@scope/pad", false},
		{"/srv/node_modules/alone", "alone", false},
		{"/srv/node_modules/@", "@", false},
	};
	struct memory memory;
	begin(&memory);
	process(&memory, 0, 100, "make", 0, 10);
	load(&memory, &ten_columns);
	const struct tfmt_header *header = memory.model->header;
	struct tfmt_header of_profile = *header;
	of_profile.cwd = "";
	memory.model->header = &of_profile;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char name[REND_LIBRARY_BYTES];
		const struct tfmt_location location = {
			.function = "f",
			.module = "",
			.file = cases[i].file,
			.language = TFMT_LANG_JIT,
		};
		rend_model_library(&location, name, sizeof(name));
		assert_string_equal(name, cases[i].library);
		assert_int_equal(rend_model_is_own(memory.model, &location), cases[i].is_own);
	}
	memory.model->header = header;
	release(&memory);
}

static void rows_are_bounded_and_lose_nothing(void **state)
{
	struct memory memory;
	begin(&memory);
	uint32_t root = process(&memory, 0, 100, "make", 0, 10);
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t id = process(&memory, root, 101 + i, i % 2 == 0 ? "cc1" : "sed", 1, 2);
		count(&memory, metric(&memory, id, "cpu"), 2, 1000000 * (1 + i));
	}
	load(&memory, &ten_columns);
	for (size_t max = 3; max < 400; max = max * 2 - 1) {
		struct rend_proc_rows rows;
		uint32_t shown = 0;
		uint64_t cpu_ns = 0;
		assert_int_equal(rend_proc_rows_init(&rows, memory.model, max), 0);
		assert_true(rows.count <= max);
		for (size_t i = 0; i < rows.count; i++) {
			const struct rend_proc_row *row = &rows.rows[i];
			shown += row->process != 0 ? 1 : row->count;
			cpu_ns += row->process != 0 ? memory.model->processes[row->process].cpu_ns
						    : row->cpu_ns;
			assert_true(row->process != 0 || row->count > 1);
			assert_int_equal(row->parent, i == 0 ? SIZE_MAX : 0);
		}
		assert_int_equal(shown, 301);
		assert_int_equal(cpu_ns, memory.model->totals.cpu_ns);
		rend_proc_rows_release(&rows);
	}
	release(&memory);
}

static void a_trace_of_nothing_has_a_model(void **state)
{
	struct memory memory;
	begin(&memory);
	load(&memory, &ten_columns);
	assert_int_equal(memory.model->totals.process_count, 0);
	assert_true(memory.model->begin_ns < memory.model->end_ns);
	assert_null(memory.model->tree);
	release(&memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_time_is_spread_over_its_interval),
		cmocka_unit_test(a_single_value_stands_for_the_whole_life),
		cmocka_unit_test(user_and_system_make_up_for_a_missing_total),
		cmocka_unit_test(memory_is_summed_and_given_back),
		cmocka_unit_test(a_late_reading_does_not_outlive_its_process),
		cmocka_unit_test(missing_values_are_gaps),
		cmocka_unit_test(a_range_holds_its_part),
		cmocka_unit_test(a_pid_selects_what_it_started),
		cmocka_unit_test(bad_ranges_and_pids_are_refused),
		cmocka_unit_test(own_code_is_the_command_and_its_folder),
		cmocka_unit_test(javascript_belongs_to_packages),
		cmocka_unit_test(rows_are_bounded_and_lose_nothing),
		cmocka_unit_test(a_trace_of_nothing_has_a_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
