/*
 * Native stacks from samples: which files a process has mapped, and the frames that a sample's
 * registers and stack bytes stand for.
 *
 * Use: one `struct rec_modules` and one `struct rec_unwinder` per recording, one `struct
 * rec_space` per process. Feed the space with the process's executable mappings as they appear
 * (rec_space_map), then hand each sample to rec_unwind(). Files are opened when they are mapped, so
 * that one that is replaced or deleted later keeps its own unwind rules and names.
 *
 * Limits: x86-64 processes only. Everything here belongs to one thread. Files and memory of the
 * target are never trusted: what contradicts itself shortens a stack, and nothing else.
 */
#ifndef RECORD_UNWIND_H
#define RECORD_UNWIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Frames of one stack; a deeper one is cut at the root side. */
#define REC_STACK_MAX_FRAMES 20000
/* Bytes of a build id that are kept, as in PERF_RECORD_MMAP2. */
#define REC_BUILD_ID_BYTES 20

/* ---- modules: the files seen in a recording, shared by all processes ---- */

enum rec_module_type {
	REC_MODULE_UNKNOWN, /* addresses in no known mapping; always module 0, one per recording */
	REC_MODULE_FILE,    /* a file on disk; fd < 0 when its contents are not available */
	REC_MODULE_VDSO,    /* [vdso]; has contents like a file */
	REC_MODULE_JIT,	    /* executable memory without an ELF file, one module per process */
};

struct rec_module {
	const char *path; /* as the process saw it, or "[vdso]", "[jit PID]" ...; never NULL */
	uint8_t build_id[REC_BUILD_ID_BYTES];
	size_t build_id_size; /* 0: none */
	uint32_t index;	      /* dense, from 0 */
	enum rec_module_type type;
	pid_t pid; /* of the process that mapped it first */
	int fd;	   /* the very file, open for reading (pread); -1: no contents, or put aside */
};

struct stat;
struct rec_modules;

/*
 * Returns: NULL without memory.
 * `max_files` bounds the descriptors kept open; when it is exceeded, those of the modules used
 * least recently are put aside, and reopened by path on demand.
 */
struct rec_modules *rec_modules_new(size_t max_files);
void rec_modules_free(struct rec_modules *modules);

uint32_t rec_modules_count(const struct rec_modules *modules);
/* Lives until: the modules are freed. `index` < count. */
struct rec_module *rec_modules_get(const struct rec_modules *modules, uint32_t index);

/*
 * A new descriptor (close-on-exec) of the module's file, for a reader on another thread, even when
 * the path has been deleted. Returns: -1 when there are no contents.
 */
int rec_module_dup(struct rec_modules *modules, struct rec_module *module);
/* What the file was like when it was opened; it may be written over. */
void rec_module_stat(const struct rec_module *module, struct stat *ret_stat);
/* The same of the jitdump that the process of JIT code writes. Returns: -1 when it has none. */
int rec_module_dup_jitdump(struct rec_modules *modules, struct rec_module *module);

/*
 * The memory of this JIT code holds other code by now: addresses in it belong to a new module from
 * now on. Nothing happens when there are too many already.
 */
void rec_module_renew_jit(struct rec_modules *modules, struct rec_module *module);

/* ---- spaces: what one process has mapped ---- */

/* One executable mapping, from PERF_RECORD_MMAP2 or a line of /proc/PID/maps. */
struct rec_map_event {
	pid_t pid; /* of a live process when possible: its /proc entries lead to the file */
	uint64_t start;
	uint64_t length;      /* bytes */
	uint64_t file_offset; /* bytes (pgoff of the record) */
	const char *path; /* as the kernel prints it; "", "//anon" ... for memory without file */
	const uint8_t *build_id; /* NULL when the record has none */
	size_t build_id_size;
	uint32_t device_major, device_minor; /* 0 when the record carries a build id instead */
	uint64_t inode;
};

struct rec_space;

/* Returns: an empty space, or NULL without memory. */
struct rec_space *rec_space_new(struct rec_modules *modules);
/* A child's space after fork. Cost: constant, mappings are shared until one of both changes. */
struct rec_space *rec_space_clone(struct rec_space *parent);
/* Exec: forget all mappings. */
void rec_space_clear(struct rec_space *space);
void rec_space_free(struct rec_space *space);

/*
 * Add a mapping; what it covers is replaced. Call it at once for every executable one, before the
 * file can change. Returns: 0, TFMT_E_NOMEM, TFMT_E_ARG (empty or wrapping range).
 */
int rec_space_map(struct rec_space *space, const struct rec_map_event *event);

/* Add every executable mapping of /proc/PID/maps. Returns: 0, TFMT_E_IO (errno), TFMT_E_NOMEM. */
int rec_space_read_maps(struct rec_space *space, pid_t pid);
/* The same from lines that were read before. Returns: 0, TFMT_E_NOMEM. */
int rec_space_take_maps(struct rec_space *space, pid_t pid, const char *text);

/*
 * Returns: the module that holds `address`, and in `ret_vaddr` the address in terms of its ELF
 * headers (the absolute address for JIT memory); the unknown module and the address itself when
 * nothing is mapped there. Never NULL.
 */
