#include "cpython/runtime.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/elf_file.h"
#include "tracefmt/error.h"

/* From it on the runtime says where everything is. */
#define PY_SELF_DESCRIBED_MINOR 13

/* What the file says, in its own addresses; 0: nothing. */
struct image {
	uint64_t runtime, code_type, version;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool py_is_interpreter_name(const char *path)
{
	const char *name = base_name(path);
	return strncmp(name, "python", 6) == 0 || strncmp(name, "libpython3", 10) == 0;
}

/* The minor version in "python3.9", "libpython3.9.so.1.0", ".../python3.9/..."; 0: none. */
static unsigned minor_of_path(const char *path)
{
	for (const char *at = path; (at = strstr(at, "python3.")); at++)
		if (isdigit((unsigned char)at[8]))
			return (unsigned)strtoul(at + 8, NULL, 10);
	return 0;
}

/* ---- what the file says ---- */

static void take_symbol(struct image *image, const char *name, uint64_t value)
{
	if (strcmp(name, "_PyRuntime") == 0)
		image->runtime = value;
	else if (strcmp(name, "PyCode_Type") == 0)
		image->code_type = value;
	else if (strcmp(name, "Py_Version") == 0)
		image->version = value;
}

static void take_symbols(struct image *image, struct rec_elf_file *file, Elf_Scn *section)
{
	GElf_Shdr header;
	if (!gelf_getshdr(section, &header) || header.sh_entsize == 0)
		return;
	struct rec_span names = rec_elf_strings(file, header.sh_link);
	Elf_Data *data = elf_getdata(section, NULL);
	int count = (int)(header.sh_size / header.sh_entsize);
	for (int i = 0; data && i < count; i++) {
		GElf_Sym symbol;
		if (gelf_getsym(data, i, &symbol) && symbol.st_shndx != SHN_UNDEF &&
			symbol.st_name < names.size)
			take_symbol(
				image, (const char *)names.data + symbol.st_name, symbol.st_value);
	}
}

static bool read_image(int fd, struct image *ret_image)
{
	struct rec_elf_file file = {0};
	struct image image = {0};
	GElf_Shdr header;
	if (rec_elf_open(&file, fd) != 0)
		return false;
	for (Elf_Scn *section = NULL; (section = elf_nextscn(file.elf, section));)
		if (gelf_getshdr(section, &header) &&
			(header.sh_type == SHT_DYNSYM || header.sh_type == SHT_SYMTAB))
			take_symbols(&image, &file, section);
	if (image.runtime == 0 && rec_elf_section(&file, ".PyRuntime", &header))
		image.runtime = header.sh_addr;
	rec_elf_close(&file);
	*ret_image = image;
	return image.runtime != 0;
}

/* ---- the version ---- */

/* From 3.13 on the runtime describes itself. Returns as py_layout_from_debug_offsets(). */
static int ask_runtime(struct py_memory *memory, struct py_runtime *runtime)
{
	uint8_t bytes[PY_DEBUG_OFFSETS_BYTES];
	if (!py_read(memory, runtime->address, bytes, sizeof(bytes)))
		return TFMT_E_FORMAT;
	return py_layout_from_debug_offsets(bytes, &runtime->layout, &runtime->version);
}

static bool take_table(struct py_runtime *runtime, unsigned minor)
{
	const struct py_layout *layout = py_layout_of(minor);
	if (!layout)
		return false;
	runtime->layout = *layout;
	return true;
}

static void describe_old(unsigned minor, char *ret_reason, size_t reason_bytes)
{
	snprintf(ret_reason, reason_bytes,
		"Python 3.%u: its stacks cannot be read (3.%d and later can)", minor,
		PY_OLDEST_MINOR);
}

/* What is known while the modules of a process are looked through. */
struct search {
	struct py_memory *memory;
	struct rec_modules *modules;
	struct py_runtime *runtime;
	bool has_named;	    /* there is a file with the name of an interpreter */
	bool takes_program; /* the first file is looked into, whatever its name */
	unsigned minor;	    /* as the paths of anything mapped tell; 0: they do not */
	int code;	    /* as of py_runtime_find() */
	char *reason;
	size_t reason_bytes;
};

/* A version without debug offsets, from what its file and its name say. */
static int take_old_version(struct search *search, const struct image *image, uint64_t bias)
{
	struct py_runtime *runtime = search->runtime;
	uint64_t version = 0;
	unsigned minor = search->minor;
	if (image->version != 0 &&
		py_read_pointer(search->memory, image->version - bias, &version) &&
		version >> 24 == 3)
		minor = version >> 16 & 0xff;
	runtime->version = version ? (uint32_t)version : 3u << 24 | minor << 16;
	if (take_table(runtime, minor))
		return 0;
	/* It would describe itself: its data is not mapped yet. */
	if (minor >= PY_SELF_DESCRIBED_MINOR)
		return TFMT_E_FORMAT;
	if (minor == 0)
		snprintf(search->reason, search->reason_bytes,
			"nothing tells which version of Python it is");
	else
		describe_old(minor, search->reason, search->reason_bytes);
	return TFMT_E_UNSUPPORTED;
}

static int take_image(struct search *search, const struct image *image, uint64_t bias)
{
	struct py_runtime *runtime = search->runtime;
	*runtime = (struct py_runtime){.address = image->runtime - bias};
	if (image->code_type != 0)
		runtime->code_type = image->code_type - bias;
	int code = ask_runtime(search->memory, runtime);
	if (code == TFMT_E_UNSUPPORTED)
		snprintf(search->reason, search->reason_bytes,
			"a free-threaded build of Python: its stacks cannot be read yet");
	if (code == TFMT_E_FORMAT)
		return take_old_version(search, image, bias);
	runtime->is_newer = code == 0 && runtime->layout.minor > PY_NEWEST_MINOR;
	return code;
}

/* Visitors of rec_space_each(): true to go on. */

static bool find_minor(void *opaque, struct rec_module *module, uint64_t bias)
{
	struct search *search = opaque;
	search->minor = minor_of_path(module->path);
	return search->minor == 0;
}

static bool look_into(void *opaque, struct rec_module *module, uint64_t bias)
{
	struct search *search = opaque;
	struct image image;
	unsigned minor = minor_of_path(module->path);
	bool is_named = py_is_interpreter_name(module->path);
	if (module->type != REC_MODULE_FILE || !(is_named || search->takes_program))
		return true;
	search->has_named |= is_named;
	int fd = rec_module_dup(search->modules, module);
	if (fd < 0)
		return true;
	if (read_image(fd, &image)) {
		search->code = take_image(search, &image, bias);
	} else if (minor != 0 && minor < PY_OLDEST_MINOR) {
		describe_old(minor, search->reason, search->reason_bytes);
		search->code = TFMT_E_UNSUPPORTED;
	}
	close(fd);
	return search->code == TFMT_E_FORMAT && !search->takes_program;
}

struct program {
	struct rec_modules *modules;
	bool has_interpreter;
};

/* A visitor too. */
static bool look_at_program(void *opaque, struct rec_module *module, uint64_t bias)
{
	struct program *program = opaque;
	struct rec_elf_file file = {0};
	GElf_Shdr header;
	if (module->type != REC_MODULE_FILE)
		return true;
	int fd = rec_module_dup(program->modules, module);
	if (fd < 0)
		return false;
	if (rec_elf_open(&file, fd) == 0) {
		program->has_interpreter = rec_elf_section(&file, ".PyRuntime", &header) != NULL;
		rec_elf_close(&file);
	}
	close(fd);
	return false;
}

bool py_is_in_program(struct rec_modules *modules, struct rec_space *space)
{
	struct program program = {.modules = modules};
	rec_space_each(space, look_at_program, &program);
	return program.has_interpreter;
}

int py_runtime_find(struct py_memory *memory, struct rec_modules *modules, struct rec_space *space,
	struct py_runtime *ret_runtime, char *ret_reason, size_t reason_bytes)
{
	struct py_runtime runtime = {0};
	struct search search = {
		.memory = memory,
		.modules = modules,
		.runtime = &runtime,
		.code = TFMT_E_FORMAT,
		.reason = ret_reason,
		.reason_bytes = reason_bytes,
	};
	rec_space_each(space, find_minor, &search);
	rec_space_each(space, look_into, &search);
	search.takes_program = !search.has_named;
	if (search.takes_program)
		rec_space_each(space, look_into, &search);
	if (search.code == 0)
		*ret_runtime = runtime;
	return search.code;
}
