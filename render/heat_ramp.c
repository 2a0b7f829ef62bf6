#include "heat_ramp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct rend_heat_ramp blocks = {{" ", "·", "░", "▒", "▓", "█"}, 6, "█"};
static const struct rend_heat_ramp letters = {
	{" ", ".", ":", "-", "=", "+", "*", "#", "@"}, 9, "#"};

/* A locale that says nothing of UTF-8 is taken at its word; none at all says nothing. */
const struct rend_heat_ramp *rend_heat_ramp(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);
		if (value != NULL && value[0] != '\0')
			return strcasestr(value, "utf-8") != NULL ||
					       strcasestr(value, "utf8") != NULL
				       ? &blocks
				       : &letters;
	}
	return &blocks;
}

const char *rend_heat_step(const struct rend_heat_ramp *ramp, double value, double max)
{
	int last = ramp->count - 1;
	if (!(value > 0))
		return ramp->steps[0];
	return ramp->steps[1 + (int)fmin(value / max * last, last - 1)];
}
