#include "symbols/symbols.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/chain.h"
#include "symbols/debuginfod.h"
#include "symbols/demangle.h"
#include "symbols/dwarf.h"
#include "symbols/elf_file.h"
#include "symbols/frames.h"
#include "symbols/gosymbols.h"
#include "symbols/intervals.h"
#include "symbols/symtab.h"
#include "tracefmt/error.h"

/* Memory of all open files together: beyond it the ones used longest ago are closed. */
#define OPEN_BYTES_MAX (28u << 20)
/* Units of the file at hand that are kept even then. */
#define UNIT_BYTES_MIN (4u << 20)
/* Uncompressed debug information of one file. */
#define UNCOMPRESSED_BYTES_MAX (32u << 20)
/* Files open at a time. */
#define OPEN_FILES_MAX 64
/* The part of a file's name that its functions without names carry. */
#define FILE_NAME_BYTES_MAX 255
/* Files known at all: a bound for the caller's numbers. */
#define MODULES_MAX (1u << 20)

/* A file: what has been told of it, and, while it is open, where its names come from. */
struct module {
	uint32_t id;
	bool is_noted;
	bool is_unusable;
	bool is_open; /* and in the resolver's list */
	bool is_go;
	bool is_not_served; /* by any debuginfod server */
	bool has_tables;    /* symbols and debug information have been read */
	struct rec_intervals told;
	uint64_t used_at; /* the resolver's clock at the last use */
	struct rec_elf_file file;
	struct rec_elf_file debug;  /* closed when there is no separate one */
	struct rec_elf_file shared; /* what dwz moved out of the one with debug information */
	struct rec_elf_file mini;   /* .gnu_debugdata */
	struct go_table go;
	struct rec_symtab symtab;
	struct rec_dwarf *dwarf;   /* NULL when there is none */
	struct rec_frames *frames; /* NULL until an address has no name */
};

struct rec_symbols {
	struct rec_symbols_sink sink;
	struct module **modules; /* by id; NULL where none was asked for */
	size_t module_count;
	struct module *open[OPEN_FILES_MAX];
	size_t open_count;
	uint64_t clock;			   /* counts resolve calls */
	struct rec_debuginfod *debuginfod; /* NULL: not wanted */
	struct rec_chain *chain;
};

struct rec_symbols *rec_symbols_new(const struct rec_symbols_sink *sink)
{
	struct rec_symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return NULL;
	symbols->sink = *sink;
	symbols->chain = malloc(sizeof(*symbols->chain));
	if (!symbols->chain) {
		free(symbols);
		return NULL;
	}
	return symbols;
}

void rec_symbols_ask(struct rec_symbols *symbols, struct rec_debuginfod *debuginfod)
{
	symbols->debuginfod = debuginfod;
}

static void close_module(struct rec_symbols *symbols, struct module *module)
{
	if (!module->is_open)
		return;
	for (size_t i = 0; i < symbols->open_count; i++) {
		if (symbols->open[i] == module)
			symbols->open[i--] = symbols->open[--symbols->open_count];
	}
	rec_dwarf_free(module->dwarf);
	module->dwarf = NULL;
	rec_frames_free(module->frames);
	module->frames = NULL;
	rec_symtab_release(&module->symtab);
	rec_elf_close(&module->mini);
	rec_elf_close(&module->shared);
	rec_elf_close(&module->debug);
	rec_elf_close(&module->file);
	module->is_open = false;
	module->has_tables = false;
}

void rec_symbols_free(struct rec_symbols *symbols)
{
	if (!symbols)
		return;
	for (size_t i = 0; i < symbols->module_count; i++) {
		if (!symbols->modules[i])
			continue;
		close_module(symbols, symbols->modules[i]);
		rec_intervals_release(&symbols->modules[i]->told);
		free(symbols->modules[i]);
	}
	free(symbols->modules);
	free(symbols->chain);
	free(symbols);
}

