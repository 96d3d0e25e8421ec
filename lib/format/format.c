/* SPDX-License-Identifier: Apache-2.0 */
#include "format/format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/scan.h"

enum { BEGINNING = 4096 };

/* Whether these bytes are no text: programs and libraries hold the words of every reader. Logs may hold NULs and a few stray bytes. */
static bool is_binary(const char *text, size_t size)
{
	size_t odd = 0, n = size < BEGINNING ? size : BEGINNING;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		odd += c < 0x20 && c != '\0' && !(c >= '\b' && c <= '\r') && c != 0x1b;
	}
	return odd > n / 10;
}

const struct wh_format *wh_format_detect(const struct wh_format *const *formats, const char *text, size_t size)
{
	const struct wh_format *best = NULL;
	int most = WH_DETECT_LEAST - 1;
	if (size > WH_DETECT_SIZE)
		size = WH_DETECT_SIZE;
	if (!size)
		return NULL;
	bool binary = is_binary(text, size);
	for (const struct wh_format *const *format = formats; *format; format++) {
		if (binary && !(*format)->binary)
			continue;
		int sure = (*format)->detect(text, size);
		if (sure > most) {
			most = sure;
			best = *format;
		}
	}
	for (; *formats; formats++) {
		int sure = !binary && (*formats)->detect_late ? (*formats)->detect_late(text, size, best ? most : 0) : 0;
		if (sure > most) {
			most = sure;
			best = *formats;
		}
	}
	return best;
}

const struct wh_format *wh_format_find(const struct wh_format *const *formats, const char *name)
{
	for (; *formats; formats++)
		if (!strcmp((*formats)->name, name))
			return *formats;
	return NULL;
}

size_t wh_reader_line(struct wh_reader *reader, const char *at)
{
	if (!reader->counted || at < reader->counted) {
		reader->counted = reader->text;
		reader->counted_lines = 0;
	}
	for (const char *p = reader->counted; p < at && (p = memchr(p, '\n', (size_t)(at - p))); p++)
		reader->counted_lines++;
	if (at > reader->counted)
		reader->counted = at;
	return (reader->first_line ? reader->first_line : 1) + reader->counted_lines;
}

int wh_reader_emit(struct wh_reader *reader, struct wh_observation *observation, struct wh_err *err)
{
	if (!observation->format)
		observation->format = reader->format->name;
	int code = reader->take(reader->user, observation, err);
	wh_arena_reset(reader->arena);
	return code;
}

void wh_reader_say(struct wh_reader *reader, const char *format, ...)
{
	char text[512];
	va_list arguments;
	if (!reader->say)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	reader->say(reader->user, text);
}

int wh_reader_skip(struct wh_reader *reader, const char *at, struct wh_err *err, const char *why, ...)
{
	char text[256];
	va_list arguments;
	va_start(arguments, why);
	vsnprintf(text, sizeof text, why, arguments);
	va_end(arguments);
	wh_arena_reset(reader->arena);
	return reader->skip(reader->user, wh_reader_line(reader, at), text, err);
}

int wh_reader_records(struct wh_reader *reader, wh_decode_fn *decode, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	while (wh_scan_line(&all, &line)) {
		struct wh_observation o;
		struct wh_err why;
		struct wh_span trimmed = wh_scan_trim(line);
		if (trimmed.p == trimmed.end)
			continue;
		int bad = decode((struct wh_bytes){ trimmed.p, wh_span_size(trimmed) }, reader->arena, &o, &why);
		if (bad == WH_E_NOMEM)
			return wh_err_set(err, bad, "%s", why.message);
		if (bad == WH_OK)
			WH_TRY(wh_reader_emit(reader, &o, err));
		else
			WH_TRY(wh_reader_skip(reader, line.p, err, "%s", why.message));
	}
	return WH_OK;
}
