#include "diag_cbor.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tracefmt/limits.h"
#include "utf8.h"

/* Maps down to this level have a line for each pair. */
#define LEVELS_OF_LINES 2
/* Items of arrays, bytes and text that are shown. */
#define SHOWN_ITEMS 16
#define SHOWN_BYTES 32
#define SHOWN_TEXT  200

enum major {
	UINT,
	NEGATIVE,
	BYTES,
	TEXT,
	ARRAY,
	MAP,
	TAG,
	SIMPLE,
};

struct head {
	enum major major;
	unsigned int info; /* the low five bits */
	uint64_t value;
	bool is_indefinite;
};

struct diag {
	struct conv_sink *out;
	const uint8_t *next;
	const uint8_t *end;
	bool shows_all;
	unsigned int muted;   /* levels of what is not shown */
	unsigned int depth;   /* of containers, for the layout */
	unsigned int nesting; /* of containers and tags */
	const char *fault;
};

static int put_item(struct diag *diag);

static void put(struct diag *diag, const char *text)
{
	if (!diag->muted)
		conv_put_text(diag->out, text);
}

static __attribute__((format(printf, 2, 3))) void putf(struct diag *diag, const char *format, ...)
{
	char text[128];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	put(diag, text);
}

static int refuse(struct diag *diag, const char *fault)
{
	diag->fault = fault;
	return -1;
}

static int read_head(struct diag *diag, struct head *head)
{
	size_t available = (size_t)(diag->end - diag->next), width;

	if (available == 0)
		return refuse(diag, "the bytes end within an item");
	*head = (struct head){.major = *diag->next >> 5, .info = *diag->next & 31};
	diag->next++;
	if (head->info < 24) {
		head->value = head->info;
		return 0;
	}
	if (head->info == 31) {
		head->is_indefinite = true;
		if (head->major < BYTES || head->major == TAG)
			return refuse(diag, "an integer or tag of indefinite length");
		return 0;
	}
	if (head->info > 27)
		return refuse(diag, "a reserved head");
	width = (size_t)1 << (head->info - 24);
	if (available - 1 < width)
		return refuse(diag, "the bytes end within a head");
	while (width--)
		head->value = head->value << 8 | *diag->next++;
	return 0;
}

static void put_newline(struct diag *diag)
{
	put(diag, "\n");
	for (unsigned int i = 0; i < diag->depth; i++)
		put(diag, "  ");
}

static void put_more(struct diag *diag, uint64_t count, const char *what)
{
	putf(diag, " / and %" PRIu64 " more %s /", count, what);
}

static void put_hex(struct diag *diag, const uint8_t *data, size_t size)
{
	size_t shown = diag->shows_all || size <= SHOWN_BYTES ? size : SHOWN_BYTES;

	put(diag, "h'");
	for (size_t i = 0; i < shown; i++)
		putf(diag, "%02x", data[i]);
	put(diag, "'");
	if (shown < size)
		put_more(diag, size - shown, "bytes");
}

/* The character at `text`, which is valid UTF-8. Returns its bytes. */
static size_t put_character(struct diag *diag, const char *text, size_t length)
{
	size_t size = (size_t)utf8_step(text, length);
	char copy[5] = {0};

	memcpy(copy, text, size);
	if (*text == '"' || *text == '\\')
		putf(diag, "\\%s", copy);
	else if (*text == '\n')
		put(diag, "\\n");
	else if (size == 1 && utf8_is_control(text))
		putf(diag, "\\u%04x", (unsigned char)*text);
	else if (utf8_is_control(text)) {
		unsigned int code = size == 2 ? (copy[0] & 0x1fu) << 6 | (copy[1] & 0x3fu)
					      : (copy[0] & 0x0fu) << 12 | (copy[1] & 0x3fu) << 6 |
							(copy[2] & 0x3fu);

		putf(diag, "\\u%04x", code);
	} else {
		put(diag, copy);
	}
	return size;
}

