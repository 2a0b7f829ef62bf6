#include "dump/names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/jit.h"
#include "symbols/kallsyms.h"

/* Stands for the kernel where others have their module's index. */
#define KERNEL UINT32_MAX

struct wanted {
	uint32_t module;
	uint64_t address;
};

struct range {
	uint32_t module;
	uint64_t start, end;
	struct rec_symbol_row *rows; /* with texts of their own */
	size_t row_count;
};

struct rec_names {
	struct rec_modules *modules;
	struct wanted *wanted;
	size_t wanted_count, wanted_capacity;
	struct range *ranges; /* by module and address, once found */
	size_t range_count, range_capacity;
};

static char *copy_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

struct rec_names *rec_names_new(struct rec_modules *modules)
{
	struct rec_names *names = calloc(1, sizeof(*names));
	if (names)
		names->modules = modules;
	return names;
}

void rec_names_free(struct rec_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->range_count; i++) {
		struct range *range = &names->ranges[i];
		for (size_t j = 0; j < range->row_count; j++) {
			free((char *)range->rows[j].function);
			free((char *)range->rows[j].file);
		}
		free(range->rows);
	}
	free(names->ranges);
	free(names->wanted);
	free(names);
}

/* Room for one more in an array. Returns it, moved perhaps, or NULL without memory. */
static void *grow(void *array, size_t count, size_t *capacity, size_t item_bytes)
{
	if (count < *capacity)
		return array;
	size_t grown_capacity = *capacity ? 2 * *capacity : 256;
	void *grown = reallocarray(array, grown_capacity, item_bytes);
	if (grown)
		*capacity = grown_capacity;
	return grown;
}

void rec_names_want(struct rec_names *names, const struct rec_module *module, uint64_t address)
{
	struct wanted *wanted =
		grow(names->wanted, names->wanted_count, &names->wanted_capacity, sizeof(*wanted));
	if (!wanted)
		return;
	names->wanted = wanted;
	wanted[names->wanted_count++] = (struct wanted){module ? module->index : KERNEL, address};
}

/* ---- answers ---- */

static void add_rows(void *context, uint32_t module, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	struct rec_names *names = context;
	struct range *ranges =
		grow(names->ranges, names->range_count, &names->range_capacity, sizeof(*ranges));
	struct rec_symbol_row *copies = calloc(count, sizeof(*copies));
	if (ranges)
		names->ranges = ranges;
	if (!ranges || !copies) {
		free(copies);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		copies[i] = rows[i];
		copies[i].function = copy_text(rows[i].function);
		copies[i].file = copy_text(rows[i].file);
	}
	ranges[names->range_count++] =
		(struct range){module, address, address + length, copies, count};
}

static void add_kernel_symbol(void *context, const struct rec_kernel_symbol *symbol)
{
	struct rec_symbol_row row = {.function = symbol->name};
	add_rows(context, KERNEL, symbol->address, symbol->length, &row, 1);
}

/* ---- questions ---- */

struct resolvers {
	struct rec_symbols *symbols;
	struct rec_kallsyms *kallsyms;
	struct rec_jit *jit;
};

static void find_jit(struct resolvers *by, const struct rec_module *module,
	const uint64_t *addresses, size_t count)
{
	struct rec_jit_process process;
	rec_jit_look(module->pid, &process);
	rec_jit_resolve(by->jit, &process, module->index, addresses, count);
	if (process.root >= 0)
		close(process.root);
	if (process.jitdump >= 0)
		close(process.jitdump);
}

static void find_in_file(struct resolvers *by, struct rec_modules *modules,
	struct rec_module *module, uint64_t *addresses, size_t count)
{
	struct rec_symbol_module file = {
		.id = module->index,
		.fd = rec_module_dup(modules, module),
		.path = module->path,
		.build_id = module->build_id_size ? module->build_id : NULL,
		.build_id_bytes = module->build_id_size,
	};
	if (file.fd < 0)
		return;
	rec_symbols_resolve(by->symbols, &file, addresses, count);
	close(file.fd);
}

/* All wanted addresses of one module. */
static void find_of(struct rec_names *names, struct resolvers *by, uint32_t index,
	uint64_t *addresses, size_t count)
{
	if (index == KERNEL) {
		rec_kallsyms_resolve(by->kallsyms, addresses, count, add_kernel_symbol, names);
		return;
	}
	struct rec_module *module = rec_modules_get(names->modules, index);
	if (module->type == REC_MODULE_JIT)
		find_jit(by, module, addresses, count);
	else if (module->type != REC_MODULE_UNKNOWN)
		find_in_file(by, names->modules, module, addresses, count);
}

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *left = a, *right = b;
	if (left->module != right->module)
		return left->module < right->module ? -1 : 1;
	return (left->address > right->address) - (left->address < right->address);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;
	if (left->module != right->module)
		return left->module < right->module ? -1 : 1;
	return (left->start > right->start) - (left->start < right->start);
}

static void find_all(struct rec_names *names, struct resolvers *by, uint64_t *addresses)
{
	for (size_t first = 0, i = 0; i < names->wanted_count; i++) {
		addresses[i - first] = names->wanted[i].address;
		bool is_last = i + 1 == names->wanted_count ||
			       names->wanted[i + 1].module != names->wanted[i].module;
		if (!is_last)
			continue;
		find_of(names, by, names->wanted[i].module, addresses, i + 1 - first);
		first = i + 1;
	}
}

void rec_names_find(struct rec_names *names)
{
	struct rec_symbols_sink found = {.arg = names, .rows = add_rows};
	struct rec_jit_sink jit_found = {.arg = names, .rows = add_rows};
	struct resolvers by = {
		.symbols = rec_symbols_new(&found),
		.kallsyms = rec_kallsyms_new("/proc/kallsyms"),
		.jit = rec_jit_new(&jit_found),
	};
	uint64_t *addresses = calloc(names->wanted_count + 1, sizeof(*addresses));
	if (names->wanted_count > 0)
		qsort(names->wanted, names->wanted_count, sizeof(*names->wanted), compare_wanted);
	if (by.symbols && by.kallsyms && by.jit && addresses) {
		find_all(names, &by, addresses);
		rec_jit_finish(by.jit);
	}
	if (names->range_count > 0)
		qsort(names->ranges, names->range_count, sizeof(*names->ranges), compare_ranges);
	free(addresses);
	rec_jit_free(by.jit);
	rec_kallsyms_free(by.kallsyms);
	rec_symbols_free(by.symbols);
}

static int compare_with_range(const void *key, const void *item)
{
	const struct wanted *wanted = key;
	const struct range *range = item;
	if (wanted->module != range->module)
		return wanted->module < range->module ? -1 : 1;
	if (wanted->address < range->start)
		return -1;
	return wanted->address >= range->end;
}

size_t rec_names_get(const struct rec_names *names, const struct rec_module *module,
	uint64_t address, const struct rec_symbol_row **ret_rows)
{
	struct wanted key = {module ? module->index : KERNEL, address};
	if (names->range_count == 0)
		return 0;
	const struct range *range = bsearch(&key, names->ranges, names->range_count,
		sizeof(*names->ranges), compare_with_range);
	if (!range)
		return 0;
	*ret_rows = range->rows;
	return range->row_count;
}
