#include "firefox_thread.h"
#include "lives.h"
#include "tracefmt/tracefmt.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* "path=/etc/passwd, mode=r" */
static void put_args(struct firefox_tables *tables, const struct firefox_marker *marker)
{
	const struct tfmt_trace *trace = tables->context->trace;
	const struct tfmt_arg *args;
	size_t count = conv_span_args_find(&tables->args, marker->number, &args), used = 0, i;
	char text[4096];

	for (i = 0; i < count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%s",
			used ? ", " : "", tfmt_trace_text(trace, args[i].name),
			tfmt_trace_text(trace, args[i].value));
	if (count)
		jsonw_pair_string(
			tables->w, marker->phase == FIREFOX_END ? "result" : "args", text);
}

static void put_marker_data(struct firefox_tables *tables, const struct firefox_marker *marker)
{
	const struct tfmt_trace *trace = tables->context->trace;
	struct jsonw *w = tables->w;
	char text[64];

	jsonw_begin_object(w);
	jsonw_pair_string(w, "type", marker->kind == FIREFOX_SPAN ? "Span" : "Remark");
	switch ((enum firefox_marker_kind)marker->kind) {
	case FIREFOX_SPAN:
		put_args(tables, marker);
		break;
	case FIREFOX_LOSS:
		jsonw_key(w, "count");
		jsonw_u64(w, marker->number);
		jsonw_pair_string(w, "what", tfmt_trace_text(trace, marker->name));
		jsonw_pair_string(w, "text", tfmt_trace_text(trace, marker->text));
		break;
	case FIREFOX_PROCESS:
		if (!marker->text) {
			jsonw_pair_string(w, "text",
				conv_describe_exit((uint8_t)marker->id, (int32_t)marker->number,
					text, sizeof(text)));
			break;
		}
		/* fall through */
	case FIREFOX_REMARK:
		jsonw_pair_string(w, "text", tfmt_trace_text(trace, marker->text));
		break;
	}
	jsonw_end_object(w);
}

static void put_marker_name(struct firefox_tables *tables, const struct firefox_marker *marker)
{
	const struct tfmt_trace *trace = tables->context->trace;
	struct tfmt_location location = {.function = tfmt_trace_text(trace, marker->name)};

	if (marker->kind == FIREFOX_LOSS)
		location.function = "lost";
	else if (marker->kind == FIREFOX_PROCESS)
		location.function = marker->text ? "exec" : "exit";
	else if (!marker->name)
		tfmt_trace_locations(trace, marker->id, &location, 1);
	firefox_put_text(tables, location.function);
}

static const char *const marker_columns[] = {
	"name", "phase", "category", "startTime", "endTime", "data"};

static void put_marker_cell(
	struct firefox_tables *tables, const struct firefox_marker *marker, size_t column)
{
	struct jsonw *w = tables->w;

	switch (column) {
	case 0:
		put_marker_name(tables, marker);
		break;
	case 1:
		jsonw_u64(w, marker->phase);
		break;
	case 2:
		jsonw_u64(w, FIREFOX_CATEGORY_USER);
		break;
	case 3:
		if (marker->phase == FIREFOX_END)
			jsonw_null(w);
		else
			jsonw_fixed(w, marker->time_ns, 6);
		break;
	case 4:
		if (marker->phase == FIREFOX_END)
			jsonw_fixed(w, marker->time_ns, 6);
		else
			jsonw_null(w);
		break;
	default:
		put_marker_data(tables, marker);
	}
}

int firefox_put_markers(struct firefox_tables *tables, uint32_t thread)
{
	struct conv_spool_cursor cursor;
	struct jsonw *w = tables->w;
	const void *item;
	size_t column;
	int status = 0;

	jsonw_newline(w);
	jsonw_key(w, "markers");
	jsonw_begin_object(w);
	jsonw_key(w, "length");
	jsonw_u64(w, tables->markers.lists[thread].item_count);
	for (column = 0; !status && column < COUNT_OF(marker_columns); column++) {
		jsonw_key(w, marker_columns[column]);
		jsonw_begin_array(w);
		conv_spool_rewind(&cursor, &tables->markers, thread);
		while ((status = conv_spool_next(&cursor, &tables->markers, &item)) > 0)
			put_marker_cell(tables, item, column);
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
	return status;
}