static void put_text(struct diag *diag, const char *text, size_t length)
{
	size_t at = 0;

	if (!utf8_is_valid(text, length)) {
		put_hex(diag, (const uint8_t *)text, length);
		put(diag, " / text that is no UTF-8 /");
		return;
	}
	put(diag, "\"");
	while (at < length && (diag->shows_all || at < SHOWN_TEXT))
		at += put_character(diag, text + at, length - at);
	put(diag, "\"");
	if (at < length)
		put_more(diag, length - at, "bytes");
}

static int put_string(struct diag *diag, const struct head *head)
{
	const uint8_t *data = diag->next;

	if (head->value > (uint64_t)(diag->end - diag->next))
		return refuse(diag, "a string that is longer than what there is");
	diag->next += head->value;
	if (head->major == BYTES)
		put_hex(diag, data, (size_t)head->value);
	else
		put_text(diag, (const char *)data, (size_t)head->value);
	return 0;
}

/* Whether an indefinite item ends here; then its end is passed over. */
static bool is_break(struct diag *diag)
{
	if (diag->next == diag->end || *diag->next != 0xff)
		return false;
	diag->next++;
	return true;
}

/* An item of an array, a pair of a map, or a part of a string, of which `at` came before. */
static int put_member(struct diag *diag, uint64_t at, bool is_map, bool has_lines)
{
	bool is_hidden = !diag->shows_all && !has_lines && at >= SHOWN_ITEMS;
	int status;

	diag->muted += is_hidden;
	if (at > 0)
		put(diag, has_lines ? "," : ", ");
	if (has_lines)
		put_newline(diag);
	status = put_item(diag);
	if (status == 0 && is_map) {
		put(diag, ": ");
		status = put_item(diag);
	}
	diag->muted -= is_hidden;
	return status;
}

/* Arrays, maps, and strings in parts. */
static int put_container(struct diag *diag, const struct head *head)
{
	bool is_map = head->major == MAP, is_array = head->major == ARRAY;
	bool has_lines = is_map && diag->depth < LEVELS_OF_LINES;
	uint64_t at = 0;
	int status = 0;

	diag->depth++;
	put(diag, is_map ? "{" : is_array ? "[" : "(");
	if (head->is_indefinite)
		put(diag, "_ ");
	while (status == 0 && (head->is_indefinite ? !is_break(diag) : at < head->value))
		status = put_member(diag, at++, is_map, has_lines);
	diag->depth--;
	if (status < 0)
		return status;
	if (!diag->shows_all && !has_lines && at > SHOWN_ITEMS)
		put_more(diag, at - SHOWN_ITEMS, is_map ? "pairs" : "items");
	if (has_lines && at > 0)
		put_newline(diag);
	put(diag, is_map ? "}" : is_array ? "]" : ")");
	return 0;
}

/* Width and sign of the items of a tag of RFC 8746; little-endian integers only. */
static size_t array_width(uint64_t tag, bool *ret_is_signed)
{
	*ret_is_signed = tag >= 72;
	switch (tag) {
	case 64:
	case 72:
		return 1;
	case 69:
	case 77:
		return 2;
	case 70:
	case 78:
		return 4;
	case 71:
	case 79:
		return 8;
	default:
		return 0;
	}
}

static void put_number(struct diag *diag, const uint8_t *data, size_t width, bool is_signed)
{
	uint64_t value = 0;

	for (size_t i = width; i > 0; i--)
		value = value << 8 | data[i - 1];
	if (is_signed && width < 8 && value >> (8 * width - 1))
		value |= UINT64_MAX << 8 * width;
	if (is_signed)
		putf(diag, "%" PRId64, (int64_t)value);
	else
		putf(diag, "%" PRIu64, value);
}

/* A typed array, the byte string after its tag: as numbers. False when it is something else. */
static bool put_typed_array(struct diag *diag, uint64_t tag)
{
	const uint8_t *start = diag->next;
	struct head head;
	bool is_signed;
	size_t width = array_width(tag, &is_signed), count, shown;

	if (width == 0 || read_head(diag, &head) < 0 || head.major != BYTES || head.is_indefinite ||
		head.value > (uint64_t)(diag->end - diag->next) || head.value % width != 0) {
		diag->next = start;
		return false;
	}
	count = (size_t)head.value / width;
	shown = diag->shows_all || count <= SHOWN_ITEMS ? count : SHOWN_ITEMS;
	putf(diag, "/ %zu %s%zu / [", count, is_signed ? "s" : "u", 8 * width);
	for (size_t i = 0; i < shown && !diag->muted; i++) {
		put(diag, i ? ", " : "");
		put_number(diag, diag->next + i * width, width, is_signed);
	}
	if (shown < count)
		put_more(diag, count - shown, "numbers");
	put(diag, "]");
	diag->next += head.value;
	return true;
}

