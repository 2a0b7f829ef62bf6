/* Texts that nothing in the trace is equal to: most often a misspelt name. */
#include "filter_state.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"

#define MAX_INLINED   16
#define WORD_BYTES    64
#define MESSAGE_BYTES 640
#define MAX_NUMBERS   1000 /* processes or threads that are shown as near */

struct search {
	struct tfmt_filter *filter;
	struct tfmt_filter_condition *condition;
	struct tfmt_filter_near near;
	bool is_met;
};

/* So many components from the end as the text that was typed has. */
static void consider_path(struct search *search, const char *path)
{
	const char *tail = path + strlen(path);
	size_t slashes = 0;

	for (size_t i = 0; i < search->near.length; i++)
		slashes += search->near.word[i] == '/';
	for (; tail > path; tail--)
		if (tail[-1] == '/' && slashes-- == 0)
			break;
	if (*tail)
		tfmt_filter__near_add(&search->near, tail);
}

static void consider_location(struct search *search, const struct tfmt_location *location)
{
	enum tfmt_filter_field field = search->condition->field;

	if (tfmt_filter__holds_of_location(search->filter, search->condition, location))
		search->is_met = true;
	else if (field == FIELD_FUNC || field == FIELD_LEAF_FUNC)
		tfmt_filter__near_add(&search->near, location->function);
	else if (field == FIELD_FILE || field == FIELD_LEAF_FILE ||
		 location->language == TFMT_LANG_PYTHON)
		consider_path(search, location->file);
	else
		consider_path(search, location->module);
}

static void consider_frames(struct search *search)
{
	const struct tfmt_trace *trace = search->filter->trace;
	struct tfmt_location locations[MAX_INLINED];

	for (uint32_t id = 1; !search->is_met && id <= search->filter->counts[TFMT_FRAME]; id++) {
		size_t count = tfmt_trace_locations(trace, id, locations, MAX_INLINED);

		for (size_t i = 0; i < count && i < MAX_INLINED; i++)
			consider_location(search, &locations[i]);
	}
}

static void consider_string(struct search *search, uint32_t id)
{
	const char *text = tfmt_trace_text(search->filter->trace, id);

	if (search->condition->field == FIELD_ARG_NAMED)
		search->is_met |= !strcmp(search->condition->argument, text);
	else
		search->is_met |=
			tfmt_filter__holds_of_string(search->filter, search->condition, id, text);
	if (*text)
		tfmt_filter__near_add(&search->near, text);
}

static void consider_strings(struct search *search, const bool *seen)
{
	for (uint32_t id = 1; !search->is_met && id <= search->filter->counts[TFMT_STRING]; id++)
		if (seen[id])
			consider_string(search, id);
}

/* Of scopes and instants, and of functions that are called. */
static void consider_names(struct search *search)
{
	for (uint32_t id = 1; id <= search->filter->counts[TFMT_FRAME]; id++)
		search->is_met |= tfmt_filter__bit(search->condition->frames, id);
	consider_strings(search, search->filter->names);
}

static void consider_processes(struct search *search)
{
	const struct tfmt_trace *trace = search->filter->trace;

	for (uint32_t id = 1; id <= search->filter->counts[TFMT_PROCESS]; id++) {
		const struct tfmt_process_info *process = tfmt_trace_process(trace, id);

		search->is_met |= tfmt_filter__bit(search->condition->meant, id);
		for (size_t i = 0; i < process->image_count; i++)
			consider_path(search, tfmt_trace_text(trace, process->images[i].name));
		consider_path(search, tfmt_trace_text(trace, process->name));
	}
}

static void consider_threads(struct search *search)
{
	const struct tfmt_trace *trace = search->filter->trace;

	for (uint32_t id = 1; id <= search->filter->counts[TFMT_THREAD]; id++)
		consider_string(search, tfmt_trace_thread(trace, id)->name);
}

static void consider_syscalls(struct search *search)
{
	for (uint32_t number = 0; number <= UINT16_MAX; number++) {
		const char *name = tfmt_syscall_name((uint16_t)number);

		search->is_met |= tfmt_filter__bit(search->condition->meant, number);
		if (name)
			tfmt_filter__near_add(&search->near, name);
	}
}

