/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/line_pattern.h"

enum { MOST_TRIES = 64 }; /* places at which a text may end, over one line */

struct run {
	struct wh_line_match *match;
	const char *end;
	int tries;
};

static bool field_number(char field, struct wh_span *s, struct wh_frame_text *frame)
{
	uint64_t number;
	switch (field) {
	case 'l':
		if (!wh_scan_decimal(s, &number))
			return false;
		frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
		return true;
	case 'n':
		return wh_scan_decimal(s, &number);
	case 'a':
		return frame->has_address = wh_scan_hex(s, &frame->address);
	case 'A':
		return frame->has_address = wh_scan_digits16(s, &frame->address);
	default:
		return frame->has_offset = wh_scan_hex(s, &frame->offset) || wh_scan_decimal(s, &frame->offset);
	}
}

static void keep(char field, struct wh_span text, struct wh_line_match *match)
{
	struct wh_frame_text *frame = &match->frame;
	switch (field) {
	case 'f':
	case 'g':
		frame->function = text;
		break;
	case 'F':
		frame->file = text;
		break;
	case 'm':
	case 'M':
		frame->module = text;
		break;
	case 'v':
		frame->version = text;
		break;
	case 'r':
		match->said = text;
		break;
	case 'e':
		match->type = text;
		break;
	case 't':
		match->thread = text;
		break;
	default:
		break;
	}
}

static bool rest_matches(struct run *run, const char *pattern, const char *p);

/* A text: tries the places where what follows it in the pattern begins. */
static bool text_matches(struct run *run, char field, const char *pattern, const char *p)
{
	const char *first = p;
	bool word = field == 'g' || field == 'w' || field == 'e' || field == 'M', empty = field == 'r' || field == '*';
	char next = *pattern;
	if (!empty)
		p++;
	for (; p <= run->end; p++) {
		if (word && wh_is_blank(p[-1]))
			return false;
		if (!next) {
			if (word) /* to the end, with no blank in it */
				for (; p < run->end; p++)
					if (wh_is_blank(*p))
						return false;
			p = run->end;
		} else if (next != ' ' && next != '%' && !word) {
			p = p < run->end ? memchr(p, next, (size_t)(run->end - p)) : NULL;
			if (!p)
				return false;
		} else if (p == run->end || (next == ' ' ? !wh_is_blank(*p) : next != '%' && *p != next)) {
			continue;
		}
		if (!run->tries--)
			return false;
		if (rest_matches(run, pattern, p)) {
			keep(field, (struct wh_span){ first, p }, run->match);
			return true;
		}
		if (run->tries < 0)
			return false;
	}
	return false;
}

static bool rest_matches(struct run *run, const char *pattern, const char *p)
{
	for (; *pattern; pattern++) {
		struct wh_span rest = { p, run->end };
		if (*pattern == ' ') {
			wh_scan_blanks(&rest);
			if (rest.p == p)
				return false;
		} else if (*pattern != '%' || pattern[1] == '%') {
			pattern += *pattern == '%';
			if (p == run->end || *p != *pattern)
				return false;
			rest.p++;
		} else if (strchr("lnaAo", *++pattern)) {
			if (!field_number(*pattern, &rest, &run->match->frame))
				return false;
		} else {
			return text_matches(run, *pattern, pattern + 1, p);
		}
		p = rest.p;
	}
	return p == run->end;
}

bool wh_line_match(const char *pattern, struct wh_span line, struct wh_line_match *match)
{
	line = wh_scan_trim(line);
	if (line.p == line.end || wh_span_size(line) > WH_FRAME_LINE_LONGEST)
		return false;
	if (*pattern != '%' && *pattern != *line.p)
		return false;
	struct run run = { match, line.end, MOST_TRIES };
	*match = (struct wh_line_match){ 0 };
	return rest_matches(&run, pattern, line.p);
}
