#include "native/namer.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"
#include "symbols/debuginfod.h"
#include "symbols/jit.h"
#include "symbols/kallsyms.h"
#include "symbols/symbols.h"

/* Found names that may wait for the main thread: beyond it the worker waits for that too. */
#define FOUND_BYTES_MAX (8u << 20)

/* Addresses of one mapping, noted by the main thread, then owned by the worker. */
struct batch {
	struct batch *next;
	uint32_t mapping;
	bool is_kernel;
	bool is_hardly_used; /* as of struct rec_symbol_module */
	enum rec_module_type type;
	uint32_t module_index;
	char *path;
	uint8_t build_id[REC_BUILD_ID_BYTES];
	size_t build_id_bytes;
	struct rec_jit_process process; /* of JIT code */
	int fd;
	struct stat stat; /* of the file, which was the right one then */
	uint64_t *addresses;
	size_t count, capacity;
};

/* One named range, on its way back. */
struct name {
	char *function, *file;
	uint32_t line, first_line;
};

struct range {
	struct range *next;
	uint32_t mapping;
	uint64_t address, length;
	size_t count;
	struct name names[];
};

/* Why a file has fewer names than it might, on its way to the trace. */
struct remark {
	struct remark *next;
	char text[];
};

/* A mapping of JIT code, of a process that was there when it was last looked at. */
struct jit_mapping {
	struct rec_module *module;
	uint32_t mapping;
};

/* A mapping whose memory holds other code by now, on its way to the main thread. */
struct outdated {
	struct outdated *next;
	uint32_t mapping;
};

struct rec_namer {
	struct rec_sink *sink;
	struct rec_modules *modules;
	/* Main thread only. */
	struct batch *noted;
	struct jit_mapping *jits;
	size_t jit_count, jit_capacity;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock; /* guards the rest of this block */
	pthread_cond_t changed;
	struct batch *queue;
	struct batch **queue_end;
	struct range *found;
	struct range **found_end;
	size_t found_bytes;
	struct remark *remarks;
	struct remark **remarks_end;
	struct outdated *outdated;
	bool is_finishing; /* when the queue is empty, ask for JIT code a last time */
	bool is_working, is_closing;

	/* Worker only. */
	struct rec_debuginfod *debuginfod; /* NULL: not wanted */
	struct rec_symbols *symbols;
	struct rec_kallsyms *kallsyms;
	struct rec_jit *jit;
	const struct batch *current;
};

static void free_batch(struct batch *batch)
{
	int fds[] = {batch->fd, batch->process.root, batch->process.jitdump};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(batch->path);
	free(batch->addresses);
	free(batch);
}

static void free_range(struct range *range)
{
	for (size_t i = 0; i < range->count; i++) {
		free(range->names[i].function);
		free(range->names[i].file);
	}
	free(range);
}

/* ---- the worker ---- */

static char *copy_text(const char *text, size_t *bytes)
{
	if (!text)
		return NULL;
	*bytes += strlen(text) + 1;
	return strdup(text);
}

/* Queue a range for the main thread, and wait while too much is waiting there. */
static void queue_range(struct rec_namer *namer, struct range *range, size_t bytes)
{
	pthread_mutex_lock(&namer->lock);
	*namer->found_end = range;
	namer->found_end = &range->next;
	namer->found_bytes += bytes;
	if (namer->found_bytes > FOUND_BYTES_MAX)
		pthread_cond_broadcast(&namer->changed);
	while (namer->found_bytes > FOUND_BYTES_MAX && !namer->is_closing)
		pthread_cond_wait(&namer->changed, &namer->lock);
	pthread_mutex_unlock(&namer->lock);
}

static void add_range(struct rec_namer *namer, uint32_t mapping, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	size_t bytes = sizeof(struct range) + count * sizeof(struct name);
	struct range *range = calloc(1, bytes);
	if (!range)
		return;
	range->mapping = mapping;
	range->address = address;
	range->length = length;
	range->count = count;
	for (size_t i = 0; i < count; i++)
		range->names[i] = (struct name){copy_text(rows[i].function, &bytes),
			copy_text(rows[i].file, &bytes), rows[i].line, rows[i].first_line};
	queue_range(namer, range, bytes);
}

static void found_rows(void *context, uint32_t id, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	struct rec_namer *namer = context;
	add_range(namer, namer->current->mapping, address, length, rows, count);
}

