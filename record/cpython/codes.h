/*
 * The code objects of one process: what was read of each, once. A code object may be freed and its
 * memory taken by another one, so what is remembered is compared with the memory again and again.
 */
#ifndef RECORD_CPYTHON_CODES_H
#define RECORD_CPYTHON_CODES_H

#include <stdbool.h>
#include <stdint.h>

#include "cpython/layout.h"
#include "cpython/memory.h"
#include "cpython/runtime.h"

struct py_code {
	uint64_t address;
	uint64_t fingerprint;  /* of what tells it from another one */
	uint64_t since_ns;     /* when it was read */
	uint64_t checked_ns;   /* when it was last found unchanged */
	uint64_t instructions; /* address */
	uint64_t size;	       /* of the instructions, bytes */
	char *function;	       /* qualified from 3.11 on; UTF-8 */
	char *file;
	uint32_t first_line;
	bool is_shim;	/* made by the interpreter for itself, not by a program */
	bool is_module; /* runs at the root of a program */
	uint8_t *lines;
	size_t lines_bytes;
	/*
	 * Numbers of the caller for lines that were seen: 0 at first. Pairs of a line and its
	 * number.
	 */
	struct py_code_line {
		uint32_t line, user;
	} * seen;
	size_t seen_count;
	/* The instruction asked for last, and the number of its line. */
	int64_t last_offset;
	uint32_t last_user; /* 0: none */
};

struct py_codes;

/* Returns: NULL without memory. */
struct py_codes *py_codes_new(struct py_memory *memory, const struct py_runtime *runtime);
void py_codes_free(struct py_codes *codes);

/*
 * The code object at `address`. Returns: NULL when there is none, or it cannot be read.
 * Lives until: the next call with another time that finds another one there; py_codes_trim().
 */
struct py_code *py_codes_get(struct py_codes *codes, uint64_t address, uint64_t now_ns);

/* What is remembered of `address`, if it was read at `since_ns`; else NULL. */
struct py_code *py_codes_find(const struct py_codes *codes, uint64_t address, uint64_t since_ns);

/* Between samples: forget all when there are very many. */
void py_codes_trim(struct py_codes *codes);

/* Whether the instruction of a frame lies in the code, and its offset in bytes; -1: not begun. */
bool py_code_offset(const struct py_layout *layout, const struct py_code *code,
	uint64_t instruction, int64_t *ret_offset);

/* The line of an instruction; 0: none. */
uint32_t py_code_line(const struct py_layout *layout, const struct py_code *code, int64_t offset);

/* Where the caller keeps its number for a line of this code. Returns: NULL without memory. */
uint32_t *py_code_user(struct py_code *code, uint32_t line);

#endif
