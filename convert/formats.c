#include "format.h"

#include <string.h>

#define X(id) extern const struct conv_format conv_format_##id;
#include "formats.def"
#undef X

const struct conv_format *const conv_formats[] = {
#define X(id) &conv_format_##id,
#include "formats.def"
#undef X
};
const size_t conv_format_count = sizeof(conv_formats) / sizeof(conv_formats[0]);

const struct conv_format *conv_format_from_path(const char *path)
{
	size_t i, length, path_length = strlen(path);

	for (i = 0; i < conv_format_count; i++) {
		length = strlen(conv_formats[i]->extension);
		if (path_length > length &&
			!strcmp(path + path_length - length, conv_formats[i]->extension))
			return conv_formats[i];
	}
	return NULL;
}

void conv_warn_weightless(const struct conv_context *context)
{
	bool is_offcpu = context->weight == TFMT_WEIGHT_OFFCPU;

	msg_warn(context->msg, "no sample is of a thread %s a CPU; --weight wall shows all",
		is_offcpu ? "off" : "on");
}

/* The kinds of data records, such as "life, counter, span". */
static void print_carried(const struct conv_format *format)
{
	const char *separator = "";
	int kind;

	for (kind = TFMT_LIFE; kind <= TFMT_COST; kind++)
		if (format->carries & TFMT_KIND_BIT(kind)) {
			printf("%s%s", separator, tfmt_kind_name(kind));
			separator = ", ";
		}
}

void conv_formats_list(void)
{
	size_t i;

	for (i = 0; i < conv_format_count; i++) {
		printf("%-14s %-17s %s\n%-32s holds: ", conv_formats[i]->name,
			conv_formats[i]->extension, conv_formats[i]->summary, "");
		print_carried(conv_formats[i]);
		putchar('\n');
	}
}
