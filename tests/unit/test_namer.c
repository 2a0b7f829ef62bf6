/* Names on their way from the thread that finds them into the trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>

#include "record/native/namer.h"
#include "tracefmt/tracefmt.h"

#define JIT_START UINT64_C(0x10000000)
#define JIT_BYTES UINT64_C(0x10000000)
/* Twice what may wait, and less than a perf map may have. */
#define MANY		60000
#define MANY_NAME_BYTES 300

struct fixture {
	FILE *file;
	struct rec_sink *sink;
	struct rec_modules *modules;
	struct rec_space *space;
	struct rec_namer *namer;
	char perf_map[64];
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct tfmt_header header = {.time_ns = 1,
		.recorder = "test",
		.host = "",
		.boot_id = "",
		.os = "",
		.machine = "",
		.cwd = ""};
	struct tfmt_error err;

	f->file = tmpfile();
	assert_int_equal(rec_sink_new(fileno(f->file), &header, 1 << 20, &f->sink, &err), 0);
	f->modules = rec_modules_new(10);
	f->space = rec_space_new(f->modules);
	f->namer = rec_namer_new(f->sink, f->modules);
	assert_non_null(f->namer);
	snprintf(f->perf_map, sizeof(f->perf_map), "/tmp/perf-%d.map", (int)getpid());
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	rec_namer_free(f->namer);
	rec_space_free(f->space);
	rec_modules_free(f->modules);
	rec_sink_free(f->sink);
	fclose(f->file);
	unlink(f->perf_map);
	free(f);
	return 0;
}

/* Map memory of ours, and put the module into the trace. Returns the mapping's id. */
static uint32_t map(struct fixture *f, const char *path, struct rec_module **ret_module)
{
	struct rec_map_event event = {
		.pid = getpid(), .start = JIT_START, .length = JIT_BYTES, .path = path};
	struct tfmt_mapping row = {.path = rec_sink_text(f->sink, path)};
	struct stat status;
	uint64_t vaddr;
	uint32_t id;

	if (stat(path, &status) == 0) {
		event.inode = status.st_ino;
		event.device_major = major(status.st_dev);
		event.device_minor = minor(status.st_dev);
	}
	assert_int_equal(rec_space_map(f->space, &event), 0);
	*ret_module = rec_space_find(f->space, JIT_START, &vaddr);
	assert_int_equal(tfmt_writer_add_mapping(rec_sink_writer(f->sink), &row, &id), 0);
	return id;
}

/* End the trace and open it. */
static struct tfmt_reader *read_back(struct fixture *f)
{
	struct tfmt_reader *reader;
	struct tfmt_error err;

	assert_int_equal(rec_sink_finish(f->sink), 0);
	lseek(fileno(f->file), 0, SEEK_SET);
	assert_int_equal(tfmt_reader_open_fd(fileno(f->file), &reader, &err), 0);
	return reader;
}

/* Write as many functions of 64 bytes, with names of so many bytes, as the code generator would. */
static void write_perf_map(const struct fixture *f, unsigned int count, int name_bytes)
{
	FILE *file = fopen(f->perf_map, "w");

	assert_non_null(file);
	for (unsigned int i = 0; i < count; i++)
		fprintf(file, "%lx 40 %0*u\n", (unsigned long)JIT_START + i * 64ul, name_bytes, i);
	fclose(file);
}

static void test_jit_ranges_are_told_once(void **state)
{
	struct fixture *f = *state;
	const struct tfmt_batch *batch;
	struct rec_module *module;
	struct tfmt_reader *reader;
	struct tfmt_error err;
	size_t count = 0;
	uint32_t mapping;

	write_perf_map(f, 2, 3);
	mapping = map(f, "//anon", &module);
	assert_int_equal(module->type, REC_MODULE_JIT);
	for (uint64_t at = 0; at < 200; at += 10)
		rec_namer_want(f->namer, module, mapping, JIT_START + at);
	rec_namer_finish(f->namer, false);
	for (uint64_t at = 0; at < 200; at += 7)
		rec_namer_want(f->namer, module, mapping, JIT_START + at);
	rec_namer_finish(f->namer, false);
	reader = read_back(f);
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SYMBOL), &batch, &err) > 0) {
		for (size_t i = 0; i < batch->count && !batch->is_repeat; i++, count++) {
			const struct tfmt_symbol *symbol = &batch->symbols[i];
			const char *name =
				tfmt_trace_text(tfmt_reader_trace(reader), symbol->function);

			assert_int_equal(symbol->mapping, mapping);
			assert_int_equal(symbol->address, JIT_START + 64 * count);
			assert_int_equal(symbol->length, 64);
			assert_int_equal(atoi(name), count);
		}
	}
	assert_int_equal(count, 2);
	tfmt_reader_free(reader);
}

