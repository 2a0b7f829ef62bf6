/* From an instruction of a code object to its line: the three encodings that CPython has had. */
#ifndef RECORD_CPYTHON_LINES_H
#define RECORD_CPYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

/*
 * `table`: the bytes of co_lnotab or co_linetable of 3.`minor`, which may be cut or wrong;
 * `offset`: of the instruction in bytes, -1 for a frame that has not begun. Returns: the line, 0
 * when the table gives it none.
 */
uint32_t py_line_of(
	unsigned minor, const uint8_t *table, size_t size, uint32_t first_line, int64_t offset);

#endif
