#include "weight_option.h"

#include <string.h>

#include "files.h"
#include "opts.h"

int weight_parse(const char *text, const struct msg *msg, enum tfmt_weight *ret_weight)
{
	const char *names[TFMT_WEIGHT_COUNT], *nearest;

	for (int i = 0; i < TFMT_WEIGHT_COUNT; i++) {
		names[i] = tfmt_weight_name((enum tfmt_weight)i);
		if (strcmp(text, names[i]) == 0) {
			*ret_weight = (enum tfmt_weight)i;
			return 0;
		}
	}
	nearest = opts_nearest(text, names, TFMT_WEIGHT_COUNT);
	msg_error(msg, "--weight %s: no such weight%s%s: samples, cpu, offcpu or wall", text,
		nearest ? ", did you mean " : "", nearest ? nearest : "");
	return EXIT_USAGE;
}
