#include "num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Three significant digits, no trailing ".0": "1.25", "12.4", "694". */
static void three_digits(char *text, double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	char digits[24];
	snprintf(digits, sizeof(digits), "%.*f", decimals, value);
	if (strchr(digits, '.')) {
		char *end = digits + strlen(digits);
		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	snprintf(text, NUM_TEXT_BYTES, "%s %s", digits, unit);
}

char *num_bytes(char *text, uint64_t bytes)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1023.5 && unit + 1 < sizeof(units) / sizeof(*units)) {
		value /= 1024;
		unit++;
	}
	if (bytes == 0)
		strcpy(text, "0");
	else
		three_digits(text, value, units[unit]);
	return text;
}

char *num_duration(char *text, uint64_t ns)
{
	if (ns == 0)
		strcpy(text, "0");
	else if (ns < 1000)
		snprintf(text, NUM_TEXT_BYTES, "%u ns", (unsigned)ns);
	else if (ns < 999500)
		three_digits(text, (double)ns / 1e3, "µs");
	else if (ns < 999500000)
		three_digits(text, (double)ns / 1e6, "ms");
	else if (ns < 59950000000)
		three_digits(text, (double)ns / 1e9, "s");
	else if (ns < 3599500000000) {
		uint64_t s = (ns + 500000000) / 1000000000;
		snprintf(text, NUM_TEXT_BYTES, "%u min %u s", (unsigned)(s / 60),
			(unsigned)(s % 60));
	} else {
		uint64_t min = (ns + 30000000000) / 60000000000;
		snprintf(text, NUM_TEXT_BYTES, "%llu h %u min", (unsigned long long)(min / 60),
			(unsigned)(min % 60));
	}
	return text;
}

char *num_count(char *text, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	char *out = text;
	for (int i = 0; i < length; i++) {
		/* 20 digits and 6 spaces of 3 bytes do not fit: beyond 10^15 digits only. */
		if (i > 0 && (length - i) % 3 == 0 && length <= 15) {
			memcpy(out, "\u2009", 3);
			out += 3;
		}
		*out++ = digits[i];
	}
	*out = '\0';
	return text;
}

char *num_percent(char *text, double part, double whole)
{
	double percent = whole > 0 ? 100 * part / whole : 0;
	if (percent >= 99.95 || percent <= 0)
		snprintf(text, NUM_TEXT_BYTES, "%.0f %%", percent);
	else
		snprintf(text, NUM_TEXT_BYTES, "%.1f %%", percent);
	return text;
}

struct unit {
	const char *name;
	double factor;
};

static int parse_with_unit(const char *text, const struct unit *units, size_t count, uint64_t *ret)
{
	if (!((*text >= '0' && *text <= '9') || *text == '.'))
		return -1;
	char *end;
	double value = strtod(text, &end);
	if (end == text || !isfinite(value))
		return -1;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(end, units[i].name) != 0)
			continue;
		value = value * units[i].factor + 0.5;
		if (value >= 9e18)
			return -1;
		*ret = (uint64_t)value;
		return 0;
	}
	return -1;
}

int num_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct unit units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3},
		{"µs", 1e3}, {"ns", 1}, {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}};
	return parse_with_unit(text, units, sizeof(units) / sizeof(*units), ret_ns);
}

int num_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {{"", 1}, {"b", 1}, {"k", 1024}, {"kib", 1024},
		{"kb", 1e3}, {"m", 1 << 20}, {"mib", 1 << 20}, {"mb", 1e6}, {"g", 1 << 30},
		{"gib", 1 << 30}, {"gb", 1e9}};
	return parse_with_unit(text, units, sizeof(units) / sizeof(*units), ret_bytes);
}