/* More names than may wait: all are written, and nobody waits forever. */
static void test_many_names(void **state)
{
	struct fixture *f = *state;
	const struct tfmt_batch *batch;
	struct rec_module *module;
	struct tfmt_reader *reader;
	struct tfmt_error err;
	uint32_t mapping;
	size_t count = 0;

	write_perf_map(f, MANY, MANY_NAME_BYTES);
	mapping = map(f, "//anon", &module);
	for (uint64_t i = 0; i < MANY; i++)
		rec_namer_want(f->namer, module, mapping, JIT_START + i * 64);
	rec_namer_finish(f->namer, false);
	reader = read_back(f);
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_SYMBOL), &batch, &err) > 0)
		count += batch->is_repeat ? 0 : batch->count;
	assert_int_equal(count, MANY);
	tfmt_reader_free(reader);
}

/* Given up with more names than may wait: the thread ends all the same. */
static void test_unfinished(void **state)
{
	struct fixture *f = *state;
	struct rec_module *module;
	uint32_t mapping;

	write_perf_map(f, MANY, MANY_NAME_BYTES);
	mapping = map(f, "//anon", &module);
	for (uint64_t i = 0; i < MANY; i++)
		rec_namer_want(f->namer, module, mapping, JIT_START + i * 64);
	rec_namer_work(f->namer);
	usleep(200000);
}

static void test_reasons_are_written(void **state)
{
	struct fixture *f = *state;
	char path[] = "/tmp/test_namer.XXXXXX", wanted[128];
	struct header {
		Elf64_Ehdr file;
		Elf64_Phdr segment;
	} header;
	const struct tfmt_batch *batch;
	struct rec_module *module;
	struct tfmt_reader *reader;
	struct tfmt_error err;
	size_t count = 0;
	uint32_t mapping;
	int fd = mkstemp(path);

	/* A program whose sections, as it says itself, are too many for a program. */
	header = (struct header){
		.file = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct header, segment),
			.e_shoff = sizeof(header),
			.e_ehsize = sizeof(header.file),
			.e_phentsize = sizeof(header.segment),
			.e_phnum = 1,
			.e_shentsize = sizeof(Elf64_Shdr)},
		.segment = {.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_filesz = sizeof(header),
			.p_memsz = sizeof(header)},
	};
	assert_int_equal(write(fd, &header, sizeof(header)), sizeof(header));
	close(fd);
	mapping = map(f, path, &module);
	assert_int_equal(module->type, REC_MODULE_FILE);
	rec_namer_want(f->namer, module, mapping, 0x10);
	rec_namer_want(f->namer, module, mapping, 0x20);
	rec_namer_finish(f->namer, false);
	unlink(path);
	reader = read_back(f);
	snprintf(wanted, sizeof(wanted), "%s: it cannot be read as an ELF file", path);
	while (tfmt_reader_next(reader, TFMT_KIND_BIT(TFMT_INSTANT), &batch, &err) > 0) {
		for (size_t i = 0; i < batch->count; i++, count++) {
			const struct tfmt_instant *note = &batch->instants[i];
			const struct tfmt_trace *trace = tfmt_reader_trace(reader);

			assert_string_equal(tfmt_trace_text(trace, note->name), "symbols");
			assert_string_equal(tfmt_trace_text(trace, note->text), wanted);
			assert_true(note->time_ns > 1);
		}
	}
	assert_int_equal(count, 1);
	tfmt_reader_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_jit_ranges_are_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unfinished, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reasons_are_written, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
