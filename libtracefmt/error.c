#include "tracefmt/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

const char *tfmt_strerror(int code)
{
	switch ((enum tfmt_err)code) {
	case TFMT_OK:
		return "no error";
	case TFMT_E_IO:
		return "reading or writing failed";
	case TFMT_E_NOMEM:
		return "no memory";
	case TFMT_E_FORMAT:
		return "not a trace";
	case TFMT_E_VERSION:
		return "a trace of a newer version";
	case TFMT_E_CORRUPT:
		return "the trace is damaged";
	case TFMT_E_TRUNCATED:
		return "the trace is cut";
	case TFMT_E_LIMIT:
		return "a limit of the format is exceeded";
	case TFMT_E_ARG:
		return "wrong argument";
	case TFMT_E_UNSUPPORTED:
		return "not supported by this build";
	}
	return "unknown error";
}

int tfmt_error_set(
	struct tfmt_error *err, enum tfmt_err code, uint64_t offset, const char *format, ...)
{
	int saved_errno = errno;
	va_list args;

	if (!err)
		return code;
	err->code = code;
	err->saved_errno = code == TFMT_E_IO ? saved_errno : 0;
	err->offset = offset;
	va_start(args, format);
	vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return code;
}