static void consider_number(struct search *search, uint32_t id, uint32_t number)
{
	char digits[16];
	const char *text;

	search->is_met |= tfmt_filter__bit(search->condition->meant, id);
	snprintf(digits, sizeof(digits), "%u", (unsigned)number);
	text = id <= MAX_NUMBERS ? tfmt_arena__text(&search->filter->texts, digits, strlen(digits))
				 : NULL;
	if (text)
		tfmt_filter__near_add(&search->near, text);
}

static void consider_numbers(struct search *search)
{
	const struct tfmt_trace *trace = search->filter->trace;

	if (search->condition->field == FIELD_PID)
		for (uint32_t id = 1; id <= search->filter->counts[TFMT_PROCESS]; id++)
			consider_number(search, id, tfmt_trace_process(trace, id)->pid);
	else
		for (uint32_t id = 1; id <= search->filter->counts[TFMT_THREAD]; id++)
			consider_number(search, id, tfmt_trace_thread(trace, id)->tid);
}

/* Returns false for fields whose values need not be there. */
static bool consider(struct search *search)
{
	struct tfmt_filter *filter = search->filter;

	if (search->condition->field == FIELD_ARG_NAMED) {
		consider_strings(search, filter->arguments);
		return true;
	}
	if (search->condition->op != OP_EQUAL)
		return false;
	switch (search->condition->field) {
	case FIELD_PID:
	case FIELD_TID:
		consider_numbers(search);
		return true;
	case FIELD_NAME:
		consider_names(search);
		return true;
	case FIELD_ARG:
		consider_strings(search, filter->arguments);
		return true;
	case FIELD_TYPE:
		consider_strings(search, filter->types);
		return true;
	case FIELD_PROCESS:
		consider_processes(search);
		return true;
	case FIELD_THREAD:
		consider_threads(search);
		return true;
	case FIELD_SYSCALL:
		consider_syscalls(search);
		return true;
	case FIELD_FUNC:
	case FIELD_FILE:
	case FIELD_MODULE:
	case FIELD_LEAF_FUNC:
	case FIELD_LEAF_FILE:
	case FIELD_LEAF_MODULE:
		consider_frames(search);
		return true;
	default:
		return false;
	}
}

static int add_warning(struct search *search)
{
	struct tfmt_filter *filter = search->filter;
	const struct tfmt_filter_condition *condition = search->condition;
	bool is_named = condition->field == FIELD_ARG_NAMED;
	const char *quote = is_named || condition->is_text ? "'" : "";
	char message[MESSAGE_BYTES], near[MESSAGE_BYTES - 2 * WORD_BYTES];
	const char *text;

	snprintf(message, sizeof(message), "nothing in the trace has the %s %s%.*s%s: %s",
		is_named ? "argument" : tfmt_filter__fields[condition->field].name, quote,
		WORD_BYTES, search->near.word, quote,
		tfmt_filter__near_text(&search->near, near, sizeof(near)));
	text = tfmt_arena__text(&filter->texts, message, strlen(message));
	if (!text || tfmt_array__grow(&filter->warnings, &filter->warning_capacity,
			     filter->warning_count + 1, sizeof(*filter->warnings)) < 0)
		return TFMT_E_NOMEM;
	filter->warnings[filter->warning_count++] = (struct tfmt_filter_warning){
		is_named ? condition->field_offset : condition->value_offset, text};
	return 0;
}

static const char *number_word(const struct search *search, char word[WORD_BYTES + 1])
{
	size_t length = search->condition->value_length;

	length = length < WORD_BYTES ? length : WORD_BYTES;
	memcpy(word, search->filter->expression + search->condition->value_offset, length);
	word[length] = '\0';
	return word;
}

int tfmt_filter__warn(struct tfmt_filter *filter)
{
	char word[WORD_BYTES + 1];
	int status = 0;

	for (size_t i = 0; !status && i < filter->condition_count; i++) {
		struct search search = {.filter = filter, .condition = &filter->conditions[i]};

		if (search.condition->field == FIELD_ARG_NAMED)
			search.near.word = search.condition->argument;
		else if (!search.condition->is_text)
			search.near.word = number_word(&search, word);
		else
			search.near.word = tfmt_filter_text__plain(
				&search.condition->text, word, sizeof(word));
		search.near.length = strlen(search.near.word);
		if (consider(&search) && !search.is_met)
			status = add_warning(&search);
	}
	return status;
}
