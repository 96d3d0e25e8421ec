/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/gdb_frame.h"

bool wh_gdb_frame_number(struct wh_span *s, uint64_t *number, size_t *blanks)
{
	struct wh_span at = *s;
	if (at.p >= at.end || *at.p != '#')
		return false;
	at.p++;
	if (!wh_scan_decimal(&at, number))
		return false;
	const char *digits_end = at.p;
	wh_scan_blanks(&at);
	*blanks = (size_t)(at.p - digits_end);
	if (!*blanks && at.p < at.end)
		return false;
	*s = at;
	return true;
}

/* Just behind a character literal that begins at s.p ('), or s.p + 1 where it is only an apostrophe (a lifetime of Rust's). */
static const char *past_character(struct wh_span s)
{
	const char *p = s.p + 1;
	if (p < s.end && *p == '\\') {
		p += 2;
		for (int i = 0; i < 10 && p < s.end; i++, p++)
			if (*p == '\'')
				return p + 1;
	} else if (s.end - p >= 2 && p[1] == '\'') {
		return p + 2;
	}
	return s.p + 1;
}

const char *wh_gdb_close(struct wh_span s, struct wh_gdb_nesting *n)
{
	const char *p = s.p;
	while (p < s.end) {
		char c = *p;
		if (n->string) {
			if (c == '\\' && n->escaped && p + 1 < s.end && p[1] == '"')
				n->string = n->escaped = false;
			if (c == '\\')
				p++;
			else if (c == '"' && !n->escaped)
				n->string = false;
			p++;
		} else if (c == '(') {
			n->depth++;
			p++;
		} else if (c == ')') {
			p++;
			if (!--n->depth)
				return p;
		} else if (c == '"') {
			n->string = true;
			n->escaped = p > s.p && p[-1] == '\\'; /* the log was quoted as a whole */
			p++;
		} else if (c == '\'') {
			p = past_character((struct wh_span){ p, s.end });
		} else {
			p++;
		}
	}
	return NULL;
}

/* FILE:LINE as a whole, blanks in FILE allowed; a column after the line too. */
static bool parse_file(struct wh_span s, struct wh_gdb_frame *frame)
{
	s = wh_scan_trim(s);
	const char *p = s.end;
	while (p > s.p && p[-1] >= '0' && p[-1] <= '9')
		p--;
	if (p == s.end || p - s.p < 2 || p[-1] != ':')
		return false;
	uint64_t line;
	struct wh_span digits = { p, s.end };
	if (!wh_scan_decimal(&digits, &line))
		return false;
	frame->file = (struct wh_span){ s.p, p - 1 };
	frame->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	return true;
}

bool wh_gdb_frame_location(struct wh_span s, struct wh_gdb_frame *frame)
{
	wh_scan_blanks(&s);
	bool at = wh_scan_skip(&s, "at ");
	if (!at && !wh_scan_skip(&s, "from "))
		return false;
	s = wh_scan_trim(s);
	if (s.p == s.end || *s.p == '=') /* a local variable of that name */
		return false;
	if (at)
		return parse_file(s, frame);
	frame->module = s;
	return true;
}

/* Whether arguments that end at p can be a frame's: nothing or a location follows. *wrapped: the location is on the next line. */
static bool ends_arguments(struct wh_span s, bool *wrapped)
{
	s = wh_scan_trim(s);
	size_t n = wh_span_size(s);
	*wrapped = (n == 2 && !memcmp(s.p, "at", 2)) || (n == 4 && !memcmp(s.p, "from", 4));
	return !n || *wrapped || wh_scan_has(s, "at ") || wh_scan_has(s, "from ");
}

/* gdb prints `()`, `(a=1, b=...)` or `(...)`: not a file, a module or types. */
static bool has_values(const char *open, const char *close)
{
	if (close - open == 2 || memchr(open, '=', (size_t)(close - open)))
		return true;
	return close - open == 5 && !memcmp(open, "(...)", 5);
}

static void set_function(struct wh_span s, struct wh_gdb_frame *frame)
{
	s = wh_scan_trim(s);
	size_t n = wh_span_size(s);
	if (n && !(n == 2 && s.p[0] == '?' && s.p[1] == '?'))
		frame->function = s;
}

/* Arguments that never close (a string was cut off): the location, if the line ends in one. */
static bool find_location(struct wh_span s, struct wh_gdb_frame *frame)
{
	for (const char *p = s.end; p > s.p && (p = memrchr(s.p, ')', (size_t)(p - s.p)));)
		if (p + 1 < s.end && p[1] == ' ')
			return wh_gdb_frame_location((struct wh_span){ p + 1, s.end }, frame);
	return false;
}

/* NAME (ARGUMENTS)… */
static enum wh_gdb_shape parse_call(struct wh_span s, struct wh_gdb_frame *frame)
{
	const char *p = s.p, *first = NULL;
	bool wrapped;
	while (p < s.end && (p = memchr(p, '(', (size_t)(s.end - p)))) {
		struct wh_gdb_nesting nesting = { 0 };
		bool spaced = p > s.p && p[-1] == ' ';
		if (spaced && !first)
			first = p;
		const char *close = wh_gdb_close((struct wh_span){ p, s.end }, &nesting);
		if (!close)
			break;
		if (spaced && ends_arguments((struct wh_span){ close, s.end }, &wrapped)) {
			set_function((struct wh_span){ s.p, p }, frame);
			frame->arguments = true;
			frame->named = has_values(p, close);
			struct wh_span rest = wh_scan_trim((struct wh_span){ close, s.end });
			if (wrapped)
				return WH_GDB_INCOMPLETE;
			if (rest.p < rest.end && !wh_gdb_frame_location(rest, frame))
				return WH_GDB_INCOMPLETE;
			return WH_GDB_WHOLE;
		}
		p = close;
	}
	set_function((struct wh_span){ s.p, first ? first : s.end }, frame);
	return first && find_location((struct wh_span){ first, s.end }, frame) ? WH_GDB_WHOLE : WH_GDB_INCOMPLETE;
}

/* The frames that gdb makes itself. */
static bool is_special(struct wh_span s, struct wh_gdb_frame *frame)
{
	static const char *const texts[] = { "<signal handler called>", "<function called from gdb>", "<cross-architecture call>" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (wh_scan_has(s, texts[i])) {
			frame->function = (struct wh_span){ s.p, s.p + strlen(texts[i]) };
			frame->handler = true;
			return true;
		}
	return false;
}

enum wh_gdb_shape wh_gdb_frame_parse(struct wh_span s, struct wh_gdb_frame *frame)
{
	*frame = (struct wh_gdb_frame){ 0 };
	s = wh_scan_trim(s);
	if (s.p == s.end)
		return WH_GDB_NONE;
	if (*s.p == '<' && is_special(s, frame))
		return WH_GDB_WHOLE;
	if (wh_scan_skip(&s, "<unavailable> in ")) {
		frame->in = true;
	} else if (wh_scan_hex(&s, &frame->address)) {
		frame->has_address = true;
		if (s.p < s.end && *s.p != ' ')
			return WH_GDB_NONE;
		wh_scan_blanks(&s);
		if (wh_scan_skip(&s, "[PAC]")) /* the pointer was signed */
			wh_scan_blanks(&s);
		if (wh_span_size(s) == 2 && !memcmp(s.p, "in", 2)) {
			frame->in = true;
			return WH_GDB_INCOMPLETE;
		}
		if (!wh_scan_skip(&s, "in "))
			return WH_GDB_NONE;
		frame->in = true;
	}
	wh_scan_blanks(&s);
	return parse_call(s, frame);
}
