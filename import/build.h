/* A trace in the making: what all foreign formats need of a writer. */
#ifndef IMPORT_BUILD_H
#define IMPORT_BUILD_H

#include "msg.h"
#include "tracefmt/tracefmt.h"

/* What a sample stands for where the source does not say. */
#define IMP_SAMPLE_NS UINT64_C(1000000)

/* Ids of rows by a key of two numbers. */
struct imp_ids {
	struct imp_id *slots;
	size_t count, capacity; /* of slots: a power of 2 */
};

struct imp_build {
	struct tfmt_writer *writer; /* NULL until imp_build_begin() */
	struct tfmt_sink sink;
	const struct msg *msg;
	const char *name; /* of the source */
	struct tfmt_error error;
	struct imp_ids processes; /* by pid */
	struct imp_ids threads;	  /* by pid and tid */
	struct imp_ids metrics;	  /* by process and name */
};

/*
 * All functions return 0, TFMT_E_NOMEM, TFMT_E_IO, TFMT_E_LIMIT (or what is said), with words in
 * the build's error where the code does not say all.
 */
struct imp_begin {
	const char *recorder; /* "perf script" */
	uint64_t time_ns;     /* second 0 of the trace */
	uint32_t rate_hz;     /* 0: not known */
	const char *remark;   /* how the source was understood: a note of the trace; or NULL */
};
int imp_build_begin(struct imp_build *build, const struct imp_begin *begin);
/* Hands over the rest. */
int imp_build_end(struct imp_build *build);
void imp_build_release(struct imp_build *build);

int imp_text(struct imp_build *build, const char *data, size_t length, uint32_t *ret_id);

/* Found by their numbers, or added. A thread's process is added with it. */
int imp_process(struct imp_build *build, uint32_t pid, uint32_t *ret_id);
int imp_thread(struct imp_build *build, uint32_t pid, uint32_t tid, uint32_t *ret_id);
/* Names of both; `thread` 0: of the process. */
int imp_name(struct imp_build *build, uint64_t time_ns, uint32_t process, uint32_t thread,
	const char *name, size_t length);

/* One frame on top of `stack`, which becomes the new stack. */
struct imp_frame {
	const char *function;
	size_t function_length;
	const char *module; /* may be NULL, as may be file */
	size_t module_length;
	const char *file;
	size_t file_length;
	uint32_t line;
	uint8_t language; /* enum tfmt_language */
};
int imp_frame(struct imp_build *build, const struct imp_frame *frame, uint32_t *ret_id);
/* A stack that is too deep stays as it is, and `*ret_cut` is set. */
int imp_push(struct imp_build *build, uint32_t frame, uint32_t *stack, bool *ret_cut);

/* Frames that come leaf first, to be pushed root first. */
struct imp_frames {
	uint32_t *ids;
	size_t count, capacity;
	bool is_cut; /* there were more than a stack holds */
};
/* Returns: 0; TFMT_E_NOMEM. */
int imp_frames_add(struct imp_frames *frames, uint32_t id);
/* All as one stack, 0 for none; they are gone afterwards. Returns as imp_push(). */
int imp_frames_push(struct imp_frames *frames, struct imp_build *build, uint32_t *ret_stack);
void imp_frames_release(struct imp_frames *frames);

/* The id of a key, 0 when it is new. imp_ids_put(): 0; TFMT_E_NOMEM. */
uint32_t imp_ids_get(const struct imp_ids *ids, uint64_t a, uint64_t b);
int imp_ids_put(struct imp_ids *ids, uint64_t a, uint64_t b, uint32_t id);
void imp_ids_release(struct imp_ids *ids);

#endif