static void found_note(void *context, uint32_t id, const char *reason)
{
	struct rec_namer *namer = context;
	const char *path = namer->current->path ? namer->current->path : "[unknown]";
	size_t bytes = strlen(path) + strlen(": ") + strlen(reason) + 1;
	struct remark *remark = calloc(1, sizeof(*remark) + bytes);
	if (!remark)
		return;
	snprintf(remark->text, bytes, "%s: %s", path, reason);
	pthread_mutex_lock(&namer->lock);
	*namer->remarks_end = remark;
	namer->remarks_end = &remark->next;
	pthread_mutex_unlock(&namer->lock);
}

static void found_kernel_symbol(void *context, const struct rec_kernel_symbol *symbol)
{
	char name[256];
	struct rec_symbol_row row = {.function = symbol->name};
	if (symbol->module) {
		snprintf(name, sizeof(name), "%.180s [%.60s]", symbol->name, symbol->module);
		row.function = name;
	}
	struct rec_namer *namer = context;
	add_range(namer, namer->current->mapping, symbol->address, symbol->length, &row, 1);
}

static void found_jit_rows(void *context, uint32_t mapping, uint64_t address, uint64_t length,
	const struct rec_symbol_row *rows, size_t count)
{
	add_range(context, mapping, address, length, rows, count);
}

static void found_outdated(void *context, uint32_t mapping)
{
	struct rec_namer *namer = context;
	struct outdated *outdated = calloc(1, sizeof(*outdated));
	if (!outdated)
		return;
	outdated->mapping = mapping;
	pthread_mutex_lock(&namer->lock);
	outdated->next = namer->outdated;
	namer->outdated = outdated;
	pthread_mutex_unlock(&namer->lock);
}

static void name_batch(struct rec_namer *namer, struct batch *batch)
{
	namer->current = batch;
	if (batch->is_kernel && batch->is_hardly_used)
		return;
	if (batch->is_kernel) {
		rec_kallsyms_resolve(namer->kallsyms, batch->addresses, batch->count,
			found_kernel_symbol, namer);
	} else if (batch->type == REC_MODULE_JIT) {
		rec_jit_resolve(namer->jit, &batch->process, batch->mapping, batch->addresses,
			batch->count);
	} else if (batch->fd >= 0) {
		struct rec_symbol_module module = {
			.id = batch->module_index,
			.fd = batch->fd,
			.path = batch->path,
			.build_id = batch->build_id_bytes ? batch->build_id : NULL,
			.build_id_bytes = batch->build_id_bytes,
			.stat = batch->type == REC_MODULE_FILE ? &batch->stat : NULL,
			.is_hardly_used = batch->is_hardly_used,
		};
		rec_symbols_resolve(namer->symbols, &module, batch->addresses, batch->count);
	}
}

static void *work(void *context)
{
	struct rec_namer *namer = context;
	pthread_setname_np(pthread_self(), "trec-symbols"); /* as of cost.h */
	pthread_mutex_lock(&namer->lock);
	for (;;) {
		while (!namer->queue && !namer->is_finishing && !namer->is_closing)
			pthread_cond_wait(&namer->changed, &namer->lock);
		struct batch *batch = namer->queue;
		if (namer->is_closing)
			break;
		if (batch)
			namer->queue = batch->next;
		else
			namer->is_finishing = false;
		if (!namer->queue)
			namer->queue_end = &namer->queue;
		namer->is_working = true;
		pthread_mutex_unlock(&namer->lock);
		if (batch) {
			name_batch(namer, batch);
			free_batch(batch);
		} else {
			rec_jit_finish(namer->jit);
		}
		pthread_mutex_lock(&namer->lock);
		namer->is_working = false;
		pthread_cond_broadcast(&namer->changed);
	}
	pthread_mutex_unlock(&namer->lock);
	return NULL;
}

/* ---- the main thread ---- */

struct rec_namer *rec_namer_new(struct rec_sink *sink, struct rec_modules *modules)
{
	struct rec_namer *namer = calloc(1, sizeof(*namer));
	if (!namer)
		return NULL;
	namer->sink = sink;
	namer->modules = modules;
	namer->queue_end = &namer->queue;
	namer->found_end = &namer->found;
	namer->remarks_end = &namer->remarks;
	pthread_mutex_init(&namer->lock, NULL);
	pthread_cond_init(&namer->changed, NULL);
	struct rec_symbols_sink found = {.arg = namer, .rows = found_rows, .note = found_note};
	namer->symbols = rec_symbols_new(&found);
	namer->kallsyms = rec_kallsyms_new("/proc/kallsyms");
	struct rec_jit_sink jit_found = {
		.arg = namer, .rows = found_jit_rows, .outdated = found_outdated};
	namer->jit = rec_jit_new(&jit_found);
	if (namer->symbols && namer->kallsyms && namer->jit &&
		pthread_create(&namer->thread, NULL, work, namer) == 0) {
		namer->has_thread = true;
		return namer;
	}
	rec_namer_free(namer);
	return NULL;
}

