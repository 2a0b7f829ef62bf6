/* Characters for cells of text, from nothing to most, that are told apart without colour. */
#ifndef REND_HEAT_RAMP_H
#define REND_HEAT_RAMP_H

struct rend_heat_ramp {
	const char *steps[9];
	int count;
	const char *bar;
};

/* Blocks, unless the locale is of another character set than UTF-8. */
const struct rend_heat_ramp *rend_heat_ramp(void);

/* The character for a value of `max`; only 0 is blank. */
const char *rend_heat_step(const struct rend_heat_ramp *ramp, double value, double max);

#endif
