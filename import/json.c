#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yajl/yajl_parse.h>

/* Of one wanted value, and of one text. */
#define MAX_ITEM_BYTES	 ((size_t)16 << 20)
#define MAX_ITEM_VALUES	 ((size_t)1 << 20)
#define FIRST_TEXT_BYTES 4096
#define MAX_PATH_BYTES	 128
/* Numbers have as many digits before or behind the point at most. */
#define MAX_EXPONENT 100000

/* An open object or array. */
struct level {
	bool is_array;
	bool is_unwanted;   /* its path is longer than any that is wanted */
	size_t path_length; /* of the path to it */
	uint64_t count;	    /* values in it so far */
	size_t value;	    /* its own, and the last one in it: of wanted values */
	size_t last;
};

struct json {
	const struct imp_json_options *options;
	struct level levels[IMP_JSON_DEPTH];
	size_t depth; /* open levels */
	char path[MAX_PATH_BYTES];
	bool path_fits;
	bool in_item;
	size_t item_depth, item_path;
	struct imp_value *values;
	size_t value_count, value_capacity;
	char *text;
	size_t text_length, text_capacity;
	size_t key, key_length;
	uint64_t calls; /* of callbacks: a text that never ends makes none */
	int status;
	const char *problem; /* words for a status of our own */
};

const struct imp_value *imp_child(const struct imp_item *item, const struct imp_value *value)
{
	return value && value->child ? &item->values[value->child] : NULL;
}

const struct imp_value *imp_next(const struct imp_item *item, const struct imp_value *value)
{
	return value->next ? &item->values[value->next] : NULL;
}

const struct imp_value *imp_member(
	const struct imp_item *item, const struct imp_value *value, const char *key)
{
	size_t length = strlen(key);

	if (!value || value->type != IMP_OBJECT)
		return NULL;
	for (value = imp_child(item, value); value; value = imp_next(item, value))
		if (value->key_length == length && !memcmp(item->text + value->key, key, length))
			return value;
	return NULL;
}

bool imp_is(const struct imp_item *item, const struct imp_value *value, const char *text)
{
	return value && value->type == IMP_STRING && value->text_length == strlen(text) &&
	       !memcmp(item->text + value->text, text, value->text_length);
}

