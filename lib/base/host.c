/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include <whorl/host.h>

void wh_host_log(const struct wh_host *host, enum wh_level level, const char *format, ...)
{
	if (!host || !host->log)
		return;
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	host->log(host->user, level, text);
}

void wh_host_progress(const struct wh_host *host, const char *phase, uint64_t done, uint64_t total)
{
	if (host && host->progress)
		host->progress(host->user, phase, done, total);
}
