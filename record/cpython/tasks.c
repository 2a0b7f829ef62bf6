#include "cpython/tasks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cpython/runtime.h"
#include "cpython/text.h"
#include "symbols/elf_file.h"

/* Numbers of 64 bits in the section: of a task, of the interpreter's part, of the thread's. */
enum {
	TASK_NAME = 1,
	TASK_COROUTINE = 5,
	THREAD_RUNNING = 11,
	NUMBERS = 13,
};
#define MAX_TASK_OFFSET	  4096
#define MAX_THREAD_OFFSET 65536

/* Of all versions: PyTypeObject.tp_flags, and its flag of int and what is derived from it. */
#define TYPE_FLAGS 168
#define IS_INT	   (1u << 24)
/* int objects of up to two digits of 30 bits. */
#define INT_TAG	   16
#define INT_DIGITS 24

static uint64_t section_of(int fd)
{
	struct rec_elf_file file = {0};
	GElf_Shdr header;
	uint64_t address = 0;
	if (rec_elf_open(&file, fd) != 0)
		return 0;
	if (rec_elf_section(&file, ".AsyncioDebug", &header))
		address = header.sh_addr;
	rec_elf_close(&file);
	return address;
}

static bool take_section(
	struct py_memory *memory, uint64_t address, struct py_task_layout *ret_layout)
{
	uint64_t numbers[NUMBERS];
	if (!py_read(memory, address, numbers, sizeof(numbers)) ||
		numbers[TASK_NAME] - 1 >= MAX_TASK_OFFSET ||
		numbers[TASK_COROUTINE] - 1 >= MAX_TASK_OFFSET ||
		numbers[THREAD_RUNNING] - 1 >= MAX_THREAD_OFFSET)
		return false;
	*ret_layout = (struct py_task_layout){
		.thread_running = (uint32_t)numbers[THREAD_RUNNING],
		.name = (uint32_t)numbers[TASK_NAME],
		.coroutine = (uint32_t)numbers[TASK_COROUTINE],
	};
	return true;
}

struct search {
	struct py_memory *memory;
	struct rec_modules *modules;
	bool with_interpreter;
	struct py_task_layout *ret_layout;
	enum py_tasks_state state;
};

/* A visitor of rec_space_each(). The module is a file of its own, or a part of the interpreter. */
static bool look_into(void *opaque, struct rec_module *module, uint64_t bias)
{
	struct search *search = opaque;
	const char *slash = strrchr(module->path, '/');
	bool is_own = strncmp(slash ? slash + 1 : module->path, "_asyncio.", 9) == 0;
	if (module->type != REC_MODULE_FILE ||
		!(is_own || (search->with_interpreter && py_is_interpreter_name(module->path))))
		return true;
	int fd = rec_module_dup(search->modules, module);
	uint64_t address = fd >= 0 ? section_of(fd) : 0;
	if (fd >= 0)
		close(fd);
	if (address != 0 && take_section(search->memory, address - bias, search->ret_layout))
		search->state = PY_TASKS_FOUND;
	else if (is_own)
		search->state = PY_TASKS_TOO_OLD;
	return search->state != PY_TASKS_FOUND;
}

enum py_tasks_state py_tasks_find(struct py_memory *memory, struct rec_modules *modules,
	struct rec_space *space, bool with_interpreter, struct py_task_layout *ret_layout)
{
	struct search search = {memory, modules, with_interpreter, ret_layout, PY_TASKS_NOT_LOADED};
	rec_space_each(space, look_into, &search);
	return search.state;
}

/* One that nobody has named is a number until somebody asks. */
static bool read_name(
	struct py_memory *memory, const struct py_layout *layout, struct py_task *task)
{
	uint64_t type, flags, tag;
	uint32_t digits[2] = {0};
	if (!py_read_pointer(memory, task->name_at + layout->object_type, &type) ||
		!py_read_pointer(memory, type + TYPE_FLAGS, &flags))
		return false;
	if (!(flags & IS_INT))
		return py_read_text(memory, layout, task->name_at, task->name, sizeof(task->name)) >
		       0;
	if (!py_read_pointer(memory, task->name_at + INT_TAG, &tag) || tag >> 3 > 2 ||
		!py_read(memory, task->name_at + INT_DIGITS, digits, (tag >> 3) * 4))
		return false;
	snprintf(task->name, sizeof(task->name), "Task-%llu",
		(unsigned long long)(digits[0] | (uint64_t)digits[1] << 30));
	return true;
}

bool py_task_read(struct py_memory *memory, const struct py_layout *layout,
	const struct py_task_layout *tasks, uint64_t address, struct py_task *task)
{
	uint64_t name_at = 0, coroutine = 0;
	struct py_range ranges[] = {
		{address + tasks->name, &name_at, sizeof(name_at)},
		{address + tasks->coroutine, &coroutine, sizeof(coroutine)},
	};
	if (address != 0 && memory->read(memory, ranges, 2) == 2) {
		if (task->address == address && task->name_at == name_at &&
			task->coroutine == coroutine)
			return true;
		task->address = address;
		task->name_at = name_at;
		task->coroutine = coroutine;
		if (read_name(memory, layout, task))
			return true;
	}
	task->address = 0;
	return false;
}
