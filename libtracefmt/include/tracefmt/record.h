/*
 * The records of a trace: one struct per kind, as a writer takes it and a reader gives it.
 *
 * Time is CLOCK_MONOTONIC in nanoseconds. Tables give ids: dense, from 1, never reused; 0 means
 * "none". A row refers only to rows defined before it in the file. An id that a damaged file lost
 * still resolves, to text reading "[lost]".
 *
 * docs/FORMAT.md describes the same records as they are on disk.
 */
#ifndef TRACEFMT_RECORD_H
#define TRACEFMT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a chunk holds. The numbers are not on disk (the names are) and may change. */
enum tfmt_kind {
	TFMT_NONE,
	/* Tables, in the order in which they may refer to one another. */
	TFMT_STRING,
	TFMT_MAPPING,
	TFMT_FRAME,
	TFMT_STACK,
	TFMT_PROCESS,
	TFMT_THREAD,
	TFMT_METRIC,
	/* Data, each with a time. */
	TFMT_LIFE,
	TFMT_SAMPLE,
	TFMT_COUNTER,
	TFMT_SPAN,
	TFMT_ARG,
	TFMT_ALLOC,
	TFMT_FREE,
	TFMT_INSTANT,
	TFMT_CLOCK,
	TFMT_LOST,
	TFMT_COST,
	/* Names bound later to native frames. */
	TFMT_SYMBOL,
	TFMT_KIND_COUNT,
};

#define TFMT_KIND_BIT(kind) (1u << (kind))
#define TFMT_ALL_KINDS	    (~0u)
/* Everything needed to give names to ids: what a first pass over a trace reads. */
#define TFMT_TABLE_KINDS                                                                        \
	(TFMT_KIND_BIT(TFMT_STRING) | TFMT_KIND_BIT(TFMT_MAPPING) | TFMT_KIND_BIT(TFMT_FRAME) | \
		TFMT_KIND_BIT(TFMT_STACK) | TFMT_KIND_BIT(TFMT_PROCESS) |                       \
		TFMT_KIND_BIT(TFMT_THREAD) | TFMT_KIND_BIT(TFMT_METRIC) |                       \
		TFMT_KIND_BIT(TFMT_LIFE) | TFMT_KIND_BIT(TFMT_SYMBOL))

/* A string: UTF-8 text, or raw bytes where the traced program gave no valid UTF-8. */
struct tfmt_string {
	const char *data; /* `length` bytes, then a NUL that does not count */
	uint32_t length;  /* bytes; NULs inside are possible */
	bool is_bytes;	  /* not valid UTF-8: kept as it was */
};

enum tfmt_mapping_type {
	TFMT_MAPPING_FILE,   /* an ELF file (or what claimed to be one) */
	TFMT_MAPPING_KERNEL, /* the kernel and its modules */
	TFMT_MAPPING_VDSO,   /* the vDSO */
	TFMT_MAPPING_ANON,   /* executable memory without a file: JIT code, trampolines */
};

/* Executable code that frames point into. */
struct tfmt_mapping {
	uint32_t path;	   /* string: the path as the traced process saw it, or "[kernel]" ... */
	uint32_t build_id; /* string (bytes): the GNU build id, 0 when there is none */
	uint8_t type;	   /* enum tfmt_mapping_type */
};

enum tfmt_language {
	TFMT_LANG_NATIVE, /* machine code: the name comes from a symbol record */
	TFMT_LANG_KERNEL,
	TFMT_LANG_PYTHON,
	TFMT_LANG_JIT, /* machine code named by its runtime */
};

enum tfmt_frame_flag {
	/* An eval-loop or other interpreter frame that viewers hide by default. */
	TFMT_FRAME_INTERPRETER = 1 << 0,
};

/*
 * A place in code. A native frame is (mapping, address) and final when written; `address` is the
 * ELF virtual address (what nm and addr2line -e take) of the instruction that ran, or, for a
 * caller, of the last byte of its call instruction. Frames of other languages carry their names.
 */
struct tfmt_frame {
	uint64_t address;
	uint32_t mapping;
	uint32_t function;   /* string; 0 for native frames */
	uint32_t file;	     /* string; 0 when unknown */
	uint32_t first_line; /* of the function, 0 when unknown */
	uint32_t line;	     /* 0 when unknown */
	uint8_t language;    /* enum tfmt_language */
	uint8_t flags;	     /* enum tfmt_frame_flag */
};

