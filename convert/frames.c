#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "tracefmt/error.h"

/* Functions inlined into one place, beyond which the outermost are left out. */
#define MAX_INLINED 256

/* Make room for one more item of an array that doubles. Returns: 0; TFMT_E_NOMEM. */
static int reserve_one(void **array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
	uint32_t grown_capacity = *capacity ? 2 * *capacity : 256;
	void *grown;

	if (count < *capacity)
		return 0;
	grown = realloc(*array, grown_capacity * item_bytes);
	if (!grown)
		return TFMT_E_NOMEM;
	*array = grown;
	*capacity = grown_capacity;
	return 0;
}

/* FNV-1a of the name. */
static uint32_t *bucket_of(const struct conv_frames *frames, const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return &frames->buckets[hash & (frames->bucket_count - 1)];
}

static bool is_same(const struct tfmt_location *a, const struct tfmt_location *b)
{
	return a->mapping == b->mapping && a->language == b->language &&
	       !strcmp(a->function, b->function);
}

/* The number of the function at `location`, 0 when it has none yet. */
static uint32_t find_function(
	const struct conv_frames *frames, const struct tfmt_location *location)
{
	uint32_t number = *bucket_of(frames, location->function);

	while (number && !is_same(&frames->functions[number].location, location))
		number = frames->functions[number].next;
	return number;
}

static int add_function(
	struct conv_frames *frames, const struct tfmt_location *location, uint32_t *ret_number)
{
	uint32_t *bucket = bucket_of(frames, location->function);
	struct conv_function *function;
	int status;

	status = reserve_one((void **)&frames->functions, frames->function_count,
		&frames->function_capacity, sizeof(*frames->functions));
	if (status)
		return status;
	function = &frames->functions[frames->function_count];
	*function = (struct conv_function){.location = *location, .next = *bucket};
	if (location->first_line)
		function->location.line = location->first_line;
	*bucket = *ret_number = frames->function_count++;
	return 0;
}

static int append_item(struct conv_frames *frames, uint32_t number)
{
	int status = reserve_one((void **)&frames->items, frames->item_count,
		&frames->item_capacity, sizeof(*frames->items));

	if (!status)
		frames->items[frames->item_count++] = number;
	return status;
}

int conv_frames_add_name(struct conv_frames *frames, const char *name, uint32_t *ret_number)
{
	struct tfmt_location location = {.function = name, .module = "", .file = ""};
	uint32_t number = find_function(frames, &location);
	char *copy;
	int status;

	if (number) {
		*ret_number = number;
		return 0;
	}
	status = reserve_one((void **)&frames->owned_names, frames->owned_count,
		&frames->owned_capacity, sizeof(*frames->owned_names));
	copy = status ? NULL : strdup(name);
	if (!copy)
		return TFMT_E_NOMEM;
	frames->owned_names[frames->owned_count++] = copy;
	location.function = copy;
	return add_function(frames, &location, ret_number);
}

int conv_frames_init(struct conv_frames *frames, const struct tfmt_trace *trace)
{
	*frames = (struct conv_frames){
		.trace = trace,
		.frame_count = tfmt_trace_count(trace, TFMT_FRAME) + 1,
		.function_count = 1,
		.bucket_count = 64,
	};
	while (frames->bucket_count < frames->frame_count)
		frames->bucket_count *= 2;
	frames->frames = calloc(frames->frame_count, sizeof(*frames->frames));
	frames->buckets = calloc(frames->bucket_count, sizeof(*frames->buckets));
	return frames->frames && frames->buckets ? 0 : TFMT_E_NOMEM;
}

int conv_frames_add(struct conv_frames *frames, uint32_t frame)
{
	struct tfmt_location locations[MAX_INLINED];
	struct conv_frame_items *items;
	uint32_t number = 0;
	size_t count;
	int status;

	if (frame >= frames->frame_count)
		frame = 0;
	items = &frames->frames[frame];
	if (items->count)
		return 0;
	items->first = frames->item_count;
	if (!frame) {
		status = conv_frames_add_name(frames, "[lost]", &number);
		if (!status)
			status = append_item(frames, number);
		items->count = !status;
		return status;
	}
	count = tfmt_trace_locations(frames->trace, frame, locations, MAX_INLINED);
	if (count > MAX_INLINED)
		count = MAX_INLINED;
	while (count) {
		count--;
		number = find_function(frames, &locations[count]);
		status = number ? 0 : add_function(frames, &locations[count], &number);
		if (!status)
			status = append_item(frames, number);
		if (status)
			return status;
		items->count++;
	}
	return 0;
}

void conv_frames_release(struct conv_frames *frames)
{
	uint32_t i;

	for (i = 0; i < frames->owned_count; i++)
		free(frames->owned_names[i]);
	free(frames->owned_names);
	free(frames->functions);
	free(frames->buckets);
	free(frames->frames);
	free(frames->items);
}