static void free_found(struct rec_namer *namer)
{
	while (namer->found) {
		struct range *next = namer->found->next;
		free_range(namer->found);
		namer->found = next;
	}
	while (namer->remarks) {
		struct remark *next = namer->remarks->next;
		free(namer->remarks);
		namer->remarks = next;
	}
	while (namer->outdated) {
		struct outdated *next = namer->outdated->next;
		free(namer->outdated);
		namer->outdated = next;
	}
}

void rec_namer_free(struct rec_namer *namer)
{
	if (!namer)
		return;
	if (namer->has_thread) {
		pthread_mutex_lock(&namer->lock);
		namer->is_closing = true;
		pthread_cond_broadcast(&namer->changed);
		pthread_mutex_unlock(&namer->lock);
		pthread_join(namer->thread, NULL);
	}
	struct batch *lists[] = {namer->noted, namer->queue};
	for (size_t i = 0; i < 2; i++) {
		while (lists[i]) {
			struct batch *next = lists[i]->next;
			free_batch(lists[i]);
			lists[i] = next;
		}
	}
	free_found(namer);
	free(namer->jits);
	rec_symbols_free(namer->symbols);
	rec_debuginfod_free(namer->debuginfod);
	rec_kallsyms_free(namer->kallsyms);
	rec_jit_free(namer->jit);
	pthread_mutex_destroy(&namer->lock);
	pthread_cond_destroy(&namer->changed);
	free(namer);
}

bool rec_namer_ask_debuginfod(struct rec_namer *namer, const char **ret_reason)
{
	namer->debuginfod = rec_debuginfod_new(ret_reason);
	if (namer->debuginfod)
		rec_symbols_ask(namer->symbols, namer->debuginfod);
	return namer->debuginfod;
}

/* Remember a mapping of JIT code, to see whether its memory is used again. */
static void remember_jit(struct rec_namer *namer, struct rec_module *module, uint32_t mapping)
{
	for (size_t i = 0; i < namer->jit_count; i++)
		if (namer->jits[i].mapping == mapping)
			return;
	if (namer->jit_count == namer->jit_capacity) {
		size_t capacity = namer->jit_capacity ? 2 * namer->jit_capacity : 8;
		struct jit_mapping *jits = reallocarray(namer->jits, capacity, sizeof(*jits));
		if (!jits)
			return;
		namer->jits = jits;
		namer->jit_capacity = capacity;
	}
	namer->jits[namer->jit_count++] = (struct jit_mapping){module, mapping};
}

static struct batch *batch_of(struct rec_namer *namer, struct rec_module *module, uint32_t mapping)
{
	/* The mapping asked for last is at the front: most addresses come in runs. */
	for (struct batch **link = &namer->noted; *link; link = &(*link)->next) {
		struct batch *batch = *link;
		if (batch->mapping != mapping)
			continue;
		*link = batch->next;
		batch->next = namer->noted;
		namer->noted = batch;
		return batch;
	}
	struct batch *batch = calloc(1, sizeof(*batch));
	if (!batch)
		return NULL;
	batch->mapping = mapping;
	batch->fd = -1;
	batch->process = (struct rec_jit_process){.root = -1, .jitdump = -1};
	batch->is_kernel = !module;
	if (module) {
		batch->type = module->type;
		batch->module_index = module->index;
		batch->path = strdup(module->path);
		batch->build_id_bytes = module->build_id_size;
		memcpy(batch->build_id, module->build_id, sizeof(batch->build_id));
	}
	if (batch->type == REC_MODULE_JIT) {
		rec_jit_look(module->pid, &batch->process);
		batch->process.jitdump = rec_module_dup_jitdump(namer->modules, module);
		remember_jit(namer, module, mapping);
	}
	batch->next = namer->noted;
	namer->noted = batch;
	return batch;
}

void rec_namer_want(
	struct rec_namer *namer, struct rec_module *module, uint32_t mapping, uint64_t address)
{
	struct batch *batch = batch_of(namer, module, mapping);
	if (!batch)
		return;
	if (batch->count == batch->capacity) {
		size_t capacity = batch->capacity ? 2 * batch->capacity : 64;
		uint64_t *addresses = realloc(batch->addresses, capacity * sizeof(*addresses));
		if (!addresses)
			return;
		batch->addresses = addresses;
		batch->capacity = capacity;
	}
	batch->addresses[batch->count++] = address;
}