/* The module of that number, made when it is new. Returns NULL when there is no memory. */
static struct module *module_of(struct rec_symbols *symbols, uint32_t id)
{
	if (id >= MODULES_MAX)
		return NULL;
	if (id >= symbols->module_count) {
		size_t count = (size_t)id + 64;
		struct module **modules =
			reallocarray(symbols->modules, count, sizeof(struct module *));

		if (!modules)
			return NULL;
		memset(modules + symbols->module_count, 0,
			(count - symbols->module_count) * sizeof(struct module *));
		symbols->modules = modules;
		symbols->module_count = count;
	}
	if (!symbols->modules[id]) {
		symbols->modules[id] = calloc(1, sizeof(struct module));
		if (symbols->modules[id])
			symbols->modules[id]->id = id;
	}
	return symbols->modules[id];
}

static void note(struct rec_symbols *symbols, struct module *module, const char *reason)
{
	if (!module->is_noted && symbols->sink.note)
		symbols->sink.note(symbols->sink.arg, module->id, reason);
	module->is_noted = true;
}

/* Whether nobody has written to the file. */
static bool is_unchanged(int fd, const struct stat *stat)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_size == stat->st_size &&
	       now.st_mtim.tv_sec == stat->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == stat->st_mtim.tv_nsec;
}

static bool is_expected(const struct rec_elf_file *file, const struct rec_symbol_module *wanted)
{
	if (!wanted->build_id || wanted->build_id_bytes == 0)
		return !wanted->stat || is_unchanged(file->fd, wanted->stat);
	return file->build_id && file->build_id_bytes == wanted->build_id_bytes &&
	       memcmp(file->build_id, wanted->build_id, wanted->build_id_bytes) == 0;
}

/* Add what dwz has moved into another file. */
static void open_shared(struct module *module, const char *path, bool *ret_too_large)
{
	bool is_separate = module->debug.elf;

	if (rec_elf_open_shared(&module->shared, is_separate ? &module->debug : &module->file,
		    is_separate ? module->debug.path : path) == 0)
		rec_dwarf_add_shared(
			module->dwarf, &module->shared, UNCOMPRESSED_BYTES_MAX, ret_too_large);
}

/* Open the separate debug file: the one that is here, or what a server has. Returns 0 or an error.
 */
static int open_debug(
	struct rec_symbols *symbols, struct module *module, const struct rec_symbol_module *wanted)
{
	const struct rec_elf_file *file = &module->file;
	int fd, result;

	if (rec_elf_open_debug(&module->debug, file, wanted->path) == 0)
		return 0;
	if (!symbols->debuginfod || !file->build_id || module->is_not_served)
		return TFMT_E_IO;
	fd = rec_debuginfod_fetch(symbols->debuginfod, file->build_id, file->build_id_bytes);
	result = fd < 0 ? TFMT_E_IO : rec_elf_open_proven(&module->debug, file, fd);
	if (fd >= 0)
		close(fd);
	module->is_not_served = result < 0;
	return result;
}

/* Open the debug information: the file's own, or that of its separate debug file. */
static void open_dwarf(struct rec_symbols *symbols, struct module *module,
	const struct rec_text *text, const struct rec_symbol_module *wanted)
{
	bool is_too_large = false;

	module->dwarf = rec_dwarf_new(&module->file, text, UNCOMPRESSED_BYTES_MAX, &is_too_large);
	if (!module->dwarf && open_debug(symbols, module, wanted) == 0 && !wanted->is_hardly_used)
		module->dwarf =
			rec_dwarf_new(&module->debug, text, UNCOMPRESSED_BYTES_MAX, &is_too_large);
	if (module->dwarf)
		open_shared(module, wanted->path, &is_too_large);
	if (is_too_large)
		note(symbols, module, "its compressed debug information is too large: no lines");
}

/* The file used longest ago, apart from `current`; NULL when no other is open. */
static struct module *oldest_but(const struct rec_symbols *symbols, const struct module *current)
{
	struct module *oldest = NULL;

	for (size_t i = 0; i < symbols->open_count; i++) {
		struct module *module = symbols->open[i];

		if (module != current && (!oldest || module->used_at < oldest->used_at))
			oldest = module;
	}
	return oldest;
}