/* A stack is a node of a prefix tree: its leaf frame, and the stack of its caller. */
struct tfmt_stack {
	uint32_t parent; /* stack: the caller's; 0 at the root */
	uint32_t frame;	 /* frame: the leaf */
};

/* A process, from its fork on; exec does not make a new one. PIDs may repeat, ids never. */
struct tfmt_process {
	uint64_t start_ns; /* 0 when it began before the recording and its start is not known */
	uint32_t pid;	   /* as trec saw it */
	uint32_t ppid;	   /* of its parent when it started; 0 when unknown */
	uint32_t parent;   /* process: its parent, 0 when that is not in the trace */
};

struct tfmt_thread {
	uint64_t start_ns; /* 0 when not known */
	uint32_t process;
	uint32_t tid; /* equal to the pid for the main thread */
};

enum tfmt_metric_type {
	TFMT_METRIC_GAUGE,	/* holds from its time on until the next value */
	TFMT_METRIC_CUMULATIVE, /* a total that only grows; the rate is its slope */
};

/* One series of counter values: what is counted, of whom. */
struct tfmt_metric {
	uint32_t name;	  /* string, such as "rss" */
	uint32_t unit;	  /* string: "bytes", "ns", "count" */
	uint32_t help;	  /* string: one sentence */
	uint32_t process; /* 0: the whole machine */
	uint32_t thread;  /* 0: the whole process */
	uint8_t type;	  /* enum tfmt_metric_type */
};

enum tfmt_life_event {
	TFMT_LIFE_START, /* a process (thread = 0) or a thread began */
	TFMT_LIFE_EXEC,	 /* name, exe, argv, cwd are those of the new image */
	TFMT_LIFE_NAME,	 /* a thread (or process) has the name `name` from now on */
	TFMT_LIFE_EXIT,	 /* status_type, status */
};

enum tfmt_status_type {
	TFMT_STATUS_UNKNOWN,  /* nobody could tell: never shown as 0 */
	TFMT_STATUS_EXITED,   /* status is the exit code, 0 to 255 */
	TFMT_STATUS_SIGNALED, /* status is the signal number */
	TFMT_STATUS_ALIVE,    /* still running when the recording ended */
};

/* Something in the life of a process (thread = 0) or of a thread. */
struct tfmt_life {
	uint64_t time_ns;
	uint32_t process;
	uint32_t thread;
	uint32_t name; /* string: the short name (comm), at most 15 bytes on Linux */
	uint32_t exe;  /* string: path of the executable */
	uint32_t argv; /* string: the arguments, each ended by a NUL */
	uint32_t cwd;  /* string */
	int32_t status;
	uint8_t status_type; /* enum tfmt_status_type */
	uint8_t event;	     /* enum tfmt_life_event */
};

enum tfmt_state {
	TFMT_STATE_RUNNING,   /* on a CPU */
	TFMT_STATE_PREEMPTED, /* could run, had no CPU */
	TFMT_STATE_BLOCKED,   /* waiting, in system call `syscall` when known */
	TFMT_STATE_GIL,	      /* waiting for the interpreter lock */
};

enum tfmt_sample_flag {
	TFMT_SAMPLE_TRUNCATED = 1 << 0, /* the root side of the stack is missing */
	TFMT_SAMPLE_RECOVERED = 1 << 1, /* a frame was found by search, not by rule */
	TFMT_SAMPLE_ASSUMED = 1 << 2,	/* the stack is the thread's nearest known one */
	TFMT_SAMPLE_UNMERGED = 1 << 3,	/* stacks of two languages that could not be joined */
	TFMT_SAMPLE_SUMMED = 1 << 4,	/* many short intervals added up; not one interval */
	TFMT_SAMPLE_UNSAMPLED = 1 << 5, /* time known to be spent but seen by no sample */
};

/* `syscall` of a blocked sample that is in no system call: it waits for a page. */
#define TFMT_SYSCALL_FAULT UINT16_MAX

/*
 * A thread was in `state` for the `weight_ns` that ended at `time_ns`. For a running sample the
 * weight is the CPU time it stands for, and the stack is that of the instant `time_ns`.
 */
struct tfmt_sample {
	uint64_t time_ns;
	uint64_t weight_ns;
	uint32_t thread;
	uint32_t stack;	  /* 0: not known */
	uint16_t syscall; /* x86-64 number + 1 for blocked samples, or a page fault; 0: not known */
	uint8_t state;	  /* enum tfmt_state */
	uint8_t flags;	  /* enum tfmt_sample_flag */
};

