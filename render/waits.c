#include "waits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "tracefmt/error.h"

#define MAX_LOCATIONS 64 /* of one frame: functions inlined into one another */
#define FIRST_ROOM    64 /* a power of two */

/* --- indexes --- */

struct rend_wait_entry {
	uint32_t key[4];
	uint32_t value; /* index + 1; 0: free */
};

static struct rend_wait_entry *find_entry(
	const struct rend_wait_index *index, const uint32_t key[4])
{
	uint64_t hash = 0;
	for (int i = 0; i < 4; i++)
		hash = (hash ^ key[i]) * 0x9e3779b97f4a7c15u;
	for (size_t at = hash >> 32;; at++) {
		struct rend_wait_entry *entry = &index->entries[at & (index->room - 1)];
		if (entry->value == 0 || memcmp(entry->key, key, sizeof(entry->key)) == 0)
			return entry;
	}
}

static int grow_index(struct rend_wait_index *index)
{
	struct rend_wait_index grown = {
		.count = index->count,
		.room = index->room > 0 ? index->room * 2 : FIRST_ROOM,
	};
	grown.entries = calloc(grown.room, sizeof(*grown.entries));
	if (grown.entries == NULL)
		return TFMT_E_NOMEM;
	for (size_t i = 0; i < index->room; i++) {
		if (index->entries[i].value != 0)
			*find_entry(&grown, index->entries[i].key) = index->entries[i];
	}
	free(index->entries);
	*index = grown;
	return 0;
}

/* The entry of a key; a new one has value 0, and is to be given another. */
static int add_entry(
	struct rend_wait_index *index, const uint32_t key[4], struct rend_wait_entry **ret_entry)
{
	if (index->count >= index->room / 2) {
		int status = grow_index(index);
		if (status < 0)
			return status;
	}
	*ret_entry = find_entry(index, key);
	if ((*ret_entry)->value == 0) {
		memcpy((*ret_entry)->key, key, sizeof((*ret_entry)->key));
		index->count++;
	}
	return 0;
}

static void release_index(struct rend_wait_index *index)
{
	free(index->entries);
	*index = (struct rend_wait_index){0};
}

/* --- places --- */

/* How well a function says where a program waits. */
enum place_rank {
	RANK_RUNTIME, /* libc and below: says how, not where */
	RANK_LIBRARY,
	RANK_OWN,
};

