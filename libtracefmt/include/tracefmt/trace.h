/*
 * The tables of a trace: what ids mean. A `struct tfmt_trace` belongs to its reader and grows
 * while that reads; pointers into it live until the next call on the reader.
 *
 * Every lookup answers for every id: id 0 gives an empty row, an id that was lost gives one whose
 * names read "[lost]".
 */
#ifndef TRACEFMT_TRACE_H
#define TRACEFMT_TRACE_H

#include "tracefmt/record.h"

struct tfmt_trace;

/* Ids of a table run from 1 to this number. 0 for kinds that are no table. */
uint32_t tfmt_trace_count(const struct tfmt_trace *trace, enum tfmt_kind kind);

/* Rows as written. */
const struct tfmt_string *tfmt_trace_string(const struct tfmt_trace *trace, uint32_t id);
const struct tfmt_mapping *tfmt_trace_mapping(const struct tfmt_trace *trace, uint32_t id);
const struct tfmt_frame *tfmt_trace_frame(const struct tfmt_trace *trace, uint32_t id);
const struct tfmt_stack *tfmt_trace_stack(const struct tfmt_trace *trace, uint32_t id);
const struct tfmt_metric *tfmt_trace_metric(const struct tfmt_trace *trace, uint32_t id);

/* `tfmt_trace_string(trace, id)->data`: NUL-terminated, never NULL. */
const char *tfmt_trace_text(const struct tfmt_trace *trace, uint32_t id);

/* One image of a process: from its fork or exec to the next exec. */
struct tfmt_image {
	uint64_t time_ns;
	uint32_t name; /* strings, as in struct tfmt_life */
	uint32_t exe;
	uint32_t argv;
	uint32_t cwd;
};

/* A process with all its life records applied. */
struct tfmt_process_info {
	uint64_t start_ns; /* 0: before the recording */
	uint64_t end_ns;   /* 0: unknown, or still alive at the end */
	uint32_t pid;
	uint32_t ppid;
	uint32_t parent;      /* process id, 0 when not in the trace */
	uint32_t main_thread; /* thread id, 0 when none was seen */
	uint32_t thread_count;
	uint8_t status_type; /* enum tfmt_status_type */
	int32_t status;
	const struct tfmt_image *images; /* oldest first */
	size_t image_count;
	/* Of the last image, or inherited from the parent when it never called exec. */
	uint32_t name;
	uint32_t exe;
	uint32_t argv;
	uint32_t cwd;
};

/* A thread with all its life records applied. */
struct tfmt_thread_info {
	uint64_t start_ns;
	uint64_t end_ns; /* 0: unknown, or still alive at the end */
	uint32_t process;
	uint32_t tid;
	uint32_t name; /* string: the last name; the process's when it was never named */
};

const struct tfmt_process_info *tfmt_trace_process(const struct tfmt_trace *trace, uint32_t id);
const struct tfmt_thread_info *tfmt_trace_thread(const struct tfmt_trace *trace, uint32_t id);

/*
 * The command line of a process for people: arguments joined by spaces, quoted as a shell needs
 * them; the name when there are none. Writes at most size bytes with the NUL, cutting at a
 * character. Returns the full length in bytes.
 */
size_t tfmt_trace_command(
	const struct tfmt_trace *trace, uint32_t process, char *text, size_t size_bytes);

/* A function at a place, as shown to people: one of the locations of a frame. */
struct tfmt_location {
	const char *function; /* never NULL: "name", "module+0x1f" without a symbol, "[lost]" */
	const char *module;   /* path of the mapping, or "" */
	const char *file;     /* "" when unknown */
	uint32_t function_id; /* string id of the name, 0 when it was made up from the module */
	uint32_t file_id;
	uint32_t mapping;
	uint32_t line;	     /* 0 when unknown */
	uint32_t first_line; /* 0 when unknown */
	uint8_t language;    /* enum tfmt_language */
	bool inlined;	     /* inlined into the next location */
	bool is_interpreter; /* part of what runs Python code */
	bool is_wait;	     /* no code: why a thread was off the CPU, see tracefmt/weight.h */
};

/*
 * The locations of a frame, innermost inlined function first. Writes up to `max`, returns how many
 * there are: at least 1. Call after tfmt_reader_scan(), or names may still be missing.
 * Lives until: the reader is freed (the texts), as are all of this header's after a scan.
 * Cost: a binary search the first time, then a table lookup.
 */
size_t tfmt_trace_locations(const struct tfmt_trace *trace, uint32_t frame,
	struct tfmt_location *locations, size_t max);

/* What a Python file belongs to, when that is no program's own: a package or the standard library.
 */
struct tfmt_python_package {
	const char *name; /* in the path; `length` bytes: "flask", "json" */
	size_t length;
	bool is_standard;
};

/*
 * The package of a file in a library folder of Python (site-packages, dist-packages,
 * lib/python3.11 and its zip, <frozen ...>). Returns: false for any other file.
 */
bool tfmt_python_package_of(const char *file, struct tfmt_python_package *ret_package);

/*
 * What a Python file is called for short: the part of its path from the package on,
 * "json/decoder.py" or "importlib._bootstrap", else its last component. Points into `file`;
 * `ret_length` bytes.
 */
const char *tfmt_python_file_name(const char *file, size_t *ret_length);

/* The path's last component: "libc.so.6" of "/lib/x86_64-linux-gnu/libc.so.6". */
const char *tfmt_base_name(const char *path);

/*
 * The name of the x86-64 system call of a sample's `syscall` field, or "page fault"; NULL when it
 * is unknown.
 */
const char *tfmt_syscall_name(uint16_t syscall);

#endif
