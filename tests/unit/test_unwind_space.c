/* Modules and address spaces: which file an address belongs to, also when files come and go. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/unwind/module.h"

static struct rec_modules *modules;
static char folder[] = "/tmp/test_unwind_space.XXXXXX";

static int set_up(void **state)
{
	modules = rec_modules_new(100);
	return modules && mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	rec_modules_free(modules);
	return rmdir(folder);
}

static void copy_file(const char *from, const char *to)
{
	char buffer[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	ssize_t size;

	assert_true(in >= 0 && out >= 0);
	while ((size = read(in, buffer, sizeof(buffer))) > 0)
		assert_int_equal(write(out, buffer, (size_t)size), size);
	close(in);
	close(out);
}

static struct rec_map_event anonymous(uint64_t start, uint64_t length)
{
	return (struct rec_map_event){
		.pid = 42, .start = start, .length = length, .path = "//anon"};
}

static void assert_at(struct rec_space *space, uint64_t address, const char *path)
{
	uint64_t vaddr;

	assert_string_equal(rec_space_find(space, address, &vaddr)->path, path);
}

static void test_mappings(void **state)
{
	struct rec_space *space = rec_space_new(modules);
	struct rec_map_event event = anonymous(0x10000, 0x10000);
	struct rec_map_event file = {.pid = getpid(),
		.start = 0x14000,
		.length = 0x4000,
		.file_offset = 0x1000,
		.path = "/nowhere/file"};
	uint64_t vaddr;

	assert_non_null(space);
	assert_at(space, 0x10000, "[unknown]");
	assert_int_equal(rec_space_map(space, &event), 0);
	assert_int_equal(rec_space_map(space, &file), 0);
	assert_at(space, 0xffff, "[unknown]");
	assert_at(space, 0x10000, "[jit 42]");
	assert_at(space, 0x13fff, "[jit 42]");
	assert_at(space, 0x14000, "/nowhere/file");
	assert_at(space, 0x17fff, "/nowhere/file");
	assert_at(space, 0x18000, "[jit 42]");
	assert_at(space, 0x1ffff, "[jit 42]");
	assert_at(space, 0x20000, "[unknown]");
	rec_space_find(space, 0x14010, &vaddr);
	assert_int_equal(vaddr, 0x1010);
	rec_space_find(space, 0x18010, &vaddr);
	assert_int_equal(vaddr, 0x18010);

	/* Over everything, and across both ends. */
	event = anonymous(0x12000, 0xa000);
	assert_int_equal(rec_space_map(space, &event), 0);
	assert_at(space, 0x15000, "[jit 42]");
	file.start = 0x1e000;
	assert_int_equal(rec_space_map(space, &file), 0);
	assert_at(space, 0x1dfff, "[jit 42]");
	assert_at(space, 0x21fff, "/nowhere/file");
	event = anonymous(UINT64_MAX - 10, 100);
	assert_int_not_equal(rec_space_map(space, &event), 0);
	rec_space_free(space);
}

static void test_fork_and_exec(void **state)
{
	struct rec_space *parent = rec_space_new(modules), *child, *grandchild;
	struct rec_map_event event = anonymous(0x10000, 0x1000);

	assert_int_equal(rec_space_map(parent, &event), 0);
	child = rec_space_clone(parent);
	grandchild = rec_space_clone(child);
	event = anonymous(0x20000, 0x1000);
	assert_int_equal(rec_space_map(child, &event), 0);
	assert_at(child, 0x20000, "[jit 42]");
	assert_at(child, 0x10000, "[jit 42]");
	assert_at(parent, 0x20000, "[unknown]");
	assert_at(grandchild, 0x20000, "[unknown]");
	rec_space_clear(parent);
	assert_at(parent, 0x10000, "[unknown]");
	assert_at(grandchild, 0x10000, "[jit 42]");
	rec_space_free(parent);
	rec_space_free(child);
	assert_at(grandchild, 0x10000, "[jit 42]");
	rec_space_free(grandchild);
}

