#include "python_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool ends_in(const char *text, size_t length, const char *end)
{
	size_t end_length = strlen(end);

	return length > end_length && !memcmp(text + length - end_length, end, end_length);
}

static bool is_python(const char *file, size_t length)
{
	return !length || file[0] == '<' || ends_in(file, length, ".py") ||
	       ends_in(file, length, ".pyw") || ends_in(file, length, ".pyc");
}

int imp_python_frame(struct imp_build *build, const char *function, size_t function_length,
	const char *file, size_t file_length, uint32_t line, uint32_t *ret_id)
{
	struct imp_frame frame = {
		.function = function,
		.function_length = function_length,
		.line = line,
		.language = is_python(file, file_length) ? TFMT_LANG_PYTHON : TFMT_LANG_NATIVE,
	};

	if (file_length == strlen("kernel") && !memcmp(file, "kernel", file_length))
		frame.language = TFMT_LANG_KERNEL;
	if (frame.language == TFMT_LANG_PYTHON || line) {
		frame.file = file;
		frame.file_length = file_length;
	} else {
		frame.module = file;
		frame.module_length = file_length;
	}
	return imp_frame(build, &frame, ret_id);
}

int imp_python_process(struct imp_build *build, uint32_t pid)
{
	uint32_t process;
	int status;

	if (imp_ids_get(&build->processes, pid, 0))
		return 0;
	status = imp_process(build, pid, &process);
	return status ? status : imp_name(build, 0, process, 0, "python", strlen("python"));
}

bool imp_text_number(const char *text, size_t length, uint64_t *ret_number)
{
	bool is_hex = length > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	uint64_t number = 0;
	size_t i;

	for (i = is_hex ? 2 : 0; i < length; i++) {
		if (!(is_hex ? isxdigit((unsigned char)text[i])
			     : isdigit((unsigned char)text[i])) ||
			number > UINT64_MAX / 16 - 1)
			return false;
		number = number * (is_hex ? 16 : 10) +
			 (uint64_t)(isdigit((unsigned char)text[i]) ? text[i] - '0'
								    : (text[i] | 32) - 'a' + 10);
	}
	*ret_number = number;
	return length > 0;
}

bool imp_python_split(const char *text, size_t length, struct imp_python_text *ret_text)
{
	const char *open, *colon;
	uint64_t line = 0;
	size_t file_length;

	if (!length || text[length - 1] != ')')
		return false;
	open = memrchr(text, '(', length);
	if (!open || open - text < 2 || open[-1] != ' ')
		return false;
	file_length = length - (size_t)(open + 2 - text);
	colon = memrchr(open + 1, ':', file_length);
	if (colon && imp_text_number(colon + 1, file_length - (size_t)(colon - open), &line) &&
		line <= UINT32_MAX)
		file_length = (size_t)(colon - open) - 1;
	else
		line = 0;
	*ret_text = (struct imp_python_text){
		.function = text,
		.function_length = (size_t)(open - 1 - text),
		.file = open + 1,
		.file_length = file_length,
		.line = (uint32_t)line,
	};
	return file_length > 0;
}

const char *imp_text_after(const char *text, const char *start)
{
	size_t length = strlen(start);

	return strncmp(text, start, length) ? NULL : text + length;
}
