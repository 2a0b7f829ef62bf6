#include "text_head.h"

#include "cells.h"
#include "facts.h"

void rend_put_filter(const struct rend_model *model, int columns, FILE *stream)
{
	char text[REND_FACTS_BYTES];
	rend_facts_filter(model, text);
	if (text[0] == '\0')
		return;
	rend_put_last(stream, text, columns);
	fputc('\n', stream);
}

void rend_put_text_head(const struct rend_model *model, int columns, FILE *stream)
{
	char text[REND_FACTS_BYTES];
	rend_model_command(model, text, sizeof(text));
	rend_put_last(stream, text, columns);
	fputc('\n', stream);
	rend_put_filter(model, columns, stream);
}