static int put_tag(struct diag *diag, const struct head *head)
{
	int status = 0;

	putf(diag, "%" PRIu64 "(", head->value);
	if (!put_typed_array(diag, head->value)) {
		diag->fault = NULL;
		status = put_item(diag);
	}
	put(diag, ")");
	return status;
}

/* RFC 8949, appendix D. */
static double half_to_double(unsigned int half)
{
	int exponent = (int)(half >> 10 & 31);
	double mantissa = half & 1023, value;

	if (exponent == 0)
		value = ldexp(mantissa, -24);
	else if (exponent != 31)
		value = ldexp(mantissa + 1024, exponent - 25);
	else
		value = mantissa == 0 ? INFINITY : NAN;
	return half & 0x8000 ? -value : value;
}

static void put_float(struct diag *diag, double number)
{
	if (isnan(number))
		put(diag, "NaN");
	else if (isinf(number))
		put(diag, number < 0 ? "-Infinity" : "Infinity");
	else
		putf(diag, "%.17g", number);
}

static int put_simple(struct diag *diag, const struct head *head)
{
	static const char *const names[] = {"false", "true", "null", "undefined"};
	double number = 0;
	float single;
	uint32_t bits = (uint32_t)head->value;

	if (head->is_indefinite)
		return refuse(diag, "an end of something that did not begin");
	if (head->info == 25)
		number = half_to_double(bits);
	else if (head->info == 26)
		number = (double)*(float *)memcpy(&single, &bits, sizeof(single));
	else if (head->info == 27)
		memcpy(&number, &head->value, sizeof(number));
	if (head->info >= 25)
		put_float(diag, number);
	else if (head->value >= 20 && head->value <= 23)
		put(diag, names[head->value - 20]);
	else
		putf(diag, "simple(%" PRIu64 ")", head->value);
	return 0;
}

/* The item that begins with a head. */
static int put_head(struct diag *diag, const struct head *head)
{
	switch (head->major) {
	case UINT:
		putf(diag, "%" PRIu64, head->value);
		return 0;
	case NEGATIVE:
		if (head->value == UINT64_MAX)
			put(diag, "-18446744073709551616");
		else
			putf(diag, "-%" PRIu64, head->value + 1);
		return 0;
	case BYTES:
	case TEXT:
		return head->is_indefinite ? put_container(diag, head) : put_string(diag, head);
	case ARRAY:
	case MAP:
		return put_container(diag, head);
	case TAG:
		return put_tag(diag, head);
	case SIMPLE:
		break;
	}
	return put_simple(diag, head);
}

static int put_item(struct diag *diag)
{
	struct head head;
	int status;

	if (read_head(diag, &head) < 0)
		return -1;
	if (diag->nesting >= TFMT_MAX_NESTING)
		return refuse(diag, "nested too deeply");
	diag->nesting++;
	status = put_head(diag, &head);
	diag->nesting--;
	return status;
}

int diag_put_items(struct conv_sink *out, const uint8_t *data, size_t size_bytes, bool shows_all)
{
	struct diag diag = {
		.out = out, .next = data, .end = data + size_bytes, .shows_all = shows_all};
	int status = 0;

	while (status == 0 && diag.next < diag.end) {
		status = put_item(&diag);
		diag.muted = diag.depth = diag.nesting = 0;
		if (status < 0)
			putf(&diag, " / broken at byte %zu of the frame: %s /",
				(size_t)(diag.next - data), diag.fault);
		put(&diag, "\n");
	}
	return status;
}

void diag_put_skipped(struct conv_sink *out, uint64_t bytes)
{
	struct diag diag = {.out = out};

	putf(&diag, "/ %" PRIu64 " bytes before the first chunk /\n", bytes);
}
