#include "waits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "tracefmt/error.h"

#define FIRST_SLOTS   256 /* a power of two */
#define MAX_LOCATIONS 64  /* of one frame: functions inlined into one another */

/* --- sums --- */

static bool is_same_wait(const struct rend_wait_sum *sum, const struct tfmt_sample *sample)
{
	return sum->thread == sample->thread && sum->stack == sample->stack &&
	       sum->syscall == sample->syscall && sum->state == sample->state &&
	       sum->is_summed == ((sample->flags & TFMT_SAMPLE_SUMMED) != 0);
}

static size_t hash_wait(uint32_t thread, uint32_t stack, uint16_t syscall)
{
	uint64_t key = ((uint64_t)thread << 32 | stack) + (uint64_t)syscall * 0x10001;
	return (key * 0x9e3779b97f4a7c15u) >> 32;
}

static int grow(struct rend_wait_sums *sums)
{
	size_t slot_count = sums->slot_count > 0 ? sums->slot_count * 2 : FIRST_SLOTS;
	struct rend_wait_sum *grown = realloc(sums->sums, slot_count / 2 * sizeof(*grown));
	if (grown == NULL)
		return TFMT_E_NOMEM;
	sums->sums = grown;
	sums->room = slot_count / 2;
	uint32_t *slots = calloc(slot_count, sizeof(*slots));
	if (slots == NULL)
		return TFMT_E_NOMEM;
	free(sums->slots);
	sums->slots = slots;
	sums->slot_count = slot_count;
	for (size_t i = 0; i < sums->count; i++) {
		size_t at = hash_wait(grown[i].thread, grown[i].stack, grown[i].syscall);
		while (slots[at & (slot_count - 1)] != 0)
			at++;
		slots[at & (slot_count - 1)] = (uint32_t)i + 1;
	}
	return 0;
}

int rend_wait_sums_add(struct rend_wait_sums *sums, const struct tfmt_sample *sample)
{
	if (sums->count == sums->room) {
		int status = grow(sums);
		if (status < 0)
			return status;
	}
	size_t at = hash_wait(sample->thread, sample->stack, sample->syscall);
	uint32_t *slot;
	for (;; at++) {
		slot = &sums->slots[at & (sums->slot_count - 1)];
		if (*slot == 0 || is_same_wait(&sums->sums[*slot - 1], sample))
			break;
	}
	if (*slot == 0) {
		sums->sums[sums->count++] = (struct rend_wait_sum){
			.thread = sample->thread,
			.stack = sample->stack,
			.syscall = sample->syscall,
			.state = sample->state,
			.is_summed = (sample->flags & TFMT_SAMPLE_SUMMED) != 0,
		};
		*slot = (uint32_t)sums->count;
	}
	struct rend_wait_sum *sum = &sums->sums[*slot - 1];
	sum->wait_ns += sample->weight_ns;
	sum->count++;
	if (sample->flags & TFMT_SAMPLE_ASSUMED)
		sum->assumed_ns += sample->weight_ns;
	if (!sum->is_summed && sample->weight_ns > sum->longest_ns)
		sum->longest_ns = sample->weight_ns;
	return 0;
}

void rend_wait_sums_release(struct rend_wait_sums *sums)
{
	free(sums->sums);
	free(sums->slots);
	*sums = (struct rend_wait_sums){0};
}

/* --- places --- */

/* How well a function says where a program waits. */
enum place_rank {
	RANK_RUNTIME, /* libc and below: says how, not where */
	RANK_LIBRARY,
	RANK_OWN,
};

static enum place_rank rank_place(const struct rend_model *model, const char *exe,
	const char *syscall, const struct tfmt_location *location)
{
	/* In static programs libc is in the executable: its own names begin with "__". */
	if (rend_model_is_kernel(location) || rend_model_is_runtime(location) ||
		strncmp(location->function, "__", 2) == 0 ||
		(syscall != NULL && strcmp(location->function, syscall) == 0))
		return RANK_RUNTIME;
	if (rend_model_is_own(model, location) ||
		(location->module[0] != '\0' && strcmp(location->module, exe) == 0))
		return RANK_OWN;
	return RANK_LIBRARY;
}

/* The function of a stack that says best where it waits: of equal ones the nearest to the leaf. */
static struct tfmt_location find_place(
	const struct rend_model *model, const char *exe, const char *syscall, uint32_t stack)
{
	struct tfmt_location locations[MAX_LOCATIONS];
	struct tfmt_location best = {.function = "", .module = "", .file = ""};
	enum place_rank best_rank = RANK_RUNTIME;
	while (stack != 0 && best_rank != RANK_OWN) {
		const struct tfmt_stack *row = tfmt_trace_stack(model->trace, stack);
		size_t count =
			tfmt_trace_locations(model->trace, row->frame, locations, MAX_LOCATIONS);
		for (size_t i = 0; i < count && i < MAX_LOCATIONS; i++) {
			enum place_rank rank = rank_place(model, exe, syscall, &locations[i]);
			if (best.function[0] == '\0' || rank > best_rank) {
				best = locations[i];
				best_rank = rank;
			}
		}
		stack = row->parent < stack ? row->parent : 0;
	}
	return best;
}

