#include "firefox_meta.h"

#include "command.h"
#include "firefox_thread.h"
#include "tracefmt/tracefmt.h"

#define PROCESSED_VERSION 49
#define GECKO_VERSION	  30 /* of the profiles that this version is made from */

static void put_pair(struct jsonw *w, const char *key, const char *value)
{
	jsonw_key(w, key);
	jsonw_string(w, value);
}

static void put_number(struct jsonw *w, const char *key, uint64_t value)
{
	jsonw_key(w, key);
	jsonw_u64(w, value);
}

static void put_flag(struct jsonw *w, const char *key, bool value)
{
	jsonw_key(w, key);
	jsonw_bool(w, value);
}

static void put_field(struct jsonw *w, const char *key, const char *label)
{
	jsonw_begin_object(w);
	put_pair(w, "key", key);
	put_pair(w, "label", label);
	put_pair(w, "format", "string");
	put_flag(w, "searchable", true);
	jsonw_end_object(w);
}

/* How markers of a type are shown. */
static void put_schema(struct jsonw *w, const char *type, const char *label,
	const char *const fields[][2], size_t count)
{
	size_t i;

	jsonw_begin_object(w);
	put_pair(w, "name", type);
	put_pair(w, "chartLabel", label);
	put_pair(w, "tableLabel", label);
	jsonw_key(w, "display");
	jsonw_begin_array(w);
	jsonw_string(w, "marker-chart");
	jsonw_string(w, "marker-table");
	jsonw_end_array(w);
	jsonw_key(w, "data");
	jsonw_begin_array(w);
	for (i = 0; i < count; i++)
		put_field(w, fields[i][0], fields[i][1]);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void put_schemas(struct jsonw *w)
{
	static const char *const span_fields[][2] = {{"args", "Arguments"}, {"result", "Result"}};
	static const char *const remark_fields[][2] = {
		{"text", "Text"}, {"count", "Count"}, {"what", "What"}};

	jsonw_key(w, "markerSchema");
	jsonw_begin_array(w);
	put_schema(w, "Span", "{marker.data.args}", span_fields, 2);
	put_schema(w, "Remark", "{marker.data.text}", remark_fields, 3);
	jsonw_end_array(w);
}

static void put_units(struct jsonw *w)
{
	jsonw_key(w, "sampleUnits");
	jsonw_begin_object(w);
	put_pair(w, "time", "ms");
	put_pair(w, "eventDelay", "ms");
	put_pair(w, "threadCPUDelta", "ns");
	jsonw_end_object(w);
}

void firefox_put_meta(const struct conv_context *context, struct jsonw *w)
{
	const struct tfmt_header *header = context->header;
	uint64_t utc_ns = header->utc_ns > 0 ? (uint64_t)header->utc_ns : 0;
	char command[512];

	conv_command_text(header, command, sizeof(command));
	jsonw_key(w, "meta");
	jsonw_begin_object(w);
	jsonw_key(w, "interval");
	jsonw_fixed(w, UINT64_C(1000000000) / (header->rate_hz ? header->rate_hz : 1000), 6);
	jsonw_key(w, "startTime");
	jsonw_fixed(w, utc_ns, 6);
	put_number(w, "version", GECKO_VERSION);
	put_number(w, "preprocessedProfileVersion", PROCESSED_VERSION);
	put_number(w, "processType", 0);
	put_number(w, "stackwalk", 1);
	put_flag(w, "debug", false);
	put_pair(w, "product", command);
	put_pair(w, "importedFrom", header->recorder);
	put_pair(w, "oscpu", header->os);
	put_pair(w, "platform", header->host);
	put_pair(w, "abi", header->machine);
	put_number(w, "logicalCPUs", header->cpu_count);
	put_flag(w, "symbolicated", true);
	put_flag(w, "usesOnlyOneStackType", true);
	put_flag(w, "doesNotUseFrameImplementation", true);
	put_flag(w, "sourceCodeIsNotOnSearchfox", true);
	put_units(w);
	jsonw_key(w, "extensions");
	jsonw_begin_object(w);
	put_number(w, "length", 0);
	jsonw_key(w, "baseURL");
	jsonw_begin_array(w);
	jsonw_end_array(w);
	jsonw_key(w, "id");
	jsonw_begin_array(w);
	jsonw_end_array(w);
	jsonw_key(w, "name");
	jsonw_begin_array(w);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_key(w, "categories");
	firefox_put_categories(w);
	put_schemas(w);
	jsonw_end_object(w);
}

static void put_library(const struct conv_context *context, struct jsonw *w, uint32_t id)
{
	const struct tfmt_trace *trace = context->trace;
	const struct tfmt_mapping *mapping = tfmt_trace_mapping(trace, id);
	const struct tfmt_string *build_id = tfmt_trace_string(trace, mapping->build_id);
	const char *path = tfmt_trace_text(trace, mapping->path);

	jsonw_newline(w);
	jsonw_begin_object(w);
	put_pair(w, "arch", context->header->machine);
	put_pair(w, "name", tfmt_base_name(path));
	put_pair(w, "path", path);
	put_pair(w, "debugName", tfmt_base_name(path));
	put_pair(w, "debugPath", path);
	put_pair(w, "breakpadId", "");
	jsonw_key(w, "codeId");
	if (mapping->build_id)
		jsonw_hex_bytes(w, build_id->data, build_id->length);
	else
		jsonw_null(w);
	jsonw_end_object(w);
}

void firefox_put_libraries(const struct conv_context *context, struct jsonw *w)
{
	uint32_t id;

	jsonw_newline(w);
	jsonw_key(w, "libs");
	jsonw_begin_array(w);
	for (id = 1; id <= tfmt_trace_count(context->trace, TFMT_MAPPING); id++)
		put_library(context, w, id);
	jsonw_end_array(w);
}
