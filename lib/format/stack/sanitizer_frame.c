/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/sanitizer_frame.h"

#include "format/stack/frame_line.h"

/* Passes over `#12 ` or `#1.2 `; at stays where it was if that is not there. */
static bool read_number(struct wh_span *at, struct wh_frame_line *frame)
{
	struct wh_span s = *at;
	uint64_t part;
	if (!wh_scan_skip(&s, "#") || !wh_scan_decimal(&s, &frame->number))
		return false;
	if (s.p < s.end && *s.p == '.') { /* Fuchsia numbers inlined frames within their physical one */
		s.p++;
		if (!wh_scan_decimal(&s, &part))
			return false;
		frame->inlined = true;
	}
	if (s.p >= s.end || !wh_is_blank(*s.p))
		return false;
	wh_scan_blanks(&s);
	*at = s;
	return true;
}

/* Where the frame's `#` is. A frame without an address must be indented: libFuzzer's `#12 NEW cov: …` is not one. */
static bool read_start(struct wh_span line, struct wh_span *rest, struct wh_frame_line *frame)
{
	const char *p = line.p;
	for (int tries = 0; tries < 8 && p < line.end; tries++, p++) {
		p = memchr(p, '#', (size_t)(line.end - p));
		if (!p)
			return false;
		if (p > line.p && !wh_is_blank(p[-1]))
			continue;
		*frame = (struct wh_frame_line){ 0 };
		*rest = (struct wh_span){ p, line.end };
		if (!read_number(rest, frame))
			continue;
		struct wh_span after = *rest;
		frame->has_address = wh_scan_hex(&after, &frame->address) && (after.p == after.end || wh_is_blank(*after.p));
		if (frame->has_address) {
			*rest = after;
			return true;
		}
		frame->address = 0;
		if (p - line.p >= 2 && p[-1] == ' ' && p[-2] == ' ')
			return true;
	}
	return false;
}

/* `path+0x12`: false where there is no offset. */
static bool read_module(struct wh_span s, struct wh_frame_line *frame)
{
	const char *plus = wh_scan_last(s, "+0x");
	if (!plus)
		return false;
	struct wh_span offset = { plus + 1, s.end };
	uint64_t value;
	if (!wh_scan_hex(&offset, &value) || offset.p != offset.end)
		return false;
	frame->module = (struct wh_span){ s.p, plus };
	frame->offset = value;
	frame->has_offset = true;
	return true;
}

/* Takes `(path+0x12)`, `(BuildId: 12ab)`, `<lib.so>+0x12` and the like off the end of s. */
static void take_module(struct wh_span *s, struct wh_frame_line *frame)
{
	for (int i = 0; i < 3; i++) {
		*s = wh_scan_trim(*s);
		const char *open = wh_last_parenthesis(*s);
		struct wh_span inner = { open ? open + 1 : NULL, s->end - 1 };
		if (open && open > s->p && !wh_is_blank(open[-1]))
			return; /* the arguments of a function */
		if (open && wh_scan_skip(&inner, "BuildId:")) {
			frame->build_id = wh_scan_trim(inner);
		} else if (open && wh_scan_has(inner, "<unknown module>")) {
			/* says nothing */
		} else if (!open || !read_module(inner, frame)) {
			const char *angle = wh_scan_last(*s, " <");
			const char *close = angle ? wh_scan_last((struct wh_span){ angle, s->end }, ">+0x") : NULL;
			if (!close || !read_module((struct wh_span){ angle + 2, s->end }, frame))
				return;
			frame->module.end--; /* the > */
			open = angle;
		}
		s->end = open;
	}
}

static bool is_drive(const char *p, const char *end)
{
	return end - p > 2 && ((p[0] | 32) >= 'a' && (p[0] | 32) <= 'z') && p[1] == ':' && (p[2] == '\\' || p[2] == '/');
}

/* The blank before an absolute path, outside the arguments of a function; where there is only a path, its beginning. */
static const char *find_path(struct wh_span s)
{
	const char *within = NULL;
	size_t depth = 0;
	if (s.p < s.end && (*s.p == '/' || is_drive(s.p, s.end)))
		return s.p; /* no name at all */
	for (const char *p = s.p; p < s.end; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth)
			depth--;
		else if (*p == ' ' && p + 1 < s.end && (p[1] == '/' || is_drive(p + 1, s.end))) {
			if (!depth)
				return p;
			if (!within)
				within = p;
		}
	}
	return depth ? within : NULL; /* a name that was cut off leaves parentheses open */
}

static void split_location(struct wh_span s, struct wh_frame_line *frame)
{
	struct wh_span path;
	uint32_t line;
	wh_location_split(s, &path, &line);
	const char *blank = find_path(path);
	if (!blank && path.end < s.end) { /* a relative path has no blanks */
		for (const char *p = path.end; p > path.p; p--)
			if (wh_is_blank(p[-1])) {
				blank = p - 1;
				break;
			}
	}
	if (!blank) {
		const char *null = wh_scan_last(s, " <null>");
		if (null && null + 7 == s.end)
			s.end = null;
		frame->function = wh_scan_trim(s);
		return;
	}
	frame->function = wh_scan_trim((struct wh_span){ s.p, blank });
	frame->file = wh_scan_trim((struct wh_span){ blank, path.end });
	frame->line = line;
}

bool wh_frame_line_read(struct wh_span line, struct wh_frame_line *frame)
{
	struct wh_span rest;
	if (!read_start(line, &rest, frame))
		return false;
	wh_scan_blanks(&rest);
	wh_scan_skip(&rest, "in ");
	take_module(&rest, frame);
	rest = wh_scan_trim(rest);
	if (wh_span_size(rest) && (*rest.p != '/' || !read_module(rest, frame)))
		split_location(rest, frame);
	struct wh_span function = frame->function;
	if (!wh_span_size(function) || (wh_span_size(function) == 6 && wh_scan_has(function, "<null>")) ||
	    (wh_span_size(function) == 2 && wh_scan_has(function, "??"))) {
		frame->function = (struct wh_span){ NULL, NULL };
		return true;
	}
	frame->has_offset = false; /* what the module has is not the function's */
	frame->offset = 0;
	const char *plus = wh_scan_last(function, "+0x");
	struct wh_span offset = { plus ? plus + 1 : NULL, function.end };
	uint64_t value;
	if (plus && plus > function.p && wh_scan_hex(&offset, &value) && offset.p == offset.end) {
		frame->function.end = plus;
		frame->offset = value;
		frame->has_offset = true;
	}
	return true;
}