bool imp_unsigned(const struct imp_item *item, const struct imp_value *value, uint64_t *ret_number)
{
	const char *at;
	uint64_t number = 0;

	if (!value || (value->type != IMP_NUMBER && value->type != IMP_STRING) ||
		!value->text_length)
		return false;
	for (at = item->text + value->text; *at; at++)
		if (*at < '0' || *at > '9' || __builtin_mul_overflow(number, 10, &number) ||
			__builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return false;
	*ret_number = number;
	return true;
}

static bool is_exponent(long power)
{
	return power >= -MAX_EXPONENT && power <= MAX_EXPONENT;
}

/* Times 10^power, false when it becomes too large. */
static bool scale(int64_t *number, long power)
{
	for (; power > 0 && *number; power--)
		if (__builtin_mul_overflow(*number, 10, number))
			return false;
	for (; power < 0 && *number; power++)
		*number /= 10;
	return true;
}

bool imp_number(
	const struct imp_item *item, const struct imp_value *value, int digits, int64_t *ret_number)
{
	const char *at;
	bool is_negative, is_fraction = false;
	int64_t number = 0;
	long power = digits, exponent = 0;
	char *end;

	if (!value || (value->type != IMP_NUMBER && value->type != IMP_STRING) ||
		!value->text_length)
		return false;
	at = item->text + value->text;
	is_negative = *at == '-';
	at += is_negative;
	if (*at < '0' || *at > '9')
		return false;
	for (; (*at >= '0' && *at <= '9') || (*at == '.' && !is_fraction); at++) {
		int64_t longer;

		if (*at == '.') {
			is_fraction = true;
		} else if (!__builtin_mul_overflow(number, 10, &longer) &&
			   !__builtin_add_overflow(longer, *at - '0', &longer)) {
			number = longer;
			power -= is_fraction;
		} else if (!is_fraction) {
			return false;
		}
	}
	if (*at == 'e' || *at == 'E') {
		exponent = strtol(at + 1, &end, 10);
		at = end;
	}
	if (*at || !is_exponent(exponent) || !is_exponent(power) ||
		!scale(&number, power + exponent))
		return false;
	*ret_number = is_negative ? -number : number;
	return true;
}

static int stop(struct json *json, int status, const char *problem)
{
	json->status = status;
	json->problem = problem;
	return 0;
}

/* Keep a text of the item. Returns its place, or 0 after stop(): 0 is the empty text. */
static size_t keep(struct json *json, const char *data, size_t length)
{
	size_t place = json->text_length, capacity = json->text_capacity;
	char *grown;

	if (!length)
		return 0;
	while (place + length + 1 > capacity)
		capacity *= 2;
	if (capacity > MAX_ITEM_BYTES) {
		stop(json, TFMT_E_FORMAT, "an element of more than 16 MiB");
		return 0;
	}
	if (capacity > json->text_capacity) {
		grown = realloc(json->text, capacity);
		if (!grown) {
			stop(json, TFMT_E_NOMEM, NULL);
			return 0;
		}
		json->text = grown;
		json->text_capacity = capacity;
	}
	memcpy(json->text + place, data, length);
	json->text[place + length] = '\0';
	json->text_length += length + 1;
	return place;
}

/* Add a value to the item. Returns its index. */
static size_t add_value(struct json *json, enum imp_type type, const char *text, size_t length)
{
	struct level *level = json->depth ? &json->levels[json->depth - 1] : NULL;
	struct imp_value value = {.type = type, .text_length = length};
	size_t capacity = json->value_capacity ? 2 * json->value_capacity : 64, index;
	struct imp_value *grown;

	if (json->value_count == json->value_capacity) {
		if (capacity > MAX_ITEM_VALUES)
			return (size_t)stop(json, TFMT_E_FORMAT, "an element of a million values");
		grown = realloc(json->values, capacity * sizeof(*grown));
		if (!grown)
			return (size_t)stop(json, TFMT_E_NOMEM, NULL);
		json->values = grown;
		json->value_capacity = capacity;
	}
	value.text = keep(json, text, length);
	if (level && !level->is_array && json->value_count) {
		value.key = json->key;
		value.key_length = json->key_length;
	}
	index = json->value_count++;
	json->values[index] = value;
	if (index && level->last)
		json->values[level->last].next = index;
	else if (index)
		json->values[level->value].child = index;
	if (index)
		level->last = index;
	return index;
}

static void begin_item(struct json *json, size_t path)
{
	json->in_item = true;
	json->item_depth = json->depth;
	json->item_path = path;
	json->value_count = 0;
	json->text_length = 1; /* behind the empty text */
}

/* A value begins that is not within a wanted one: is it wanted? */
static void look_at_path(struct json *json)
{
	const struct level *level = json->depth ? &json->levels[json->depth - 1] : NULL;
	size_t i;

	if (!level) {
		json->path[0] = '\0';
		json->path_fits = true;
	} else if (level->is_array) {
		json->path_fits = !level->is_unwanted && level->path_length + 3 <= MAX_PATH_BYTES;
		if (json->path_fits)
			memcpy(json->path + level->path_length, "[]", 3);
	}
	for (i = 0; json->path_fits && json->options->paths[i]; i++)
		if (!strcmp(json->options->paths[i], json->path)) {
			begin_item(json, i);
			return;
		}
}

static int end_value(struct json *json)
{
	struct imp_item item = {.values = json->values, .text = json->text};
	size_t i;

	if (!json->in_item || json->depth != json->item_depth || json->status)
		return json->status == 0;
	json->in_item = false;
	for (i = 0; i < json->depth; i++)
		if (json->levels[i].is_array) {
			item.outer = json->levels[i].count - 1;
			break;
		}
	json->status = json->options->on_item(json->options->context, json->item_path, &item);
	return json->status == 0;
}

static int begin_value(struct json *json, enum imp_type type, const char *text, size_t length)
{
	bool opens = type == IMP_OBJECT || type == IMP_ARRAY;
	size_t index = 0;

	json->calls++;
	if (json->depth)
		json->levels[json->depth - 1].count++;
	if (!json->in_item)
		look_at_path(json);
	if (json->in_item)
		index = add_value(json, type, text, length);
	if (json->status || !opens)
		return end_value(json);
	if (json->depth == IMP_JSON_DEPTH)
		return stop(json, TFMT_E_FORMAT, "more than 64 objects in one another");
	json->levels[json->depth++] = (struct level){
		.is_array = type == IMP_ARRAY,
		.is_unwanted = !json->path_fits,
		.path_length = json->path_fits ? strlen(json->path) : 0,
		.value = index,
	};
	return 1;
}

static int on_null(void *context)
{
	return begin_value(context, IMP_NULL, "", 0);
}

static int on_boolean(void *context, int value)
{
	return begin_value(
		context, value ? IMP_TRUE : IMP_FALSE, value ? "true" : "false", value ? 4 : 5);
}

static int on_number(void *context, const char *text, size_t length)
{
	return begin_value(context, IMP_NUMBER, text, length);
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
	return begin_value(context, IMP_STRING, (const char *)text, length);
}

static int on_start_map(void *context)
{
	return begin_value(context, IMP_OBJECT, "", 0);
}

static int on_start_array(void *context)
{
	return begin_value(context, IMP_ARRAY, "", 0);
}

static int on_key(void *context, const unsigned char *key, size_t length)
{
	struct json *json = context;
	const struct level *level = &json->levels[json->depth - 1];
	size_t at = level->path_length;

	json->calls++;
	if (json->in_item) {
		json->key = keep(json, (const char *)key, length);
		json->key_length = length;
		return json->status == 0;
	}
	json->path_fits =
		!level->is_unwanted && at + length + 2 <= MAX_PATH_BYTES && !memchr(key, 0, length);
	if (!json->path_fits)
		return 1;
	if (at)
		json->path[at++] = '.';
	memcpy(json->path + at, key, length);
	json->path[at + length] = '\0';
	return 1;
}

static int on_end(void *context)
{
	struct json *json = context;

	json->calls++;
	json->depth--;
	return end_value(json);
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end,
};

/* Where the parser is, in lines and columns from 1. */
struct place {
	uint64_t line, column;
};

static void advance(struct place *place, const unsigned char *data, size_t size)
{
	const unsigned char *end = data + size, *newline;

	while ((newline = memchr(data, '\n', (size_t)(end - data)))) {
		place->line++;
		place->column = 1;
		data = newline + 1;
	}
	place->column += (uint64_t)(end - data);
}

/* Say what is wrong and where. Returns the status to end with. */
static int fail(struct imp_source *source, struct json *json, yajl_handle parser,
	const struct place *place, struct tfmt_error *err)
{
	char *words, problem[sizeof(err->message)];

	if (json->status && json->status != TFMT_E_FORMAT)
		return json->status;
	if (json->status) {
		snprintf(problem, sizeof(problem), "%s",
			json->problem ? json->problem : err->message);
	} else {
		words = (char *)yajl_get_error(parser, 0, NULL, 0);
		snprintf(problem, sizeof(problem), "%.*s", (int)strcspn(words ? words : "", "\n"),
			words ? words : "");
		yajl_free_error(parser, (unsigned char *)words);
	}
	return imp_source_fail(source, place->line, place->column, err, "%s", problem);
}

static int parse(
	struct imp_source *source, struct json *json, yajl_handle parser, struct tfmt_error *err)
{
	struct place place = {1, 1};
	const unsigned char *data;
	uint64_t calls = 0;
	size_t size, quiet = 0;
	yajl_status parsed = yajl_status_ok;
	int status;

	while ((status = imp_source_block(source, &data, &size, err)) > 0) {
		parsed = yajl_parse(parser, data, size);
		quiet = calls == json->calls ? quiet + size : 0;
		calls = json->calls;
		if (parsed == yajl_status_ok && quiet > MAX_ITEM_BYTES) {
			json->status = TFMT_E_FORMAT;
			json->problem = "a text of more than 16 MiB";
		}
		if (parsed != yajl_status_ok || json->status) {
			advance(&place, data, yajl_get_bytes_consumed(parser));
			return fail(source, json, parser, &place, err);
		}
		advance(&place, data, size);
	}
	if (status < 0)
		return status;
	parsed = yajl_complete_parse(parser);
	return parsed == yajl_status_ok && !json->status ? 0
							 : fail(source, json, parser, &place, err);
}

int imp_json_read(
	struct imp_source *source, const struct imp_json_options *options, struct tfmt_error *err)
{
	struct json json = {
		.options = options,
		.text = calloc(FIRST_TEXT_BYTES, 1),
		.text_capacity = FIRST_TEXT_BYTES,
	};
	yajl_handle parser = json.text ? yajl_alloc(&callbacks, NULL, &json) : NULL;
	int status;

	if (!parser) {
		free(json.text);
		return TFMT_E_NOMEM;
	}
	yajl_config(parser, yajl_dont_validate_strings, 1);
	if (options->many)
		yajl_config(parser, yajl_allow_multiple_values, 1);
	if (options->may_be_cut)
		yajl_config(parser, yajl_allow_partial_values, 1);
	status = parse(source, &json, parser, err);
	yajl_free(parser);
	free(json.values);
	free(json.text);
	return status;
}
