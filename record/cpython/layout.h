/*
 * Where the fields of CPython's structures lie, for one interpreter.
 *
 * From 3.13 on an interpreter says it itself: _Py_DebugOffsets at the start of _PyRuntime
 * (Include/internal/pycore_debug_offsets.h; in 3.13 pycore_runtime.h). Before, the offsets of a
 * minor version are a table here, taken with offsetof() from the headers of 3.8.18, 3.9.18,
 * 3.10.13, 3.11.7 and 3.12.1; patch releases do not move them.
 *
 * All values are bytes from the start of the structure named first. Fields that a version does not
 * have are 0; those that may truly be 0 are in all versions, or go with another one. 64-bit builds
 * only.
 */
#ifndef RECORD_CPYTHON_LAYOUT_H
#define RECORD_CPYTHON_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PY_OLDEST_MINOR 8
#define PY_NEWEST_MINOR 15 /* verified; newer ones are read as if they were this one */

/* Bytes that hold the debug offsets of any known version. */
#define PY_DEBUG_OFFSETS_BYTES 1024

/* How the instruction of a frame is stored. */
enum py_instruction {
	PY_INSTRUCTION_BYTES,	/* int: bytes into the code; -1 before the first. 3.8, 3.9 */
	PY_INSTRUCTION_UNITS,	/* int: the same in units of 2 bytes. 3.10 */
	PY_INSTRUCTION_POINTER, /* address of the instruction, in the code object. 3.11 and later */
};

struct py_layout {
	unsigned minor; /* of the version, 3.MINOR */
	enum py_instruction instruction;

	/* _PyRuntimeState */
	uint32_t runtime_interpreters_head;
	uint32_t runtime_gil_holder, runtime_gil_locked; /* until 3.11 */
	uint32_t runtime_gc_collecting;			 /* 3.8 */

	/* PyInterpreterState */
	uint32_t interpreter_next, interpreter_id, interpreter_threads;
	uint32_t interpreter_modules;	    /* sys.modules, a dict */
	uint32_t interpreter_gc_collecting; /* from 3.9 on */
	uint32_t interpreter_gil;	    /* pointer to the lock, from 3.12 on */
	uint32_t gil_holder, gil_locked;    /* in the lock */
	uint32_t interpreter_code_generation;

	/* PyThreadState */
	uint32_t thread_bytes; /* so much of it holds all that is read */
	uint32_t thread_next, thread_interpreter;
	uint32_t thread_frame;	/* pointer to the frame that runs; until 3.10 and from 3.13 on */
	uint32_t thread_cframe; /* pointer to the C frame that knows it; 3.10 to 3.12 */
	uint32_t cframe_current, cframe_previous;
	uint32_t thread_id;	   /* pthread_t */
	uint32_t thread_native_id; /* the kernel's number, from 3.11 on */
	uint32_t thread_chunk;	   /* where frames are, from 3.11 on */

	/* _PyStackChunk */
	uint32_t chunk_previous, chunk_size, chunk_top, chunk_data;

	/* PyFrameObject, _PyInterpreterFrame */
	uint32_t frame_bytes; /* so much of it is read */
	uint32_t frame_previous, frame_code, frame_instruction;
	uint32_t frame_owner;	  /* who owns it, from 3.11 on */
	uint32_t frame_is_entry;  /* of 3.11: the first of its evaluation loop */
	uint64_t frame_code_tags; /* bits of frame_code that are no address */

	/* PyCodeObject */
	uint32_t code_bytes;
	uint32_t code_filename, code_name, code_qualname, code_lines, code_first_line;
	uint32_t code_instructions; /* where the instructions begin, from 3.11 on */

	/* Objects */
	uint32_t object_type, type_name;
	uint32_t text_length, text_state, text_ascii, text_other; /* PyUnicodeObject, compact */
	uint32_t bytes_size, bytes_data;
	uint32_t dict_keys, dict_values;
};

/* Owners of a frame. */
enum py_owner {
	PY_OWNER_THREAD = 0,
	PY_OWNER_GENERATOR = 1,
	PY_OWNER_FRAME_OBJECT = 2,
	PY_OWNER_INTERPRETER =
		3, /* a mark where C code entered the evaluation loop; until 3.13 "C stack" */
	PY_OWNER_C_STACK = 4,
};

/* The layout of 3.`minor` before 3.13. Returns: NULL when there is none. */
const struct py_layout *py_layout_of(unsigned minor);

/*
 * The layout that an interpreter from 3.13 on states. `bytes`: PY_DEBUG_OFFSETS_BYTES from the
 * start of _PyRuntime on. `*ret_version` is its PY_VERSION_HEX. Returns: 0; TFMT_E_FORMAT when
 * these are no debug offsets, or offsets that make no sense; TFMT_E_UNSUPPORTED for a build without
 * a GIL.
 */
int py_layout_from_debug_offsets(
	const uint8_t *bytes, struct py_layout *ret_layout, uint32_t *ret_version);

#endif