/* Read symbols and debug information. Returns 0 or TFMT_E_NOMEM. */
static int read_tables(
	struct rec_symbols *symbols, struct module *module, const struct rec_symbol_module *wanted)
{
	struct rec_text text;

	if (module->has_tables)
		return 0;
	module->has_tables = true;
	rec_elf_text(&module->file, &text);
	open_dwarf(symbols, module, &text, wanted);
	if (rec_elf_open_mini(&module->mini, &module->file, UNCOMPRESSED_BYTES_MAX) == TFMT_E_LIMIT)
		note(symbols, module, "its packed symbols are too large");
	return rec_symtab_load(&module->symtab, &module->file,
		module->debug.elf ? &module->debug : NULL, module->mini.elf ? &module->mini : NULL,
		&text);
}

/* Returns 0; TFMT_E_FORMAT when the file cannot be used. */
static int open_module(
	struct rec_symbols *symbols, struct module *module, const struct rec_symbol_module *wanted)
{
	struct rec_span bytes;
	int result;

	if (module->is_unusable)
		return TFMT_E_FORMAT;
	if (symbols->open_count == OPEN_FILES_MAX)
		close_module(symbols, oldest_but(symbols, module));
	result = rec_elf_open(&module->file, wanted->fd);
	if (result < 0) {
		note(symbols, module, "it cannot be read as an ELF file");
		module->is_unusable = true;
		return TFMT_E_FORMAT;
	}
	module->is_open = true;
	symbols->open[symbols->open_count++] = module;
	if (!is_expected(&module->file, wanted)) {
		note(symbols, module, "the file has been replaced since it was mapped");
		close_module(symbols, module);
		module->is_unusable = true;
		return TFMT_E_FORMAT;
	}
	bytes = rec_elf_bytes(&module->file);
	module->is_go = go_table_find(bytes.data, bytes.size, &module->go);
	return 0;
}

static size_t open_bytes(const struct module *module)
{
	size_t bytes =
		module->file.owned_bytes + module->debug.owned_bytes + module->shared.owned_bytes;

	bytes += rec_symtab_bytes(&module->symtab);
	if (module->dwarf)
		bytes += rec_dwarf_bytes(module->dwarf) + rec_dwarf_cached_bytes(module->dwarf);
	if (module->frames)
		bytes += rec_frames_bytes(module->frames);
	return bytes;
}

/* Give memory back until the open files fit: other files first, then units of the current one. */
static void trim(struct rec_symbols *symbols, struct module *current)
{
	for (;;) {
		struct module *oldest;
		size_t bytes = 0;

		for (size_t i = 0; i < symbols->open_count; i++)
			bytes += open_bytes(symbols->open[i]);
		if (bytes <= OPEN_BYTES_MAX)
			return;
		oldest = oldest_but(symbols, current);
		if (!oldest)
			break;
		close_module(symbols, oldest);
	}
	if (current->dwarf && rec_dwarf_cached_bytes(current->dwarf) > UNIT_BYTES_MIN)
		rec_dwarf_forget(current->dwarf);
}

/*
 * Give the chain's last function the name that its symbol has, with scope and parameters, but
 * without what says that this is a part or a variant of it.
 */
static void name_from_symbol(
	struct rec_chain *chain, const struct rec_symtab_entry *symbol, struct rec_interval range)
{
	static const char *const part_suffixes[] = {
		".cold", ".part.", ".isra.", ".constprop.", ".lto_priv."};
	char name[REC_NAME_BYTES_MAX];

	if (!symbol || symbol->is_plt || strnlen(symbol->name, sizeof(name)) == sizeof(name))
		return;
	strcpy(name, symbol->name);
	for (size_t i = 0; i < sizeof(part_suffixes) / sizeof(part_suffixes[0]); i++) {
		char *suffix = strstr(name, part_suffixes[i]);

		if (suffix && suffix > name)
			*suffix = '\0';
	}
	rec_chain_narrow(chain, range);
	chain->rows[chain->count - 1].function = rec_chain_name(chain, name, "");
}

