#include "cpython/codes.h"

#include <stdlib.h>
#include <string.h>

#include "cpython/lines.h"
#include "cpython/text.h"

/* A young code object may be that of a passing script, an old one stays. */
#define YOUNG_NS       1000000000ull
#define YOUNG_CHECK_NS 10000000ull
#define CHECK_NS       250000000ull
/* Bounds of what is believed. */
#define MAX_CODE_BYTES	(64u << 20)
#define MAX_LINES_BYTES (4u << 20)
#define TEXT_BYTES	4096
#define HEAD_BYTES	512
/* Code objects remembered; then all are forgotten, and met again. */
#define MAX_CODES 65536

struct py_codes {
	struct py_memory *memory;
	const struct py_runtime *runtime;
	uint64_t code_type; /* 0: not known yet */
	struct py_code **slots;
	size_t slot_count, count;
};

struct py_codes *py_codes_new(struct py_memory *memory, const struct py_runtime *runtime)
{
	struct py_codes *codes = calloc(1, sizeof(*codes));
	if (!codes)
		return NULL;
	codes->memory = memory;
	codes->runtime = runtime;
	codes->code_type = runtime->code_type;
	codes->slot_count = 1024;
	codes->slots = calloc(codes->slot_count, sizeof(*codes->slots));
	if (codes->slots)
		return codes;
	free(codes);
	return NULL;
}

static void free_code(struct py_code *code)
{
	if (!code)
		return;
	free(code->function);
	free(code->file);
	free(code->lines);
	free(code->seen);
	free(code);
}

static void forget_all(struct py_codes *codes)
{
	for (size_t i = 0; i < codes->slot_count; i++) {
		free_code(codes->slots[i]);
		codes->slots[i] = NULL;
	}
	codes->count = 0;
}

void py_codes_trim(struct py_codes *codes)
{
	if (codes->count >= MAX_CODES)
		forget_all(codes);
}

void py_codes_free(struct py_codes *codes)
{
	if (!codes)
		return;
	forget_all(codes);
	free(codes->slots);
	free(codes);
}

static struct py_code **slot_of(struct py_code **slots, size_t slot_count, uint64_t address)
{
	size_t at = (address >> 4) * 0x9e3779b97f4a7c15ull >> 32 & (slot_count - 1);
	while (slots[at] && slots[at]->address != address)
		at = (at + 1) & (slot_count - 1);
	return &slots[at];
}

static bool grow(struct py_codes *codes)
{
	if (codes->count * 2 < codes->slot_count)
		return true;
	size_t slot_count = codes->slot_count * 2;
	struct py_code **slots = calloc(slot_count, sizeof(struct py_code *));
	if (!slots)
		return false;
	for (size_t i = 0; i < codes->slot_count; i++)
		if (codes->slots[i])
			*slot_of(slots, slot_count, codes->slots[i]->address) = codes->slots[i];
	free(codes->slots);
	codes->slots = slots;
	codes->slot_count = slot_count;
	return true;
}

/* ---- one code object ---- */

static uint64_t word(const uint8_t *bytes, uint32_t offset)
{
	uint64_t value;
	memcpy(&value, bytes + offset, sizeof(value));
	return value;
}

/* Whether `type` is the type of code objects: learned from its name when no symbol told. */
static bool is_code_type(struct py_codes *codes, uint64_t type)
{
	const struct py_layout *layout = &codes->runtime->layout;
	char name[8] = "";
	uint64_t name_at;
	if (codes->code_type != 0)
		return type == codes->code_type;
	if (type == 0 || !py_read_pointer(codes->memory, type + layout->type_name, &name_at) ||
		!py_read(codes->memory, name_at, name, 5) || memcmp(name, "code", 5) != 0)
		return false;
	codes->code_type = type;
	return true;
}

static uint64_t fingerprint_of(const struct py_layout *layout, const uint8_t *head)
{
	uint32_t fields[] = {layout->code_filename, layout->code_name, layout->code_lines,
		layout->code_qualname ? layout->code_qualname : layout->code_name};
	uint64_t hash = 0;
	uint32_t line;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		hash = (hash ^ word(head, fields[i])) * 0x9e3779b97f4a7c15ull;
	memcpy(&line, head + layout->code_first_line, sizeof(line));
	return hash ^ line;
}

/* The part of the object in front of its instructions, if it is a code object at all. */
static bool read_head(struct py_codes *codes, uint64_t address, uint8_t head[HEAD_BYTES])
{
	const struct py_layout *layout = &codes->runtime->layout;
	return address % 8 == 0 && address != 0 &&
	       py_read(codes->memory, address, head, layout->code_bytes) &&
	       is_code_type(codes, word(head, layout->object_type));
}

static uint8_t *read_bytes(struct py_codes *codes, uint64_t address, size_t *ret_size)
{
	const struct py_layout *layout = &codes->runtime->layout;
	uint64_t size;
	if (!py_read_pointer(codes->memory, address + layout->bytes_size, &size) ||
		size > MAX_LINES_BYTES)
		return NULL;
	uint8_t *bytes = malloc(size + 1);
	if (bytes && size > 0 &&
		!py_read(codes->memory, address + layout->bytes_data, bytes, size)) {
		free(bytes);
		return NULL;
	}
	*ret_size = size;
	return bytes;
}

