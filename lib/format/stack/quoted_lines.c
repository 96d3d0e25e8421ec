/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/quoted_lines.h"

/* The first quote in s that no backslash escapes, or NULL. */
static const char *quote_in(struct wh_span s)
{
	for (const char *p = s.p; p < s.end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '"')
			return p;
	}
	return NULL;
}

/* The next string of the line that holds the sign. */
static bool next_string(struct wh_quoted_lines *lines)
{
	struct wh_span line = lines->line;
	const char *found = wh_span_size(line) ? wh_scan_find(line, lines->sign) : NULL;
	/* strings one after the other, up to the one that goes on behind the sign */
	while (found) {
		const char *open = quote_in(line), *close = open ? quote_in((struct wh_span){ open + 1, line.end }) : NULL;
		if (!open || open > found)
			break;
		line.p = close ? close + 1 : line.end;
		if (line.p > found) {
			lines->string = (struct wh_span){ open + 1, close ? close : line.end };
			lines->line = line;
			return true;
		}
	}
	lines->line = (struct wh_span){ 0 };
	return false;
}

bool wh_quoted_line(struct wh_quoted_lines *lines, struct wh_span *line)
{
	if (!wh_span_size(lines->string) && !next_string(lines)) {
		if (!wh_scan_line(&lines->text, line))
			return false;
		lines->line = *line;
		if (!memchr(line->p, '\\', wh_span_size(*line)) || !next_string(lines))
			return true;
	}
	struct wh_span *string = &lines->string;
	const char *end = wh_scan_find(*string, "\\n");
	*line = (struct wh_span){ string->p, end ? end : string->end };
	string->p = end ? end + 2 : string->end;
	if (wh_span_size(*line) >= 2 && !memcmp(line->end - 2, "\\r", 2))
		line->end -= 2;
	wh_scan_skip(line, "\\t");
	return true;
}
