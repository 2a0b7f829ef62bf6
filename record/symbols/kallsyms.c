#include "symbols/kallsyms.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracefmt/error.h"

/* Kernels have some 100,000 names of 25 bytes. */
#define SYMBOLS_MAX    (1024 * 1024)
#define NAME_BYTES_MAX (64u << 20)

struct symbol {
	uint64_t address;
	uint32_t name;	 /* offset in `names`; of a module's, the module's name follows it */
	uint8_t is_told; /* given to the caller before */
	uint8_t has_module;
};

struct rec_kallsyms {
	const char *path;
	int fd;
	bool is_open;
	bool is_finished;  /* read to its end, and sorted */
	bool is_hidden;	   /* all addresses were zero */
	char block[65536]; /* what was read but not parsed yet */
	size_t block_bytes;
	struct symbol *symbols; /* ascending, as the kernel proper comes first and sorted */
	size_t count;
	size_t capacity;
	char *names;
	size_t name_bytes;
	size_t name_capacity;
};

struct rec_kallsyms *rec_kallsyms_new(const char *path)
{
	struct rec_kallsyms *kallsyms = calloc(1, sizeof(*kallsyms));

	if (kallsyms) {
		kallsyms->path = path;
		kallsyms->fd = -1;
	}
	return kallsyms;
}

void rec_kallsyms_free(struct rec_kallsyms *kallsyms)
{
	if (!kallsyms)
		return;
	if (kallsyms->fd >= 0)
		close(kallsyms->fd);
	free(kallsyms->symbols);
	free(kallsyms->names);
	free(kallsyms);
}

/* Returns the offset of the copy, or TFMT_E_NOMEM. */
static int64_t add_name(struct rec_kallsyms *kallsyms, const char *name, size_t length)
{
	size_t needed = kallsyms->name_bytes + length + 1;
	int64_t offset = (int64_t)kallsyms->name_bytes;

	if (needed > NAME_BYTES_MAX)
		return TFMT_E_NOMEM;
	if (needed > kallsyms->name_capacity) {
		size_t capacity = needed * 2 > 65536 ? needed * 2 : 65536;
		char *names = realloc(kallsyms->names, capacity);

		if (!names)
			return TFMT_E_NOMEM;
		kallsyms->names = names;
		kallsyms->name_capacity = capacity;
	}
	memcpy(kallsyms->names + offset, name, length);
	kallsyms->names[needed - 1] = '\0';
	kallsyms->name_bytes = needed;
	return offset;
}

static int add_symbol(struct rec_kallsyms *kallsyms, struct symbol symbol)
{
	if (kallsyms->count == SYMBOLS_MAX)
		return TFMT_E_NOMEM;
	if (kallsyms->count == kallsyms->capacity) {
		size_t capacity = kallsyms->capacity ? kallsyms->capacity * 2 : 4096;
		struct symbol *symbols =
			reallocarray(kallsyms->symbols, capacity, sizeof(*symbols));

		if (!symbols)
			return TFMT_E_NOMEM;
		kallsyms->symbols = symbols;
		kallsyms->capacity = capacity;
	}
	kallsyms->symbols[kallsyms->count++] = symbol;
	return 0;
}

static uint64_t parse_hex(const char **at, const char *end)
{
	uint64_t value = 0;

	for (; *at < end; (*at)++) {
		unsigned int digit = (unsigned char)**at;

		if (digit >= '0' && digit <= '9')
			digit -= '0';
		else if (digit >= 'a' && digit <= 'f')
			digit -= 'a' - 10;
		else
			break;
		value = value << 4 | digit;
	}
	return value;
}

/* A line is "ffffffff81000000 T name" and, of modules, "\t[module]". */
static int take_line(struct rec_kallsyms *kallsyms, const char *line, const char *end)
{
	struct symbol symbol = {.address = parse_hex(&line, end)};
	const char *tab;
	int64_t name;

	if (symbol.address != 0)
		kallsyms->is_hidden = false;
	if (end - line < 4 || !strchr("tTwW", line[1]) || symbol.address == 0)
		return 0;
	line += 3;
	/* Room before functions for patching: nothing runs there. */
	if (end - line > 6 && memcmp(line, "__pfx_", 6) == 0)
		return 0;
	/* Of several names of one address the first is the kernel's own choice. */
	if (kallsyms->count > 0 && kallsyms->symbols[kallsyms->count - 1].address == symbol.address)
		return 0;
	tab = memchr(line, '\t', (size_t)(end - line));
	name = add_name(kallsyms, line, (size_t)((tab ? tab : end) - line));
	if (name < 0)
		return (int)name;
	symbol.name = (uint32_t)name;
	if (tab && end - tab > 3 && tab[1] == '[' && end[-1] == ']') {
		symbol.has_module = true;
		if (add_name(kallsyms, tab + 2, (size_t)(end - tab - 3)) < 0)
			return TFMT_E_NOMEM;
	}
	return add_symbol(kallsyms, symbol);
}

