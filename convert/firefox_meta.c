#include "firefox_meta.h"

#include "command.h"
#include "firefox_thread.h"
#include "tracefmt/tracefmt.h"

#define PROCESSED_VERSION 49
#define GECKO_VERSION	  30 /* of the profiles that this version is made from */

static void put_field(struct jsonw *w, const char *key, const char *label)
{
	jsonw_begin_object(w);
	jsonw_pair_string(w, "key", key);
	jsonw_pair_string(w, "label", label);
	jsonw_pair_string(w, "format", "string");
	jsonw_pair_bool(w, "searchable", true);
	jsonw_end_object(w);
}

/* How markers of a type are shown. */
static void put_schema(struct jsonw *w, const char *type, const char *label,
	const char *const fields[][2], size_t count)
{
	size_t i;

	jsonw_begin_object(w);
	jsonw_pair_string(w, "name", type);
	jsonw_pair_string(w, "chartLabel", label);
	jsonw_pair_string(w, "tableLabel", label);
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
	jsonw_pair_string(w, "time", "ms");
	jsonw_pair_string(w, "eventDelay", "ms");
	jsonw_pair_string(w, "threadCPUDelta", "ns");
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
	jsonw_pair_u64(w, "version", GECKO_VERSION);
	jsonw_pair_u64(w, "preprocessedProfileVersion", PROCESSED_VERSION);
	jsonw_pair_u64(w, "processType", 0);
	jsonw_pair_u64(w, "stackwalk", 1);
	jsonw_pair_bool(w, "debug", false);
	jsonw_pair_string(w, "product", command);
	jsonw_pair_string(w, "importedFrom", header->recorder);
	jsonw_pair_string(w, "oscpu", header->os);
	jsonw_pair_string(w, "platform", header->host);
	jsonw_pair_string(w, "abi", header->machine);
	jsonw_pair_u64(w, "logicalCPUs", header->cpu_count);
	jsonw_pair_bool(w, "symbolicated", true);
	jsonw_pair_bool(w, "usesOnlyOneStackType", true);
	jsonw_pair_bool(w, "doesNotUseFrameImplementation", true);
	jsonw_pair_bool(w, "sourceCodeIsNotOnSearchfox", true);
	put_units(w);
	jsonw_key(w, "extensions");
	jsonw_begin_object(w);
	jsonw_pair_u64(w, "length", 0);
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
	jsonw_pair_string(w, "arch", context->header->machine);
	jsonw_pair_string(w, "name", tfmt_base_name(path));
	jsonw_pair_string(w, "path", path);
	jsonw_pair_string(w, "debugName", tfmt_base_name(path));
	jsonw_pair_string(w, "debugPath", path);
	jsonw_pair_string(w, "breakpadId", "");
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
