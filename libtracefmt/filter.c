#include "filter_state.h"

#include <stdlib.h>
#include <string.h>

#include "bytes.h"

uint32_t tfmt_filter__add_node(struct tfmt_filter *filter, enum tfmt_filter_node_type type)
{
	if (filter->node_count == 0)
		filter->node_count = 1;
	if (tfmt_array__grow(&filter->nodes, &filter->node_capacity, filter->node_count + 1,
		    sizeof(*filter->nodes)) < 0)
		return 0;
	filter->nodes[filter->node_count] = (struct tfmt_filter_node){.type = type};
	return (uint32_t)filter->node_count++;
}

void tfmt_filter__add_child(struct tfmt_filter *filter, uint32_t parent, uint32_t child)
{
	uint32_t last = filter->nodes[parent].last_child;

	if (last)
		filter->nodes[last].next = child;
	else
		filter->nodes[parent].first_child = child;
	filter->nodes[parent].last_child = child;
	filter->nodes[child].next = 0;
}

int tfmt_filter_new(const char *expression, struct tfmt_filter **ret_filter, struct tfmt_error *err)
{
	struct tfmt_filter *filter;
	int status;

	if (strlen(expression) > TFMT_FILTER_MAX_BYTES)
		return tfmt_error_set(err, TFMT_E_ARG, TFMT_FILTER_MAX_BYTES,
			"the filter is too long: %d bytes are possible", TFMT_FILTER_MAX_BYTES);
	filter = calloc(1, sizeof(*filter));
	if (!filter)
		return tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory");
	filter->expression = strdup(expression);
	status = filter->expression ? tfmt_filter__parse(filter, err) : TFMT_E_NOMEM;
	if (!status)
		status = tfmt_filter__group(filter);
	if (status == TFMT_E_NOMEM)
		tfmt_error_set(err, TFMT_E_NOMEM, 0, "no memory");
	if (status)
		tfmt_filter_free(filter);
	else
		*ret_filter = filter;
	return status;
}

void tfmt_filter_free(struct tfmt_filter *filter)
{
	if (!filter)
		return;
	tfmt_filter__unbind(filter);
	for (size_t i = 0; i < filter->condition_count; i++) {
		tfmt_filter_text__release(&filter->conditions[i].text);
		free(filter->conditions[i].argument);
	}
	free(filter->nodes);
	free(filter->expression);
	free(filter);
}

const char *tfmt_filter_text(const struct tfmt_filter *filter)
{
	return filter->expression;
}

const struct tfmt_filter_warning *tfmt_filter_warnings(
	const struct tfmt_filter *filter, size_t *ret_count)
{
	*ret_count = filter->warning_count;
	return filter->warnings;
}