/* Name the chain's only function after the place where it begins: "libz.so.1+0x3140". */
static void name_from_frames(
	struct module *module, const char *path, uint64_t address, struct rec_chain *chain)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	const char *base_name = slash ? slash + 1 : path;
	struct rec_interval function;
	char name[FILE_NAME_BYTES_MAX + 32];

	if (!module->frames)
		module->frames = rec_frames_new(&module->file);
	if (!module->frames || !rec_frames_find(module->frames, address, &function))
		return;
	snprintf(name, sizeof(name), "%.*s+0x%" PRIx64, FILE_NAME_BYTES_MAX,
		base_name && *base_name ? base_name : "[unknown]", function.low);
	rec_chain_narrow(chain, function);
	if (chain->count == 0)
		chain->rows[chain->count++] = (struct rec_symbol_row){0};
	chain->rows[0].function = rec_chain_text(chain, name);
}

/* Fill the empty chain from symbols and debug information. */
static void find_in_tables(
	struct module *module, const char *path, uint64_t address, struct rec_chain *chain)
{
	struct rec_interval range = {0, UINT64_MAX};
	const struct rec_symtab_entry *symbol = rec_symtab_find(&module->symtab, address, &range);
	enum rec_dwarf_found found = REC_DWARF_NOTHING;

	if (module->dwarf)
		found = rec_dwarf_find(module->dwarf, address, chain);
	if (found == REC_DWARF_FUNCTION)
		return;
	if (found == REC_DWARF_SHORT_NAME) {
		name_from_symbol(chain, symbol, range);
		return;
	}
	rec_chain_narrow(chain, range);
	if (!symbol) {
		name_from_frames(module, path, address, chain);
		return;
	}
	if (chain->count == 0)
		chain->rows[chain->count++] = (struct rec_symbol_row){0};
	chain->rows[0].function = rec_chain_name(chain, symbol->name, symbol->is_plt ? "@plt" : "");
}

/*
 * Fill the chain for an address. It stays empty when no function is known to be there.
 * Returns 0 or TFMT_E_NOMEM.
 */
static int find(struct rec_symbols *symbols, struct module *module,
	const struct rec_symbol_module *wanted, uint64_t address)
{
	struct rec_chain *chain = symbols->chain;
	int result;

	chain->count = 0;
	chain->text_used = 0;
	chain->range = (struct rec_interval){0, UINT64_MAX};
	if (module->is_go && rec_go_find(&module->go, address, chain))
		return 0;
	result = read_tables(symbols, module, wanted);
	if (result == 0)
		find_in_tables(module, wanted->path, address, chain);
	return result;
}

static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

int rec_symbols_resolve(struct rec_symbols *symbols, const struct rec_symbol_module *wanted,
	uint64_t *addresses, size_t count)
{
	struct module *module = module_of(symbols, wanted->id);
	struct rec_chain *chain = symbols->chain;
	int result;

	if (!module)
		return TFMT_E_NOMEM;
	module->used_at = ++symbols->clock;
	/* What is mapped here changes with the file. */
	if (module->is_open && !is_expected(&module->file, wanted))
		close_module(symbols, module);
	qsort(addresses, count, sizeof(*addresses), compare_addresses);
	for (size_t i = 0; i < count; i++) {
		if (rec_intervals_contain(&module->told, addresses[i]))
			continue;
		if (!module->is_open) {
			result = open_module(symbols, module, wanted);
			if (result < 0)
				return 0;
		}
		result = find(symbols, module, wanted, addresses[i]);
		if (result < 0) {
			close_module(symbols, module);
			return result;
		}
		trim(symbols, module);
		if (module->dwarf && rec_dwarf_is_given_up(module->dwarf))
			note(symbols, module, "its debug information takes too long to read");
		if (chain->count == 0)
			continue;
		rec_intervals_clip(&module->told, addresses[i], &chain->range);
		result = rec_intervals_add(&module->told, chain->range);
		if (result < 0)
			return result;
		symbols->sink.rows(symbols->sink.arg, module->id, chain->range.low,
			chain->range.high - chain->range.low, chain->rows, chain->count);
	}
	return 0;
}