static void hand_over(struct rec_namer *namer)
{
	struct batch *batch = namer->noted;
	namer->noted = NULL;
	while (batch) {
		struct batch *next = batch->next;
		batch->next = NULL;
		if (!batch->is_kernel && batch->type != REC_MODULE_JIT) {
			struct rec_module *module =
				rec_modules_get(namer->modules, batch->module_index);
			batch->fd = rec_module_dup(namer->modules, module);
			rec_module_stat(module, &batch->stat);
		}
		pthread_mutex_lock(&namer->lock);
		*namer->queue_end = batch;
		namer->queue_end = &batch->next;
		pthread_cond_broadcast(&namer->changed);
		pthread_mutex_unlock(&namer->lock);
		batch = next;
	}
}

static void write_range(struct rec_namer *namer, const struct range *range)
{
	for (size_t i = 0; i < range->count; i++) {
		const struct name *name = &range->names[i];
		struct tfmt_symbol symbol = {
			.address = range->address,
			.length = range->length,
			.mapping = range->mapping,
			.function = rec_sink_text(namer->sink, name->function),
			.file = rec_sink_text(namer->sink, name->file),
			.line = name->line,
			.first_line = name->first_line,
			.inlined = i + 1 < range->count,
		};
		tfmt_writer_symbol(rec_sink_writer(namer->sink), &symbol);
	}
}

/* What is sampled from now on in memory that holds other code is another mapping. */
static void renew(struct rec_namer *namer, uint32_t mapping)
{
	for (size_t i = 0; i < namer->jit_count; i++) {
		if (namer->jits[i].mapping != mapping)
			continue;
		rec_module_renew_jit(namer->modules, namer->jits[i].module);
		namer->jits[i] = namer->jits[--namer->jit_count];
		return;
	}
}

/* Write what the worker has found. The lock is held, but not while writing. */
static void write_found(struct rec_namer *namer)
{
	struct range *range = namer->found;
	struct remark *remark = namer->remarks;
	struct outdated *outdated = namer->outdated;
	namer->found = NULL;
	namer->found_end = &namer->found;
	namer->found_bytes = 0;
	namer->remarks = NULL;
	namer->remarks_end = &namer->remarks;
	namer->outdated = NULL;
	pthread_cond_broadcast(&namer->changed);
	pthread_mutex_unlock(&namer->lock);
	while (outdated) {
		struct outdated *next = outdated->next;
		renew(namer, outdated->mapping);
		free(outdated);
		outdated = next;
	}
	while (range) {
		struct range *next = range->next;
		write_range(namer, range);
		free_range(range);
		range = next;
	}
	while (remark) {
		struct remark *next = remark->next;
		rec_sink_note(namer->sink, rec_now_ns(), "symbols", remark->text);
		free(remark);
		remark = next;
	}
	pthread_mutex_lock(&namer->lock);
}

/* Have the maps of JIT code read, also when no address is new: memory may hold other code. */
static void look_at_jits(struct rec_namer *namer)
{
	for (size_t i = namer->jit_count; i-- > 0;) {
		const struct jit_mapping jit = namer->jits[i];
		const struct batch *batch = batch_of(namer, jit.module, jit.mapping);
		if (batch && batch->process.root < 0)
			namer->jits[i] = namer->jits[--namer->jit_count];
	}
}

void rec_namer_work(struct rec_namer *namer)
{
	look_at_jits(namer);
	hand_over(namer);
	pthread_mutex_lock(&namer->lock);
	write_found(namer);
	pthread_mutex_unlock(&namer->lock);
}

void rec_namer_finish(struct rec_namer *namer, bool is_short)
{
	if (namer->debuginfod)
		rec_debuginfod_hurry(namer->debuginfod);
	for (struct batch *batch = namer->noted; batch; batch = batch->next)
		batch->is_hardly_used = is_short;
	hand_over(namer);
	pthread_mutex_lock(&namer->lock);
	namer->is_finishing = true;
	pthread_cond_broadcast(&namer->changed);
	while (namer->queue || namer->is_working || namer->is_finishing) {
		/* The worker may be waiting for its names to be written. */
		if (namer->found_bytes > FOUND_BYTES_MAX)
			write_found(namer);
		else
			pthread_cond_wait(&namer->changed, &namer->lock);
	}
	write_found(namer);
	pthread_mutex_unlock(&namer->lock);
}