/* In static programs libc is a part of the executable, known by its names only. */
static bool is_libc_name(const char *name)
{
	static const char *const prefixes[] = {"__", "pthread_", "sem_"};
	static const char *const names[] = {"accept", "accept4", "clock_nanosleep", "connect",
		"epoll_pwait", "epoll_wait", "fcntl", "fdatasync", "flock", "fsync", "ioctl",
		"msgrcv", "msgsnd", "nanosleep", "open", "openat", "pause", "poll", "ppoll",
		"pread64", "pselect", "pwrite64", "read", "readv", "recv", "recvfrom", "recvmsg",
		"select", "semop", "send", "sendmsg", "sendto", "sigsuspend", "sigwait", "sleep",
		"usleep", "wait", "wait3", "wait4", "waitid", "waitpid", "write", "writev"};
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static enum place_rank rank_place(
	const struct rend_model *model, const char *exe, const struct tfmt_location *location)
{
	if (rend_model_is_kernel(location) || rend_model_is_runtime(location))
		return RANK_RUNTIME;
	if (!rend_model_is_own(model, location) &&
		(location->module[0] == '\0' || strcmp(location->module, exe) != 0))
		return RANK_LIBRARY;
	bool is_native = location->language == TFMT_LANG_NATIVE;
	return is_native && is_libc_name(location->function) ? RANK_RUNTIME : RANK_OWN;
}

/* The function of a stack that says best where it waits: of equal ones the nearest to the leaf. */
static struct tfmt_location find_place(
	const struct rend_model *model, const char *exe, uint32_t stack)
{
	struct tfmt_location locations[MAX_LOCATIONS];
	struct tfmt_location best = {.function = "", .module = "", .file = ""};
	enum place_rank best_rank = RANK_RUNTIME;
	while (stack != 0 && best_rank != RANK_OWN) {
		const struct tfmt_stack *row = tfmt_trace_stack(model->trace, stack);
		size_t count =
			tfmt_trace_locations(model->trace, row->frame, locations, MAX_LOCATIONS);
		for (size_t i = 0; i < count && i < MAX_LOCATIONS; i++) {
			enum place_rank rank = rank_place(model, exe, &locations[i]);
			if (best.function[0] == '\0' || rank > best_rank) {
				best = locations[i];
				best_rank = rank;
			}
		}
		stack = row->parent < stack ? row->parent : 0;
	}
	return best;
}

/* State, system call and whether waits were added up: what waits of one place have in common. */
static uint32_t reason_of(const struct tfmt_sample *sample)
{
	bool is_summed = (sample->flags & TFMT_SAMPLE_SUMMED) != 0;
	return (uint32_t)sample->state << 17 | (uint32_t)is_summed << 16 | sample->syscall;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

/* The place of waits in one function, made when it is not there: its index + 1. */
static int add_place(struct rend_waits *waits, const struct rend_wait_place *place, uint32_t reason,
	uint32_t *ret_value)
{
	const struct tfmt_location *location = &place->location;
	uint64_t hash = hash_text(hash_text(0xcbf29ce484222325u, location->module), location->file);
	hash = hash_text(hash * 31, location->function);
	const uint32_t key[4] = {
		place->process_name, reason, (uint32_t)(hash >> 32), (uint32_t)hash};
	struct rend_wait_entry *entry;
	int status = add_entry(&waits->by_place, key, &entry);
	if (status < 0)
		return status;
	if (entry->value == 0) {
		if (waits->count == waits->room) {
			size_t room = waits->room > 0 ? waits->room * 2 : FIRST_ROOM;
			struct rend_wait_place *grown =
				realloc(waits->places, room * sizeof(*grown));
			if (grown == NULL)
				return TFMT_E_NOMEM;
			waits->places = grown;
			waits->room = room;
		}
		waits->places[waits->count++] = *place;
		entry->value = (uint32_t)waits->count;
	}
	*ret_value = entry->value;
	return 0;
}

/* The place of a sample: looked for once for each stack. */
static int place_of_sample(struct rend_waits *waits, const struct rend_model *model,
	const struct tfmt_sample *sample, uint32_t *ret_value)
{
	const struct tfmt_process_info *process = tfmt_trace_process(
		model->trace, tfmt_trace_thread(model->trace, sample->thread)->process);
	const uint32_t key[4] = {process->name, process->exe, sample->stack, reason_of(sample)};
	struct rend_wait_entry *entry;
	int status = add_entry(&waits->by_stack, key, &entry);
	if (status == 0 && entry->value == 0) {
		struct rend_wait_place place = {
			.process_name = process->name,
			.location = find_place(
				model, tfmt_trace_text(model->trace, process->exe), sample->stack),
			.syscall = sample->syscall,
			.state = sample->state,
			.is_summed = (sample->flags & TFMT_SAMPLE_SUMMED) != 0,
		};
		status = add_place(waits, &place, key[3], &entry->value);
	}
	if (status == 0)
		*ret_value = entry->value;
	return status;
}

int rend_waits_add(
	struct rend_waits *waits, const struct rend_model *model, const struct tfmt_sample *sample)
{
	struct rend_wait_entry *entry;
	uint32_t value = 0;
	int status = place_of_sample(waits, model, sample, &value);
	if (status == 0)
		status = add_entry(
			&waits->threads, (const uint32_t[4]){value, sample->thread}, &entry);
	if (status < 0)
		return status;
	struct rend_wait_place *place = &waits->places[value - 1];
	place->thread_count += entry->value == 0;
	entry->value = 1;
	place->wait_ns += sample->weight_ns;
	place->count++;
	if (sample->flags & TFMT_SAMPLE_ASSUMED)
		place->assumed_ns += sample->weight_ns;
	if (!place->is_summed && sample->weight_ns > place->longest_ns)
		place->longest_ns = sample->weight_ns;
	return 0;
}

/* Longest first. */
static int compare_waits(const void *left, const void *right)
{
	const struct rend_wait_place *a = left, *b = right;
	if (a->wait_ns != b->wait_ns)
		return a->wait_ns < b->wait_ns ? 1 : -1;
	int order = strcmp(a->location.function, b->location.function);
	return order != 0
		       ? order
		       : (a->process_name > b->process_name) - (a->process_name < b->process_name);
}

void rend_waits_finish(struct rend_waits *waits)
{
	if (waits->count > 0)
		qsort(waits->places, waits->count, sizeof(*waits->places), compare_waits);
	release_index(&waits->by_stack);
	release_index(&waits->by_place);
	release_index(&waits->threads);
}

void rend_waits_release(struct rend_waits *waits)
{
	rend_waits_finish(waits);
	free(waits->places);
	*waits = (struct rend_waits){0};
}

void rend_wait_describe(
	const struct rend_wait_place *place, const char *function, char *text, size_t size)
{
	const char *syscall = tfmt_syscall_name(place->syscall);
	char reason[64] = "";
	if (place->state == TFMT_STATE_GIL)
		snprintf(reason, sizeof(reason), "for the GIL");
	else if (place->is_summed)
		snprintf(reason, sizeof(reason), "in many short waits%s%s", syscall ? " of " : "",
			syscall ? syscall : "");
	else if (syscall != NULL)
		snprintf(reason, sizeof(reason), "in %s", syscall);
	else if (place->syscall != 0)
		snprintf(reason, sizeof(reason), "in an unknown system call");
	if (function[0] != '\0')
		snprintf(
			text, size, "%s%sunder %s", reason, reason[0] != '\0' ? " " : "", function);
	else if (place->is_summed)
		snprintf(text, size, "%s", reason);
	else
		snprintf(text, size, "%s%s(stack not known)", reason, reason[0] != '\0' ? " " : "");
}
