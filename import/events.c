#include "events.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "temporary.h"

/* Something that has begun. */
struct open {
	uint64_t end_ns; /* of what is complete, else UINT64_MAX */
	uint32_t frame, name, stack;
};

/* What is open in a thread. */
struct lane {
	struct open *open;
	size_t count, capacity;
	uint64_t last_ns; /* up to here the stacks have been written */
};

struct player {
	struct imp_events *events;
	struct imp_build *build;
	const struct tfmt_arg *args;
	struct lane *lanes; /* by thread */
	size_t lane_count;
	uint64_t end_ns; /* of the last event */
};

int imp_events_open(struct imp_events *events, struct imp_build *build)
{
	*events = (struct imp_events){
		.events = temporary_stream(build->msg),
		.args = temporary_stream(build->msg),
	};
	return events->events && events->args ? 0 : TFMT_E_IO;
}

void imp_events_close(struct imp_events *events)
{
	if (events->events)
		fclose(events->events);
	if (events->args)
		fclose(events->args);
	*events = (struct imp_events){0};
}

int imp_events_add(struct imp_events *events, struct imp_event *event)
{
	event->order = events->count++;
	return fwrite(event, sizeof(*event), 1, events->events) == 1 ? 0 : TFMT_E_IO;
}

int imp_events_add_arg(struct imp_events *events, const struct tfmt_arg *arg)
{
	events->arg_count++;
	return fwrite(arg, sizeof(*arg), 1, events->args) == 1 ? 0 : TFMT_E_IO;
}

static int compare(const void *left, const void *right)
{
	const struct imp_event *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->type == IMP_COMPLETE && b->type == IMP_COMPLETE && a->duration_ns != b->duration_ns)
		return a->duration_ns > b->duration_ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static bool are_sorted(const struct imp_event *events, uint64_t count)
{
	uint64_t i;

	for (i = 1; i < count; i++)
		if (compare(&events[i - 1], &events[i]) > 0)
			return false;
	return true;
}

static struct lane *lane_of(struct player *player, uint32_t thread)
{
	size_t count = player->lane_count ? player->lane_count : 64;
	struct lane *grown;

	while (count <= thread)
		count *= 2;
	if (count > player->lane_count) {
		grown = realloc(player->lanes, count * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + player->lane_count, 0,
			(count - player->lane_count) * sizeof(*grown));
		player->lanes = grown;
		player->lane_count = count;
	}
	return &player->lanes[thread];
}

/* The stack that stood until now is a sample. */
static int advance(struct player *player, struct lane *lane, uint32_t thread, uint64_t time_ns)
{
	uint64_t last_ns = lane->last_ns;

	if (time_ns <= last_ns && lane->count)
		return 0;
	lane->last_ns = time_ns;
	if (!lane->count)
		return 0;
	return tfmt_writer_sample(
		player->build->writer, &(struct tfmt_sample){
					       .time_ns = time_ns,
					       .weight_ns = time_ns - last_ns,
					       .thread = thread,
					       .stack = lane->open[lane->count - 1].stack,
				       });
}

static int put_span(struct player *player, uint32_t thread, const struct open *open,
	uint64_t time_ns, uint8_t phase, const struct imp_event *event)
{
	uint64_t number = 0;
	size_t i;
	int status = tfmt_writer_span(player->build->writer,
		&(struct tfmt_span){
			.time_ns = time_ns,
			.thread = thread,
			.frame = open->name ? 0 : open->frame,
			.name = open->name,
			.phase = phase,
			.flags = open->name ? TFMT_SPAN_SCOPE : TFMT_SPAN_CALL,
		},
		&number);

	for (i = 0; event && i < event->arg_count && !status; i++) {
		struct tfmt_arg arg = player->args[event->first_arg + i];

		arg.span = number;
		status = tfmt_writer_arg(player->build->writer, &arg);
	}
	return status;
}

