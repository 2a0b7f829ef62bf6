/*
 * Names for the addresses of ELF files: function, file, line and the chain of inlined functions.
 *
 * A resolver is given addresses, a module at a time and best in large batches, and hands back
 * ranges: the largest one around each address over which the whole answer is the same. What a
 * module has been told once is not told again. Sources, best first: DWARF of the file, DWARF of a
 * separate debug file that proves (build id or checksum) to belong to it, .symtab, .dynsym, and
 * the names of its PLT entries. What has no name there, as in a stripped file, but belongs to a
 * function by .eh_frame, is that function under the file's name and its start, "libz.so.1+0x3140":
 * all its addresses are one function still. An address that nothing covers gets no answer; none
 * ever gets the name of a neighbour. Nothing is fetched from the network, but for who asks for it.
 *
 * Files are taken to be hostile: what contradicts itself has no names. Memory is bounded by
 * closing the files that were used longest ago.
 *
 * Threads: one resolver, one thread.
 */
#ifndef RECORD_SYMBOLS_H
#define RECORD_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat;
struct rec_symbols;
struct rec_debuginfod;

/* A module whose addresses are asked for. Everything is borrowed for the call only. */
struct rec_symbol_module {
	uint32_t id; /* the caller's number for it: the same file, the same number */
	int fd;	     /* the ELF file, open for reading */
	/* Where to look for a separate debug file, and what to call functions without names. */
	const char *path;	 /* NULL or "": "[unknown]" */
	const uint8_t *build_id; /* what the file's build id has to be; NULL when not known */
	size_t build_id_bytes;	 /* 0 when not known */
	/* Without a build id: what the file was like while it was the right one; NULL: not known.
	 */
	const struct stat *stat;
	/* No lines and inlined functions from a separate debug file: unpacking it costs 40 ms. */
	bool is_hardly_used;
};

/* One function of a chain. Texts live until the callback returns; NULL when not known. */
struct rec_symbol_row {
	const char *function; /* at most 4 KiB; NULL only when the file is known */
	const char *file;     /* absolute where the debug information says so */
	uint32_t line;	      /* at the address, or of the call to the row before; 0: not known */
	uint32_t first_line;  /* where the function is declared; 0: not known */
};

/* Who gets the answers. */
struct rec_symbols_sink {
	void *arg;
	/*
	 * [address, address + length) of module `id` is `count` functions (at least 1), innermost
	 * first; each but the last is inlined into the next. Ranges of a module never overlap.
	 */
	void (*rows)(void *arg, uint32_t id, uint64_t address, uint64_t length,
		const struct rec_symbol_row *rows, size_t count);
	/* A module has fewer names than it might, for this reason: once per module. May be NULL. */
	void (*note)(void *arg, uint32_t id, const char *reason);
};

/* Returns NULL when there is no memory. `sink` is copied. */
struct rec_symbols *rec_symbols_new(const struct rec_symbols_sink *sink);
void rec_symbols_free(struct rec_symbols *symbols);

/*
 * Ask servers for the debug files that are not here. `debuginfod` is borrowed and has to outlive
 * the resolver.
 */
void rec_symbols_ask(struct rec_symbols *symbols, struct rec_debuginfod *debuginfod);

/*
 * Name `count` addresses (ELF virtual addresses, as nm prints them) of one module. The array is
 * sorted in place.
 * Returns 0, also when nothing has a name, or TFMT_E_NOMEM.
 * Cost: the first address in a compilation unit reads that unit; more there cost microseconds.
 */
int rec_symbols_resolve(struct rec_symbols *symbols, const struct rec_symbol_module *module,
	uint64_t *addresses, size_t count);

#endif