/* A sum and what it is added to. */
struct placed_sum {
	const struct rend_wait_sum *sum;
	uint32_t process_name;
	struct tfmt_location location;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* Zero for sums of one place. */
static int compare_places(const struct placed_sum *a, const struct placed_sum *b)
{
	int order = compare_numbers(a->process_name, b->process_name);
	if (order == 0)
		order = compare_numbers(a->sum->is_summed, b->sum->is_summed);
	if (order == 0)
		order = compare_numbers(a->sum->state, b->sum->state);
	if (order == 0)
		order = compare_numbers(a->sum->syscall, b->sum->syscall);
	if (order == 0)
		order = compare_numbers(a->location.mapping, b->location.mapping);
	if (order == 0)
		order = strcmp(a->location.function, b->location.function);
	return order;
}

static int compare_placed(const void *left, const void *right)
{
	const struct placed_sum *a = left, *b = right;
	int order = compare_places(a, b);
	if (order == 0)
		order = compare_numbers(a->sum->thread, b->sum->thread);
	return order != 0 ? order : compare_numbers(a->sum->stack, b->sum->stack);
}

/* By what the place of a sum depends on. */
static int compare_stacks(const void *left, const void *right)
{
	const struct rend_wait_sum *a = left, *b = right;
	int order = compare_numbers(a->stack, b->stack);
	if (order == 0)
		order = compare_numbers(a->syscall, b->syscall);
	return order != 0 ? order : compare_numbers(a->thread, b->thread);
}

/* Longest first, ties as they were sorted. */
static int compare_waits(const void *left, const void *right)
{
	const struct rend_wait_place *a = left, *b = right;
	if (a->wait_ns != b->wait_ns)
		return a->wait_ns < b->wait_ns ? 1 : -1;
	return strcmp(a->location.function, b->location.function);
}

/* Find the place of each sum. Those of equal stacks follow one another. */
static void place_sums(const struct rend_model *model, const struct rend_wait_sums *sums,
	struct placed_sum *placed)
{
	const char *last_exe = "";
	for (size_t i = 0; i < sums->count; i++) {
		const struct rend_wait_sum *sum = &sums->sums[i];
		const struct tfmt_process_info *process = tfmt_trace_process(
			model->trace, tfmt_trace_thread(model->trace, sum->thread)->process);
		const char *exe = tfmt_trace_text(model->trace, process->exe);
		placed[i].sum = sum;
		placed[i].process_name = process->name;
		if (i > 0 && sum[-1].stack == sum->stack && sum[-1].syscall == sum->syscall &&
			strcmp(exe, last_exe) == 0)
			placed[i].location = placed[i - 1].location;
		else
			placed[i].location =
				find_place(model, exe, tfmt_syscall_name(sum->syscall), sum->stack);
		last_exe = exe;
	}
}

static void add_place(struct rend_wait_place *place, const struct placed_sum *placed)
{
	place->wait_ns += placed->sum->wait_ns;
	place->assumed_ns += placed->sum->assumed_ns;
	place->count += placed->sum->count;
	if (placed->sum->longest_ns > place->longest_ns) {
		place->longest_ns = placed->sum->longest_ns;
		place->location = placed->location;
	}
}

int rend_waits_init(
	struct rend_waits *waits, const struct rend_model *model, const struct rend_wait_sums *sums)
{
	*waits = (struct rend_waits){0};
	if (sums->count == 0)
		return 0;
	struct placed_sum *placed = calloc(sums->count, sizeof(*placed));
	waits->places = calloc(sums->count, sizeof(*waits->places));
	if (placed == NULL || waits->places == NULL) {
		free(placed);
		return TFMT_E_NOMEM;
	}
	qsort(sums->sums, sums->count, sizeof(*sums->sums), compare_stacks);
	place_sums(model, sums, placed);
	qsort(placed, sums->count, sizeof(*placed), compare_placed);
	for (size_t i = 0; i < sums->count; i++) {
		bool is_new = i == 0 || compare_places(&placed[i - 1], &placed[i]) != 0;
		if (is_new)
			waits->places[waits->count++] = (struct rend_wait_place){
				.process_name = placed[i].process_name,
				.location = placed[i].location,
				.syscall = placed[i].sum->syscall,
				.state = placed[i].sum->state,
				.is_summed = placed[i].sum->is_summed,
			};
		struct rend_wait_place *place = &waits->places[waits->count - 1];
		if (is_new || placed[i - 1].sum->thread != placed[i].sum->thread)
			place->thread_count++;
		add_place(place, &placed[i]);
	}
	free(placed);
	qsort(waits->places, waits->count, sizeof(*waits->places), compare_waits);
	return 0;
}

void rend_waits_release(struct rend_waits *waits)
{
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
