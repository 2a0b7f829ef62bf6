/* Fuzzes the notation of tconv --diag: any bytes as the content of a frame. */
#include <stdio.h>
#include <stdlib.h>

#include "convert/diag_cbor.h"
#include "tests/lib/fuzz_main.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);
	struct conv_sink sink;

	if (!stream || conv_sink_init(&sink, stream))
		abort();
	for (int shows_all = 0; shows_all < 2; shows_all++)
		diag_put_items(&sink, data, size, shows_all);
	conv_sink_flush(&sink);
	conv_sink_release(&sink);
	fclose(stream);
	/* No control character but the ends of lines. */
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' && text[i] != '\n')
			abort();
	free(text);
	return 0;
}
