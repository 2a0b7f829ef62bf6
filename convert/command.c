#include "command.h"

#include <stdio.h>

void conv_command_text(const struct tfmt_header *header, char *text, size_t size_bytes)
{
	size_t used = 0, i;

	text[0] = 0;
	for (i = 0; i < header->argc && used < size_bytes; i++)
		used += (size_t)snprintf(
			text + used, size_bytes - used, "%s%s", i ? " " : "", header->argv[i]);
	if (!*text)
		snprintf(text, size_bytes, "trace");
}
