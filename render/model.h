/*
 * A trace made ready to be drawn: read once, added up by process and thread, with series as fine
 * as the picture is wide. Memory follows the number of processes, threads, stacks and pixels,
 * never the length of the recording.
 */
#ifndef REND_MODEL_H
#define REND_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tracefmt/calltree.h"
#include "tracefmt/filter.h"
#include "tracefmt/reader.h"
#include "tracefmt/series.h"
#include "tracefmt/trace.h"
#include "tracefmt/weight.h"

#include "theme.h"
#include "waits.h"

/*
 * A series whose bins are pixels of the picture: bin 0 is column `first` of the model's
 * `bin_count` columns. `bins` is NULL when nothing was measured.
 */
struct rend_series {
	const struct tfmt_bin *bins;
	size_t first, count;
	struct tfmt_series *owner;
};

struct rend_process {
	uint32_t id;
	const struct tfmt_process_info *info;
	uint64_t begin_ns, end_ns; /* its life, within the shown range; begin <= end */
	bool is_selected;	   /* not left out by --pid or the filter */
	bool is_shown;		   /* and alive in the shown range */
	bool has_cpu;		   /* its CPU time was measured */
	uint64_t cpu_ns;	   /* within the shown range, as are all sums */
	uint64_t system_ns;	   /* of it, in the kernel, where that is known */
	uint64_t peak_bytes;	   /* resident, 0: not measured */
	uint64_t peak_ns;	   /* when */
	uint32_t peak_threads;
	uint64_t sample_count;
	uint64_t sampled_ns; /* weight of its running samples */
	uint64_t preempted_ns;
	uint64_t blocked_ns;  /* waits for the interpreter lock included */
	uint32_t parent;      /* the nearest shown one; 0: none */
	uint32_t first_child; /* shown ones, by start; 0: none. processes[0] has those without
				 parent */
	uint32_t next_sibling;
	/* Filled by rend_model_process_series(). */
	struct rend_series cpu;	   /* cores, the mean of each column */
	struct rend_series memory; /* bytes */
};

struct rend_thread {
	uint32_t id;
	const struct tfmt_thread_info *info;
	uint64_t begin_ns, end_ns; /* its life, within the shown range */
	bool is_shown;
	uint64_t running_ns; /* weights of its samples by state */
	uint64_t preempted_ns;
	uint64_t blocked_ns;   /* waits for the interpreter lock included */
	uint64_t sample_count; /* running ones */
	uint64_t span_count;   /* records of spans */
};

/* Metrics of a process that could not be read are losses of this kind. */
#define REND_LOSS_COUNTER "counter"

/* Something that was lost, summed over the trace. */
struct rend_loss {
	uint32_t what, reason; /* strings */
	uint64_t count;
};

/* What the whole recording cost, however much of it is shown. 0: not recorded. */
struct rend_costs {
	uint64_t recorder_cpu_ns;
	uint64_t recorder_bytes; /* its memory, at most */
	uint64_t written_bytes;
	uint64_t metrics_interval_ns; /* between readings, on average */
	uint64_t target_ns;	      /* what it took from the programs, as measured */
};

struct rend_totals {
	uint64_t wall_ns;
	bool has_cpu, has_memory;
	uint64_t cpu_ns, user_ns, system_ns; /* user + system may be less than cpu */
	uint64_t peak_bytes, peak_ns;	     /* of all processes together */
	uint32_t process_count, thread_count;
	uint64_t sample_count;	 /* running */
	uint64_t sampled_ns;	 /* their weight */
	uint64_t whole_count;	 /* of them, with a stack that reaches its root */
	uint64_t unmerged_count; /* of them, with stacks of two languages not of one instant */
	uint64_t preempted_ns, blocked_ns; /* as of threads */
	uint64_t wait_ns;		   /* both */
	uint64_t assumed_ns;   /* of the blocked, at a place taken from another sample */
	uint64_t placeless_ns; /* of the blocked, at no known place */
	uint64_t lost_count;   /* samples */
	uint64_t span_count;   /* records of spans: begins and ends */
	uint64_t scope_count;  /* of them, of scopes */
	struct rend_costs costs;
};

/* What was asked for of the view heat. */
struct rend_heat_options {
	uint32_t rows;	    /* of a column; 0: as usual */
	uint64_t column_ns; /* 0: by the length of the recording */
	bool by_thread;
	uint32_t max_threads; /* 0: as many as there is room for */
	const char *latency;  /* borrowed: of what durations are shown instead; NULL: of nothing */
};