/* Many small mappings in no order, against a plain array. */
static void test_many_mappings(void **state)
{
	enum { SLOTS = 4096, PAGE = 0x1000 };
	struct rec_space *space = rec_space_new(modules);
	static uint8_t owner[SLOTS];
	uint32_t seed = 7;

	for (int round = 0; round < 3000; round++) {
		seed = seed * 1664525 + 1013904223;
		size_t first = (seed >> 8) % SLOTS, count = 1 + (seed >> 20) % 9;
		bool is_file = seed >> 31;

		if (first + count > SLOTS)
			count = SLOTS - first;
		struct rec_map_event event = anonymous(first * PAGE + PAGE, count * PAGE);

		if (is_file)
			event.path = "/nowhere/file";
		assert_int_equal(rec_space_map(space, &event), 0);
		memset(owner + first, is_file ? 2 : 1, count);
	}
	static const char *const paths[] = {"[unknown]", "[jit 42]", "/nowhere/file"};

	for (size_t slot = 0; slot < SLOTS; slot++) {
		assert_at(space, slot * PAGE + PAGE, paths[owner[slot]]);
		assert_at(space, slot * PAGE + 2 * PAGE - 1, paths[owner[slot]]);
	}
	rec_space_free(space);
}

static void test_own_maps(void **state)
{
	struct rec_space *space = rec_space_new(modules);
	uint64_t vaddr;

	assert_int_equal(rec_space_read_maps(space, getpid()), 0);
	struct rec_module *self = rec_space_find(space, (uint64_t)(uintptr_t)test_own_maps, &vaddr);
	struct rec_module *libc = rec_space_find(space, (uint64_t)(uintptr_t)getppid, &vaddr);

	assert_int_equal(self->type, REC_MODULE_FILE);
	assert_non_null(strstr(self->path, "test_unwind_space"));
	assert_true(self->fd >= 0);
	assert_non_null(strstr(libc->path, "libc"));
	assert_true(libc->build_id_size > 0);
	assert_ptr_not_equal(self, libc);
	int fd = rec_module_dup(modules, self);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);

	/* A second process with the same files has the same modules. */
	uint32_t count = rec_modules_count(modules);
	struct rec_space *other = rec_space_new(modules);

	assert_int_equal(rec_space_read_maps(other, getpid()), 0);
	assert_ptr_equal(rec_space_find(other, (uint64_t)(uintptr_t)getppid, &vaddr), libc);
	assert_int_equal(rec_modules_count(modules), count);
	rec_space_free(other);
	rec_space_free(space);
}