/* A value that could not be read. Shown as a gap, never as 0. */
#define TFMT_VALUE_MISSING INT64_MIN

struct tfmt_counter {
	uint64_t time_ns;
	int64_t value; /* in the metric's unit, or TFMT_VALUE_MISSING */
	uint32_t metric;
};

enum tfmt_span_phase {
	TFMT_SPAN_BEGIN,
	TFMT_SPAN_END,
};

enum tfmt_span_flag {
	TFMT_SPAN_SCOPE = 1 << 0,     /* named by the programmer */
	TFMT_SPAN_CALL = 1 << 1,      /* a function call; `frame` says which */
	TFMT_SPAN_CCALL = 1 << 2,     /* a call into native code from an interpreter */
	TFMT_SPAN_EXCEPTION = 1 << 3, /* on an end: left by an exception */
};

/* Spans are numbered from 1 in file order; begin and end nest per thread. */
struct tfmt_span {
	uint64_t time_ns;
	uint32_t thread;
	uint32_t frame; /* the function of a call, 0 for scopes */
	uint32_t name;	/* string: name of a scope, 0 for calls */
	uint8_t phase;	/* enum tfmt_span_phase */
	uint8_t flags;	/* enum tfmt_span_flag */
};

enum tfmt_arg_flag {
	TFMT_ARG_CUT = 1 << 0, /* the text was longer */
};

/* An argument, return value or exception of a span record. */
struct tfmt_arg {
	uint64_t span;	/* number of the span record it belongs to */
	uint32_t name;	/* string */
	uint32_t type;	/* string: the type's name */
	uint32_t value; /* string: the value as text */
	uint8_t flags;	/* enum tfmt_arg_flag */
};

struct tfmt_alloc {
	uint64_t time_ns;
	uint64_t address;
	uint64_t size_bytes;
	uint32_t thread;
	uint32_t stack;
	uint32_t allocator; /* string: "malloc", "mmap", "python" */
};

struct tfmt_free {
	uint64_t time_ns;
	uint64_t address;
	uint32_t thread;
	uint32_t stack;
	uint32_t allocator; /* string */
};

/* Something that happened at one instant: a log line, a marker, a note of the recorder. */
struct tfmt_instant {
	uint64_t time_ns;
	uint32_t thread; /* 0: the whole trace */
	uint32_t name;	 /* string: what kind of thing, "log", "note" */
	uint32_t text;	 /* string */
};

/* Several clocks read together. Written at the start, every 10 s and at the end. */
struct tfmt_clock {
	uint64_t time_ns;     /* CLOCK_MONOTONIC */
	int64_t utc_ns;	      /* CLOCK_REALTIME: since 1970-01-01 UTC */
	uint64_t boottime_ns; /* CLOCK_BOOTTIME */
};

/* `count` things of kind `what` are not in the trace, for `reason`. Loss is never silent. */
struct tfmt_lost {
	uint64_t time_ns;
	uint64_t count;
	uint32_t process; /* 0: not known */
	uint32_t what;	  /* string: a kind's name, such as "sample" */
	uint32_t reason;  /* string: "ring overflow", "setuid program" ... */
};

/* What recording cost, and whom. */
struct tfmt_cost {
	uint64_t time_ns;
	int64_t value;
	uint32_t name; /* string, such as "recorder cpu" */
	uint32_t unit; /* string: "ns", "bytes", "count" */
};

/*
 * Names for the addresses [address, address + length) of a mapping. Rows of one range follow each
 * other, innermost inlined function first; all but the last have `inlined` set.
 */
struct tfmt_symbol {
	uint64_t address; /* as in struct tfmt_frame */
	uint64_t length;  /* bytes, at least 1 */
	uint32_t mapping;
	uint32_t function;   /* string, demangled; 0 when only the file is known */
	uint32_t file;	     /* string; 0 when unknown */
	uint32_t line;	     /* the line at this address, or of the call to the inner one */
	uint32_t first_line; /* where the function is declared, 0 when unknown */
	bool inlined;	     /* inlined into the next row's function */
};

/* The name of a kind as files, filters and JSON have it ("sample"); NULL when out of range. */
const char *tfmt_kind_name(enum tfmt_kind kind);

/* The kind of that name, or TFMT_NONE. */
enum tfmt_kind tfmt_kind_from_name(const char *name, size_t length);

#endif