struct rend_model {
	struct tfmt_reader *reader; /* borrowed */
	const struct tfmt_header *header;
	const struct tfmt_trace *trace;
	const struct tfmt_damage *damage;
	const char *const *own_paths; /* borrowed: --own */
	size_t own_count;
	const char *const *source_paths; /* borrowed: --source-path */
	size_t source_path_count;
	uint64_t origin_ns;	     /* second 0 */
	uint64_t begin_ns, end_ns;   /* the shown range; begin < end */
	uint64_t first_ns, last_ns;  /* samples within are shown: of what was asked for, or all */
	uint64_t recorded_ns;	     /* length of the whole recording */
	uint32_t pid;		     /* only this process and those it started; 0: all */
	struct tfmt_filter *filter;  /* borrowed, bound to the trace; NULL: all records */
	uint64_t dropped_count;	     /* samples that it, the range or --pid left out */
	uint64_t dropped_span_count; /* records of spans */
	size_t bin_count;	     /* columns of all series, over the shown range */
	uint64_t column_ns;	     /* (end_ns - begin_ns) / bin_count, exactly */
	uint32_t root;		     /* the command's process, 0 when unknown */
	struct rend_process *processes; /* by id: [1 .. process_count] */
	uint32_t process_count;
	struct rend_thread *threads; /* by id: [1 .. thread_count] */
	uint32_t thread_count;
	struct rend_totals totals;
	struct rend_series cpu, system_cpu; /* all shown processes, cores */
	struct rend_series memory;	    /* bytes */
	struct rend_series thread_total;    /* threads that exist */
	struct rend_series machine_cpu;	    /* cores */
	struct rend_series machine_memory;  /* bytes */
	struct rend_metrics *metrics;	    /* all there are */
	const char *metric_names;	    /* borrowed: those of the view usage; NULL: the usual */
	struct rend_heat_options heat;
	struct rend_loss *losses;
	size_t loss_count;
	enum tfmt_weight weight;    /* of stacks */
	enum tfmt_calltree_key key; /* of their functions */
	struct tfmt_calltree *tree; /* samples by that weight, built; NULL when none has any */
	struct rend_waits waits;
	const struct rend_diff *diff; /* borrowed: against a recording before; NULL: none */
};

struct rend_model_options {
	const char *const *own_paths;
	size_t own_count;
	const char *const *source_paths; /* DIR or OLD=NEW */
	size_t source_path_count;
	uint64_t from_ns, to_ns;    /* from second 0; to_ns 0: to the end */
	uint32_t pid;		    /* 0: all */
	struct tfmt_filter *filter; /* bound to the trace; NULL: all records */
	const char *metric_names;   /* "pss,io_read"; NULL: the usual */
	struct rend_heat_options heat;
	size_t bin_count;
	enum tfmt_weight weight;
	enum tfmt_calltree_key key;
	bool shows_native; /* the frames of an interpreter too, in stacks of what it runs */
};

/*
 * Read the trace: one scan for names and one pass.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM; TFMT_E_ARG when --from is not before --to or no process has
 * that pid, in words in `err`.
 * Owns: the reader must outlive the model.
 */
int rend_model_new(struct tfmt_reader *reader, const struct rend_model_options *options,
	struct rend_model **ret_model, struct tfmt_error *err);
void rend_model_free(struct rend_model *model);

/*
 * One more pass, which gives the processes of these ids their series.
 * Returns: 0; TFMT_E_IO; TFMT_E_NOMEM.
 */
int rend_model_process_series(
	struct rend_model *model, const uint32_t *ids, size_t count, struct tfmt_error *err);

/*
 * One more pass over the samples that are shown, waits cut to the shown range, in the order of the
 * file. `each` returns 0 to go on. Returns: 0, or what `each` or the reader gave.
 */
int rend_model_each_sample(struct rend_model *model,
	int (*each)(void *context, const struct tfmt_sample *sample), void *context,
	struct tfmt_error *err);

/* Does the filter take a record? `number` is that of a span record, else 0. */
bool rend_model_takes(
	const struct rend_model *model, enum tfmt_kind kind, const void *row, uint64_t number);

/* The traced command, quoted for a shell, cut to `size`. */
void rend_model_command(const struct rend_model *model, char *text, size_t size);

/* An amount of the model's weight: "12.3 s", "21 874 samples". 32 bytes are enough. */
char *rend_model_amount(const struct rend_model *model, char *text, uint64_t amount);

/*
 * The program's own code: the command's executable, files under the folder it ran in or of the
 * Python script, or --own. Never Python's library, installed packages, or the interpreter.
 */
bool rend_model_is_own(const struct rend_model *model, const struct tfmt_location *location);

/*
 * What a location that is not own belongs to, for people: "libz.so.1", "flask", "Python's library".
 */
#define REND_LIBRARY_BYTES 64
void rend_model_library(const struct tfmt_location *location, char *name, size_t size);

/* The libraries below everybody's code: libc, the loader, language runtimes. */
bool rend_model_is_runtime(const struct tfmt_location *location);
bool rend_model_is_kernel(const struct tfmt_location *location);
/* As which language it is marked. */
enum tfmt_language rend_model_language(const struct tfmt_location *location);

/* How a box of this code is filled: own, runtime, kernel, unknown, waiting or a library's tint. */
enum rend_role rend_model_role(
	const struct rend_model *model, const struct tfmt_location *location);

/* "liblzma.so.5 lz_encoder_mf.c:448", "kernel": where a function is, for people. */
void rend_model_place(const struct tfmt_location *location, char *text, size_t size);

/* For qsort_r() of indexes of processes, with the model: most CPU time first. */
int rend_compare_cpu(const void *left, const void *right, void *context);

#endif