static const char *path_in_folder(const char *name)
{
	static char path[sizeof(folder) + 32];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* A file that is replaced after it was mapped keeps its own contents; a new one is another. */
static void test_replaced_file(void **state)
{
	const char *path = path_in_folder("program");
	struct rec_space *space = rec_space_new(modules);
	struct rec_map_event event = {.pid = getpid(), .start = 0x400000, .length = 0x1000};
	struct stat old, now;
	uint64_t vaddr;

	copy_file("/proc/self/exe", path);
	assert_int_equal(stat(path, &old), 0);
	event.path = path;
	event.inode = old.st_ino;
	event.device_major = (uint32_t)(old.st_dev >> 8 & 0xfff);
	event.device_minor = (uint32_t)(old.st_dev & 0xff);
	assert_int_equal(rec_space_map(space, &event), 0);
	struct rec_module *first = rec_space_find(space, 0x400000, &vaddr);

	assert_true(first->fd >= 0);
	unlink(path);
	copy_file("/lib/x86_64-linux-gnu/libc.so.6", path);
	assert_int_equal(fstat(first->fd, &now), 0);
	assert_int_equal(now.st_size, old.st_size);
	assert_int_equal(stat(path, &now), 0);
	event.inode = now.st_ino;
	assert_int_equal(rec_space_map(space, &event), 0);
	struct rec_module *second = rec_space_find(space, 0x400000, &vaddr);

	assert_ptr_not_equal(first, second);
	unlink(path);
	rec_space_free(space);
}

/* A file with another build id than the one that was mapped is never looked into. */
static void test_other_build_id(void **state)
{
	static const uint8_t build_id[20] = {1, 2, 3};
	const char *path = path_in_folder("library");
	struct rec_space *space = rec_space_new(modules);
	struct rec_map_event event = {.pid = getpid(),
		.start = 0x400000,
		.length = 0x1000,
		.path = path,
		.build_id = build_id,
		.build_id_size = sizeof(build_id)};
	uint64_t vaddr;

	copy_file("/lib/x86_64-linux-gnu/libc.so.6", path);
	assert_int_equal(rec_space_map(space, &event), 0);
	struct rec_module *module = rec_space_find(space, 0x400000, &vaddr);

	assert_string_equal(module->path, path);
	assert_memory_equal(module->build_id, build_id, sizeof(build_id));
	assert_int_equal(module->fd, -1);
	assert_int_equal(rec_module_dup(modules, module), -1);
	unlink(path);
	rec_space_free(space);
}

static void test_pipe_and_folder(void **state)
{
	const char *path = path_in_folder("pipe");
	struct rec_space *space = rec_space_new(modules);
	struct rec_map_event event = {
		.pid = getpid(), .start = 0x400000, .length = 0x1000, .path = path};
	uint64_t vaddr;

	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(rec_space_map(space, &event), 0); /* opening it would wait for ever */
	assert_int_equal(rec_space_find(space, 0x400000, &vaddr)->fd, -1);
	event.path = folder;
	assert_int_equal(rec_space_map(space, &event), 0);
	assert_int_equal(rec_space_find(space, 0x400000, &vaddr)->fd, -1);
	unlink(path);
	rec_space_free(space);
}

/* Memory of the kind that runtimes write code into is no module with a file. */
static void test_shared_memory(void **state)
{
	struct rec_space *space = rec_space_new(modules);
	int fd = memfd_create("code", MFD_CLOEXEC);
	uint64_t vaddr;

	assert_int_equal(ftruncate(fd, 4096), 0);
	void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(code, MAP_FAILED);
	assert_int_equal(rec_space_read_maps(space, getpid()), 0);
	uint64_t address = (uint64_t)(uintptr_t)code;

	if (access("/proc/self/map_files", X_OK) == 0 && geteuid() == 0) {
		assert_int_equal(rec_space_find(space, address, &vaddr)->type, REC_MODULE_JIT);
		assert_int_equal(vaddr, address);
	}
	munmap(code, 4096);
	close(fd);
	rec_space_free(space);
}

static void test_vdso(void **state)
{
	struct rec_space *space = rec_space_new(modules);
	struct rec_map_event event = {
		.pid = getpid(), .start = 0x7ffff000, .length = 0x2000, .path = "[vdso]"};
	char magic[4];
	uint64_t vaddr;

	assert_int_equal(rec_space_map(space, &event), 0);
	struct rec_module *module = rec_space_find(space, 0x7ffff100, &vaddr);

	assert_int_equal(module->type, REC_MODULE_VDSO);
	assert_int_equal(vaddr, 0x100);
	assert_int_equal(pread(module->fd, magic, 4, 0), 4);
	assert_memory_equal(magic, "\177ELF", 4);
	rec_space_free(space);
}

/* No more files stay open than allowed, and those put aside come back. */
static void test_file_limit(void **state)
{
	struct rec_modules *few = rec_modules_new(2);
	struct rec_space *space = rec_space_new(few);
	size_t open_count = 0;

	assert_int_equal(rec_space_read_maps(space, getpid()), 0);
	assert_true(rec_modules_count(few) > 3);
	for (uint32_t i = 0; i < rec_modules_count(few); i++) {
		const struct rec_module *module = rec_modules_get(few, i);

		open_count += module->type == REC_MODULE_FILE && module->fd >= 0;
	}
	assert_int_equal(open_count, 2);
	for (uint32_t i = 0; i < rec_modules_count(few); i++) {
		struct rec_module *module = rec_modules_get(few, i);

		if (module->type != REC_MODULE_FILE)
			continue;
		int fd = rec_module_dup(few, module);

		assert_true(fd >= 0);
		close(fd);
	}
	rec_space_free(space);
	rec_modules_free(few);
}

/* Memory that is used again is another module from then on, in a child too. */
static void test_renewed_code(void **state)
{
	struct rec_space *space = rec_space_new(modules), *child;
	struct rec_map_event event = anonymous(0x10000, 0x10000);
	uint64_t vaddr;

	assert_int_equal(rec_space_map(space, &event), 0);
	child = rec_space_clone(space);
	rec_module_renew_jit(modules, rec_space_find(space, 0x10000, &vaddr));
	assert_at(space, 0x10000, "[jit 42.1]");
	assert_at(child, 0x10000, "[jit 42.1]");
	event = anonymous(0x30000, 0x1000);
	assert_int_equal(rec_space_map(child, &event), 0);
	assert_at(child, 0x30000, "[jit 42.1]");
	rec_module_renew_jit(modules, rec_space_find(child, 0x30000, &vaddr));
	assert_at(space, 0x10000, "[jit 42.2]");
	rec_space_free(child);
	rec_space_free(space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mappings),
		cmocka_unit_test(test_fork_and_exec),
		cmocka_unit_test(test_many_mappings),
		cmocka_unit_test(test_own_maps),
		cmocka_unit_test(test_replaced_file),
		cmocka_unit_test(test_other_build_id),
		cmocka_unit_test(test_pipe_and_folder),
		cmocka_unit_test(test_shared_memory),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_file_limit),
		cmocka_unit_test(test_renewed_code),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
