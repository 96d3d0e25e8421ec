/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <whorl/error.h>

int wh_err_set(struct wh_err *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	va_list arguments;
	va_start(arguments, format);
	err->code = code;
	vsnprintf(err->message, sizeof err->message, format, arguments);
	va_end(arguments);
	return code;
}

int wh_err_wrap(struct wh_err *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char inner[sizeof err->message];
	memcpy(inner, err->message, sizeof inner);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->message, sizeof err->message, format, arguments);
	va_end(arguments);
	size_t n = strlen(err->message);
	snprintf(err->message + n, sizeof err->message - n, ": %s", inner);
	return err->code;
}

const char *wh_code_name(int code)
{
	static const char *const names[] = {
		[WH_OK] = "ok",
		[WH_E_NOMEM] = "out of memory",
		[WH_E_LIMIT] = "limit",
		[WH_E_IO] = "input/output",
		[WH_E_FORMAT] = "format",
		[WH_E_USAGE] = "usage",
		[WH_E_NOTFOUND] = "not found",
		[WH_E_CONFLICT] = "conflict",
		[WH_E_CANCELLED] = "cancelled",
		[WH_E_INTERNAL] = "internal",
	};
	if (code < 0 || (size_t)code >= sizeof names / sizeof *names)
		return "unknown";
	return names[code];
}
