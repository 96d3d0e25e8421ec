/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <whorl/emit.h>

#include "base/time.h"

void wh_emit_string(struct wh_emit *e, const char *key, const char *text)
{
	if (text)
		e->ops->string(e, key, text, strlen(text));
	else if (!key)
		e->ops->null(e, key);
}

void wh_emit_format(struct wh_emit *e, const char *key, const char *format, ...)
{
	char text[512];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	wh_emit_string(e, key, text);
}

void wh_emit_time(struct wh_emit *e, const char *key, int64_t time_ns)
{
	char text[WH_TIME_TEXT];
	wh_emit_string(e, key, wh_time_format(time_ns, text));
}
