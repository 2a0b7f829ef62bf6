#include "filter_numbers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S	 INT64_C(1000000000)
#define MAX_WHOLE_DIGITS 18
/* Years that nanoseconds in 64 bits can tell, with room for time zones. */
#define MIN_YEAR 1970
#define MAX_YEAR 2261

/* Digits of a fraction as billionths. */
static int64_t read_fraction(const char **at)
{
	int64_t billionths = 0, place = NS_PER_S;

	for (; **at >= '0' && **at <= '9'; (*at)++) {
		place /= 10;
		billionths += (**at - '0') * place;
	}
	return billionths;
}

static int find_unit(const char *unit, size_t length, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", NS_PER_S},
		{"m", 60 * NS_PER_S},
		{"min", 60 * NS_PER_S},
		{"h", 3600 * NS_PER_S},
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == length && !memcmp(units[i].name, unit, length)) {
			*ret_ns = units[i].ns;
			return 0;
		}
	return -1;
}

int tfmt_filter__read_number(const char *text, struct tfmt_filter_number *ret_number)
{
	struct tfmt_filter_number number = {0};
	const char *at = text + (*text == '-'), *unit;
	int64_t sign = *text == '-' ? -1 : 1, unit_ns = NS_PER_S, billionths = 0;
	int digits = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		digits += number.whole != 0;
		if (digits >= MAX_WHOLE_DIGITS)
			return -2;
		number.whole = 10 * number.whole + (*at - '0');
	}
	if (*at == '.') {
		at++;
		number.has_fraction = true;
		billionths = read_fraction(&at);
	}
	for (unit = at; isalnum((unsigned char)*at) || *at == '_';)
		at++;
	number.has_unit = at != unit;
	if (number.has_unit && find_unit(unit, (size_t)(at - unit), &unit_ns))
		return -1;
	number.decimal = (double)sign * ((double)number.whole + (double)billionths / NS_PER_S);
	if (__builtin_mul_overflow(number.whole, unit_ns, &number.ns) ||
		__builtin_add_overflow(number.ns,
			(int64_t)((__int128)billionths * unit_ns / NS_PER_S), &number.ns)) {
		/* Of use as a number only. */
		if (number.has_unit)
			return -2;
		number.ns = INT64_MAX;
	}
	number.whole *= sign;
	number.ns *= sign;
	number.length = (size_t)(at - text);
	*ret_number = number;
	return 0;
}

/* A number of one to `most` digits. */
static int read_digits(const char **at, int most, int *ret_value)
{
	int digits = 0;

	*ret_value = 0;
	for (; **at >= '0' && **at <= '9' && digits < most; (*at)++, digits++)
		*ret_value = 10 * *ret_value + (**at - '0');
	return digits ? 0 : -1;
}

static int skip(const char **at, const char *any_of)
{
	if (!**at || !strchr(any_of, **at))
		return -1;
	(*at)++;
	return 0;
}

static int read_day(const char **at, struct tm *day)
{
	if (read_digits(at, 4, &day->tm_year) || skip(at, "/-") ||
		read_digits(at, 2, &day->tm_mon) || skip(at, "/-") ||
		read_digits(at, 2, &day->tm_mday))
		return -1;
	if (day->tm_year < MIN_YEAR || day->tm_year > MAX_YEAR || day->tm_mon < 1 ||
		day->tm_mon > 12 || day->tm_mday < 1 || day->tm_mday > 31)
		return -1;
	day->tm_year -= 1900;
	day->tm_mon -= 1;
	return 0;
}

/* "18:30", "18:30:05", "18:30:05.25" */
static int read_time_of_day(const char **at, struct tm *day, int64_t *ret_fraction_ns)
{
	if (read_digits(at, 2, &day->tm_hour) || skip(at, ":") || read_digits(at, 2, &day->tm_min))
		return -1;
	if (!skip(at, ":") && read_digits(at, 2, &day->tm_sec))
		return -1;
	if (!skip(at, "."))
		*ret_fraction_ns = read_fraction(at);
	return day->tm_hour > 23 || day->tm_min > 59 || day->tm_sec > 60 ? -1 : 0;
}

/* "Z", "UTC", "+01:00", "+0100", each after blanks or none: seconds east of UTC. */
static int read_zone(const char **at, int64_t *ret_east_s)
{
	int hours, minutes = 0, sign;

	while (**at == ' ')
		(*at)++;
	*ret_east_s = 0;
	if (!skip(at, "Zz"))
		return 0;
	if (!strncmp(*at, "UTC", 3)) {
		*at += 3;
		return 0;
	}
	sign = **at == '-' ? -1 : 1;
	if (skip(at, "+-") || read_digits(at, 2, &hours))
		return -1;
	(void)skip(at, ":");
	if (**at && read_digits(at, 2, &minutes))
		return -1;
	*ret_east_s = sign * (hours * 3600 + minutes * 60);
	return hours > 14 || minutes > 59 ? -1 : 0;
}

int tfmt_filter__read_date(const char *text, size_t length, int64_t *ret_utc_ns)
{
	char copy[48];
	const char *at = copy;
	struct tm day = {.tm_isdst = -1}, wanted;
	int64_t fraction_ns = 0, east_s = 0, seconds;
	bool has_zone;

	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return -1;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (read_day(&at, &day))
		return -1;
	if (*at && (skip(&at, " T") || read_time_of_day(&at, &day, &fraction_ns)))
		return -1;
	has_zone = *at != '\0';
	if (has_zone && (read_zone(&at, &east_s) || *at))
		return -1;
	wanted = day;
	seconds = has_zone ? timegm(&day) : mktime(&day);
	/* Days that no month has become days of the next one. */
	if (day.tm_mday != wanted.tm_mday && wanted.tm_sec < 60)
		return -1;
	*ret_utc_ns = (seconds - east_s) * NS_PER_S + fraction_ns;
	return 0;
}