/* Read and parse the next block. Returns 1; 0 at the end; TFMT_E_IO; TFMT_E_NOMEM. */
static int read_block(struct rec_kallsyms *kallsyms)
{
	size_t room = sizeof(kallsyms->block) - kallsyms->block_bytes;
	const char *line = kallsyms->block, *end, *newline;
	ssize_t got;

	do {
		got = read(kallsyms->fd, kallsyms->block + kallsyms->block_bytes, room);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return TFMT_E_IO;
	/* A line that fills the whole block is none of the kernel's. */
	if (got == 0)
		return 0;
	kallsyms->block_bytes += (size_t)got;
	end = kallsyms->block + kallsyms->block_bytes;
	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		int result = take_line(kallsyms, line, newline);

		if (result < 0)
			return result;
		line = newline + 1;
	}
	kallsyms->block_bytes = (size_t)(end - line);
	memmove(kallsyms->block, line, kallsyms->block_bytes);
	return 1;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/*
 * Read until the symbols around `address` are known. The kernel proper comes first and in order;
 * for what lies beyond, modules, all is read.
 */
static int read_up_to(struct rec_kallsyms *kallsyms, uint64_t address)
{
	int result = 1;

	while (!kallsyms->is_finished && result == 1) {
		const struct symbol *last =
			kallsyms->count > 0 ? &kallsyms->symbols[kallsyms->count - 1] : NULL;

		if (last && last->address > address && !last->has_module)
			return 0;
		result = read_block(kallsyms);
		if (kallsyms->is_hidden)
			return result < 0 ? result : TFMT_E_UNSUPPORTED;
		if (result == 0) {
			if (kallsyms->count > 0)
				qsort(kallsyms->symbols, kallsyms->count,
					sizeof(*kallsyms->symbols), compare_symbols);
			kallsyms->is_finished = true;
		}
	}
	return result < 0 ? result : 0;
}

static void tell(struct rec_kallsyms *kallsyms, uint64_t address,
	void (*found)(void *arg, const struct rec_kernel_symbol *symbol), void *arg)
{
	struct rec_kernel_symbol answer = {0};
	size_t low = 0, high = kallsyms->count;
	struct symbol *symbol;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kallsyms->symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Beyond the last symbol nothing says how far that one reaches. */
	if (low == 0 || low == kallsyms->count || kallsyms->symbols[low - 1].is_told)
		return;
	symbol = &kallsyms->symbols[low - 1];
	symbol->is_told = true;
	answer.address = symbol->address;
	answer.length = symbol[1].address - symbol->address;
	answer.name = kallsyms->names + symbol->name;
	if (symbol->has_module)
		answer.module = answer.name + strlen(answer.name) + 1;
	found(arg, &answer);
}

static int compare_addresses(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

int rec_kallsyms_resolve(struct rec_kallsyms *kallsyms, uint64_t *addresses, size_t count,
	void (*found)(void *arg, const struct rec_kernel_symbol *symbol), void *arg)
{
	if (!kallsyms->is_open) {
		kallsyms->is_open = true;
		kallsyms->is_hidden = true;
		kallsyms->fd = open(kallsyms->path, O_RDONLY | O_CLOEXEC);
	}
	if (kallsyms->fd < 0)
		return TFMT_E_IO;
	if (kallsyms->is_hidden && kallsyms->block_bytes > 0)
		return TFMT_E_UNSUPPORTED;
	qsort(addresses, count, sizeof(*addresses), compare_addresses);
	for (size_t i = 0; i < count; i++) {
		int result = read_up_to(kallsyms, addresses[i]);

		if (result < 0)
			return result;
		tell(kallsyms, addresses[i], found, arg);
	}
	return 0;
}