static char *read_text(struct py_codes *codes, uint64_t address)
{
	char text[TEXT_BYTES];
	if (py_read_text(codes->memory, &codes->runtime->layout, address, text, sizeof(text)) < 0)
		return NULL;
	return strdup(text);
}

static bool fill_code(struct py_codes *codes, struct py_code *code, const uint8_t *head)
{
	const struct py_layout *layout = &codes->runtime->layout;
	uint32_t name_at = layout->code_qualname ? layout->code_qualname : layout->code_name;
	code->function = read_text(codes, word(head, name_at));
	code->file = read_text(codes, word(head, layout->code_filename));
	code->lines = read_bytes(codes, word(head, layout->code_lines), &code->lines_bytes);
	memcpy(&code->first_line, head + layout->code_first_line, sizeof(code->first_line));
	if (!code->function || !code->file || !code->lines)
		return false;
	code->is_shim = code->file[0] == '<' && strcmp(code->file, "<shim>") == 0;
	code->is_shim |= strcmp(code->function, "<shim>") == 0;
	code->is_module = strcmp(code->function, "<module>") == 0;
	if (layout->code_instructions == 0)
		return true;
	/* The object's size field counts units of 2 bytes; it follows the type. */
	uint64_t units = word(head, layout->object_type + 8);
	code->instructions = code->address + layout->code_instructions;
	code->size = units * 2;
	return units <= MAX_CODE_BYTES / 2;
}

static struct py_code *read_code(
	struct py_codes *codes, uint64_t address, const uint8_t *head, uint64_t now_ns)
{
	struct py_code *code = calloc(1, sizeof(*code));
	if (!code)
		return NULL;
	code->address = address;
	code->fingerprint = fingerprint_of(&codes->runtime->layout, head);
	code->since_ns = code->checked_ns = now_ns;
	if (fill_code(codes, code, head))
		return code;
	free_code(code);
	return NULL;
}

static bool needs_check(const struct py_code *code, uint64_t now_ns)
{
	uint64_t period_ns = now_ns - code->since_ns < YOUNG_NS ? YOUNG_CHECK_NS : CHECK_NS;
	return now_ns - code->checked_ns > period_ns;
}

struct py_code *py_codes_get(struct py_codes *codes, uint64_t address, uint64_t now_ns)
{
	uint8_t head[HEAD_BYTES];
	struct py_code **slot = slot_of(codes->slots, codes->slot_count, address);
	struct py_code *old = *slot;
	if (old && !needs_check(old, now_ns))
		return old;
	if (!read_head(codes, address, head))
		return NULL;
	if (old && old->fingerprint == fingerprint_of(&codes->runtime->layout, head)) {
		old->checked_ns = now_ns;
		return old;
	}
	struct py_code *code = read_code(codes, address, head, now_ns);
	if (!code || !grow(codes)) {
		free_code(code);
		return NULL;
	}
	slot = slot_of(codes->slots, codes->slot_count, address);
	codes->count += *slot == NULL;
	free_code(*slot);
	*slot = code;
	return code;
}

struct py_code *py_codes_find(const struct py_codes *codes, uint64_t address, uint64_t since_ns)
{
	struct py_code *code = *slot_of(codes->slots, codes->slot_count, address);
	return code && code->since_ns == since_ns ? code : NULL;
}

bool py_code_offset(const struct py_layout *layout, const struct py_code *code,
	uint64_t instruction, int64_t *ret_offset)
{
	int32_t index = (int32_t)instruction;
	switch (layout->instruction) {
	case PY_INSTRUCTION_BYTES:
		*ret_offset = index;
		return index >= -1;
	case PY_INSTRUCTION_UNITS:
		*ret_offset = index < 0 ? -1 : (int64_t)index * 2;
		return index >= -1;
	case PY_INSTRUCTION_POINTER:
		break;
	}
	/* Until 3.12 the last instruction done: one in front of the first at the beginning. */
	*ret_offset = (int64_t)(instruction - code->instructions);
	if (*ret_offset == -2)
		*ret_offset = -1;
	return *ret_offset >= -1 && *ret_offset < (int64_t)code->size;
}

uint32_t py_code_line(const struct py_layout *layout, const struct py_code *code, int64_t offset)
{
	return py_line_of(layout->minor, code->lines, code->lines_bytes, code->first_line, offset);
}

uint32_t *py_code_user(struct py_code *code, uint32_t line)
{
	for (size_t i = 0; i < code->seen_count; i++)
		if (code->seen[i].line == line)
			return &code->seen[i].user;
	struct py_code_line *seen =
		realloc(code->seen, (code->seen_count + 1) * sizeof(struct py_code_line));
	if (!seen)
		return NULL;
	code->seen = seen;
	seen[code->seen_count] = (struct py_code_line){.line = line};
	return &seen[code->seen_count++].user;
}