static int push(struct player *player, struct lane *lane, const struct imp_event *event)
{
	struct open open = {.end_ns = UINT64_MAX, .frame = event->frame, .name = event->name};
	const struct open *below = lane->count ? &lane->open[lane->count - 1] : NULL;
	size_t capacity = lane->capacity ? 2 * lane->capacity : 16;
	struct open *grown;
	bool is_cut = false;
	int status;

	if (event->type == IMP_COMPLETE)
		open.end_ns = event->time_ns + event->duration_ns;
	if (below && event->type == IMP_COMPLETE && open.end_ns > below->end_ns) {
		open.end_ns = below->end_ns;
		player->events->clipped++;
	}
	open.stack = below ? below->stack : 0;
	status = imp_push(player->build, open.frame, &open.stack, &is_cut);
	if (!status)
		status = put_span(
			player, event->thread, &open, event->time_ns, TFMT_SPAN_BEGIN, event);
	if (status)
		return status;
	if (lane->count == lane->capacity) {
		grown = realloc(lane->open, capacity * sizeof(*grown));
		if (!grown)
			return TFMT_E_NOMEM;
		lane->open = grown;
		lane->capacity = capacity;
	}
	lane->open[lane->count++] = open;
	return 0;
}

static int pop(struct player *player, struct lane *lane, uint32_t thread, uint64_t time_ns,
	const struct imp_event *event)
{
	int status = advance(player, lane, thread, time_ns);

	if (status)
		return status;
	lane->count--;
	return put_span(player, thread, &lane->open[lane->count], time_ns, TFMT_SPAN_END, event);
}

/* End what is complete by now. */
static int settle(struct player *player, struct lane *lane, uint32_t thread, uint64_t time_ns)
{
	int status = 0;

	while (lane->count && lane->open[lane->count - 1].end_ns <= time_ns && !status)
		status = pop(player, lane, thread, lane->open[lane->count - 1].end_ns, NULL);
	return status;
}

static int play_event(struct player *player, const struct imp_event *event)
{
	struct lane *lane = lane_of(player, event->thread);
	uint64_t end_ns = event->time_ns;
	int status;

	if (!lane)
		return TFMT_E_NOMEM;
	if (event->type == IMP_COMPLETE)
		end_ns += event->duration_ns;
	if (end_ns > player->end_ns)
		player->end_ns = end_ns;
	if (event->type == IMP_SAMPLE)
		return tfmt_writer_sample(
			player->build->writer, &(struct tfmt_sample){
						       .time_ns = event->time_ns,
						       .weight_ns = event->duration_ns,
						       .thread = event->thread,
						       .stack = event->frame,
						       .flags = event->flags,
					       });
	status = settle(player, lane, event->thread, event->time_ns);
	if (status)
		return status;
	if (event->type == IMP_END &&
		(!lane->count || lane->open[lane->count - 1].end_ns != UINT64_MAX)) {
		player->events->unmatched++;
		return 0;
	}
	if (event->type == IMP_END)
		return pop(player, lane, event->thread, event->time_ns, event);
	status = advance(player, lane, event->thread, event->time_ns);
	return status ? status : push(player, lane, event);
}

/* What never ended lasts until the end. */
static int finish(struct player *player)
{
	size_t thread;
	int status = 0;

	for (thread = 0; thread < player->lane_count && !status; thread++) {
		struct lane *lane = &player->lanes[thread];

		status = settle(player, lane, (uint32_t)thread, player->end_ns);
		if (!status && lane->count)
			status = advance(player, lane, (uint32_t)thread, player->end_ns);
	}
	return status;
}

/* The items of a stream, to be changed in place; NULL: none, or `*ret_status` says why. */
static void *map(FILE *stream, size_t bytes, int *ret_status)
{
	void *mapped;

	*ret_status = fflush(stream) ? TFMT_E_IO : 0;
	if (!bytes || *ret_status)
		return NULL;
	mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(stream), 0);
	if (mapped != MAP_FAILED)
		return mapped;
	*ret_status = TFMT_E_NOMEM;
	return NULL;
}

int imp_events_play(struct imp_events *events, struct imp_build *build)
{
	struct player player = {.events = events, .build = build};
	size_t bytes = events->count * sizeof(struct imp_event);
	size_t arg_bytes = events->arg_count * sizeof(struct tfmt_arg);
	int status, arg_status;
	struct imp_event *sorted = map(events->events, bytes, &status);
	void *args = map(events->args, arg_bytes, &arg_status);
	uint64_t i;

	player.args = args;
	status = status ? status : arg_status;
	if (sorted && !status && !are_sorted(sorted, events->count))
		qsort(sorted, events->count, sizeof(*sorted), compare);
	for (i = 0; sorted && i < events->count && !status; i++)
		status = play_event(&player, &sorted[i]);
	if (!status)
		status = finish(&player);
	for (i = 0; i < player.lane_count; i++)
		free(player.lanes[i].open);
	free(player.lanes);
	if (sorted)
		munmap(sorted, bytes);
	if (args)
		munmap(args, arg_bytes);
	return status;
}