struct rec_module *rec_space_find(struct rec_space *space, uint64_t address, uint64_t *ret_vaddr);

/*
 * Call `visit` with the module of each mapping, in the order of addresses, until it returns false.
 * `bias` is what to add to an address for that in the module's ELF headers.
 */
void rec_space_each(struct rec_space *space,
	bool (*visit)(void *context, struct rec_module *module, uint64_t bias), void *context);

/* ---- unwinding ---- */

/* attr.sample_regs_user: ax bx cx dx si di bp sp ip r8-r15, 17 registers in perf's order. */
#define REC_PERF_REGS_MASK  0xff01ffull
#define REC_PERF_REGS_COUNT 17

/* What the kernel copied at one sample. */
struct rec_user_state {
	pid_t tid; /* 0: unknown; lets stacks be completed after the thread has gone on */
	pid_t pid; /* 0: do not read the live process */
	const uint64_t *regs; /* REC_PERF_REGS_COUNT values in perf's order; abi must be 64 */
	const uint8_t *stack; /* bytes from the stack pointer upwards; any alignment */
	size_t stack_size;    /* bytes that are valid (dyn_size of the record) */
};

enum rec_stack_flag {
	REC_STACK_WHOLE = 1 << 0,     /* the last frame is the root: _start or the thread's start */
	REC_STACK_TOO_DEEP = 1 << 1,  /* cut after REC_STACK_MAX_FRAMES */
	REC_STACK_RECOVERED = 1 << 2, /* some frame was found by searching, not by rules */
	REC_STACK_LIVE = 1 << 3,      /* older frames were read from the process after the sample */
};

/* Why a stack ended. */
enum rec_stack_end {
	REC_END_ROOT,
	REC_END_DEPTH,
	REC_END_MEMORY,	  /* stack bytes neither copied nor readable */
	REC_END_PC,	  /* a return address that lies in no executable mapping */
	REC_END_RULE,	  /* no rule for this address, and no frame found by searching */
	REC_END_REGISTER, /* the rule needs a register that is not known */
	REC_END_CFA,	  /* a rule that leads down the stack or nowhere */
	REC_END_COUNT,
};

struct rec_stack_frame {
	struct rec_module *module; /* never NULL */
	/*
	 * As the address of struct tfmt_frame: exact in frame 0 and in a frame that a signal
	 * interrupted, the return address - 1 (inside the call) in callers.
	 */
	uint64_t vaddr;
	/*
	 * A number of the caller that stays with this (module, vaddr): 0 at first and whenever it
	 * has been forgotten. Lives until: the next call of rec_unwind().
	 */
	uint32_t *user;
	uint64_t sp; /* the stack pointer there; the frame lies between it and its caller's */
};

struct rec_stack {
	struct rec_stack_frame *frames; /* leaf first; owned by the unwinder */
	size_t count;			/* at least 1 */
	unsigned flags;			/* enum rec_stack_flag */
	enum rec_stack_end end;
};

struct rec_unwinder;

/* Returns: NULL without memory. */
struct rec_unwinder *rec_unwinder_new(struct rec_modules *modules);
void rec_unwinder_free(struct rec_unwinder *unwinder);

/*
 * The frames of one sample. Never fails: at worst the stack is frame 0 alone. `ret_stack->frames`
 * lives until the next call.
 * Cost: 30 ns a frame with known addresses, 2 us more for each new one; 5 to 10 us more when the
 * copied stack does not hold all of it.
 */
void rec_unwind(struct rec_unwinder *unwinder, struct rec_space *space,
	const struct rec_user_state *state, struct rec_stack *ret_stack);

/*
 * A thread that stands still, as /proc/PID/task/TID/syscall tells. Its memory is read from the
 * live process, by the thread's number: that of the process may be gone while others go on.
 */
struct rec_blocked_state {
	pid_t tid;
	uint64_t sp, pc;
	uint64_t argument; /* the first one of the system call; for the caller's use */
};

/*
 * The frames of a thread that is blocked, from its stack pointer and pc alone: system call wrappers
 * find their frame by the stack pointer, and the functions between push what they use. Where the
 * frame pointer is wanted and unknown, the stack is searched for what it must point to, and what
 * was found only counts (REC_STACK_RECOVERED) when it leads to a root. Right only if the thread
 * does not run meanwhile. Never fails, and `ret_stack` is as above.
 * Cost: 2 us for reading the stack, then as above.
 */
void rec_unwind_blocked(struct rec_unwinder *unwinder, struct rec_space *space,
	const struct rec_blocked_state *state, struct rec_stack *ret_stack);

/*
 * The number of the system call that the thread was in, as the code before its pc tells.
 * Returns: -1 when it does not, or when there is none.
 */
int rec_unwind_syscall(
	struct rec_unwinder *unwinder, struct rec_space *space, const struct rec_user_state *state);

/* A user slot for an address that did not come from rec_unwind(), such as a bare sampled pc. */
uint32_t *rec_unwind_user(struct rec_unwinder *unwinder, struct rec_module *module, uint64_t vaddr);

#endif
