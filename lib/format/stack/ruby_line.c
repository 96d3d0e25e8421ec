/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as Ruby prints them: ruby/ruby eval_error.c (rb_error_write, print_errinfo, print_backtrace), vm_backtrace.c
 * (location_format); JRuby's org/jruby/runtime/backtrace/TraceType.java. */
#include "format/stack/ruby.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })
#define LONGEST_HEAD ((size_t)16 * 1024)

/* `A::B`: how names of classes are made. */
static bool constant_path(struct wh_span s)
{
	bool first = true;
	if (!wh_span_size(s) || wh_span_size(s) > 256)
		return false;
	for (const char *p = s.p; p < s.end; p++) {
		if (first && !(*p >= 'A' && *p <= 'Z'))
			return false;
		first = false;
		if (*p == ':') {
			if (p + 2 >= s.end || p[1] != ':')
				return false;
			p++;
			first = true;
		} else if (!wh_is_alpha(*p) && !wh_is_digit(*p) && *p != '_' && (unsigned char)*p < 0x80) {
			return false;
		}
	}
	return true;
}

/* `/gems/rdoc-4.1.1/lib/x.rb`: the gem, and its version. */
static void take_gem(struct wh_frame_text *frame)
{
	struct wh_span rest;
	if (!wh_scan_after_last(frame->file, "/gems/", &rest))
		return;
	const char *slash = memchr(rest.p, '/', wh_span_size(rest));
	struct wh_span name = { rest.p, slash ? slash : rest.p };
	for (const char *p = name.p; p + 1 < name.end; p++)
		if (*p == '-' && wh_is_digit(p[1])) {
			frame->module = SPAN_IN(name.p, p);
			frame->version = SPAN_IN(p + 1, name.end);
		}
}

/* The place that ends at `end`: `x.rb:3`. */
static bool take_place(struct wh_span s, struct wh_frame_text *frame)
{
	const char *p = s.end;
	while (p > s.p && wh_is_digit(p[-1]))
		p--;
	struct wh_span digits = { p, s.end };
	uint64_t number;
	if (p - s.p < 2 || p[-1] != ':' || !wh_scan_decimal(&digits, &number))
		return false;
	frame->file = SPAN_IN(s.p, p - 1);
	frame->line = number <= UINT32_MAX ? (uint32_t)number : 0;
	take_gem(frame);
	return true;
}

/* Takes the escape sequences of colours off both ends. */
static struct wh_span without_colours(struct wh_span s)
{
	s = wh_scan_trim(s);
	while (wh_scan_has(s, "\x1b[")) {
		const char *end = memchr(s.p, 'm', wh_span_size(s));
		if (!end)
			break;
		s.p = end + 1;
	}
	while (wh_span_size(s) > 2 && s.end[-1] == 'm') {
		const char *escape = memrchr(s.p, 0x1b, wh_span_size(s));
		if (!escape || s.end - escape > 12)
			break;
		s.end = escape;
	}
	return wh_scan_trim(s);
}

/* `message (A::B)`: the class is what stands last. */
static bool take_class(struct wh_span s, struct wh_span *class, struct wh_span *message)
{
	s = without_colours(s);
	const char *open = wh_span_size(s) && s.end[-1] == ')' ? memrchr(s.p, '(', wh_span_size(s)) : NULL;
	struct wh_span name = without_colours(SPAN_IN(open ? open + 1 : NULL, open ? s.end - 1 : NULL));
	if (!open || !constant_path(name) || (open > s.p && open[-1] != ' '))
		return false;
	*class = name;
	*message = without_colours(SPAN_IN(s.p, open));
	return true;
}

/* `:in `f'`, `:in 'f'`: where its quote opens, or NULL. */
static const char *label_of(struct wh_span s)
{
	for (struct wh_span rest = s; wh_scan_after(rest, ":in ", &rest);)
		if (rest.p < rest.end && (*rest.p == '`' || *rest.p == '\''))
			return rest.p;
	return NULL;
}

/* `[1a2b-…] `: what Rails tags its lines with; `# `, which RSpec makes comments of them with. */
struct wh_span wh_ruby_text(struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	for (int i = 0; i < 3 && wh_span_size(s) && *s.p == '['; i++) {
		struct wh_span look = s;
		if (wh_span_size(look) > 128)
			look.end = look.p + 128;
		const char *close = memchr(look.p, ']', wh_span_size(look));
		if (!close || (close + 1 < s.end && close[1] != ' '))
			break;
		s.p = close + 1;
		wh_scan_blanks(&s);
	}
	if (wh_scan_skip(&s, "# "))
		wh_scan_blanks(&s);
	return s;
}

static bool take_prefix(struct wh_span *s, enum wh_ruby_kind *kind)
{
	struct wh_span at = *s;
	uint64_t number;
	*kind = WH_RUBY_BARE;
	if (wh_scan_decimal(&at, &number) && wh_scan_skip(&at, ": from ")) {
		*kind = WH_RUBY_NUMBERED;
		*s = at;
		return true;
	}
	if (wh_scan_skip(s, "from ")) {
		*kind = WH_RUBY_FROM;
		return true;
	}
	wh_scan_skip(s, "=> ");
	return false;
}

bool wh_ruby_frame_line(struct wh_span line, struct wh_ruby_line *said)
{
	*said = (struct wh_ruby_line){ 0 };
	struct wh_span s = wh_ruby_text(line), whole = wh_scan_trim(line);
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || !wh_span_size(s))
		return false;
	said->comment = wh_scan_has(whole, "#");
	bool sure = take_prefix(&s, &said->kind);
	const char *quote = label_of(s);
	if (!quote) { /* code that is in no method, of old */
		if (sure)
			return take_place(s, &said->frame);
		const char *colon = wh_scan_find(s, ": ");
		if (!colon || !take_place(SPAN_IN(s.p, colon), &said->frame) || !take_class(SPAN_IN(colon + 2, s.end), &said->class, &said->message))
			return false;
		said->kind = WH_RUBY_ERROR;
		return wh_scan_find(said->frame.file, ".rb") || *s.p == '-' || *s.p == '/' || *s.p == '(';
	}
	if (!take_place(SPAN_IN(s.p, quote - strlen(":in ")), &said->frame))
		return false;
	struct wh_span label = { quote + 1, s.end }, rest;
	const char *end = wh_scan_find(label, "': ");
	if (end) {
		rest = SPAN_IN(end + 3, s.end);
		label.end = end;
		if (!take_class(rest, &said->class, &said->message))
			said->message = wh_scan_trim(rest);
		said->kind = said->kind == WH_RUBY_BARE ? WH_RUBY_ERROR : said->kind;
	} else if (s.end[-1] == '\'' && s.end - 1 > quote) {
		label.end = s.end - 1;
	} else {
		return false;
	}
	said->frame.function = label;
	/* a logger's words in front: `… WARN: x.rb` */
	const char *colon = said->kind == WH_RUBY_BARE ? wh_scan_last(said->frame.file, ": ") : NULL;
	if (colon)
		said->frame.file.p = colon + 2;
	return wh_span_size(label);
}

bool wh_ruby_jruby_line(struct wh_span line, struct wh_ruby_line *said)
{
	*said = (struct wh_ruby_line){ .kind = WH_RUBY_JRUBY };
	struct wh_span s = wh_scan_trim(line), place;
	if (wh_span_size(s) > WH_FRAME_LINE_LONGEST || s.p == line.p || !wh_scan_after_last(s, " at ", &place) ||
	    !take_place(place, &said->frame))
		return false;
	said->frame.function = wh_scan_trim(SPAN_IN(s.p, place.p - strlen(" at ")));
	return wh_span_size(said->frame.function) && (wh_scan_find(said->frame.file, ".rb") || wh_scan_find(said->frame.file, ".java"));
}

/* ---- loggers ---- */

static bool error_name(struct wh_span s)
{
	static const char *const tails[] = { "Error", "Exception", "Fault", "Interrupt", "Timeout" };
	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
		size_t n = strlen(tails[i]);
		if (wh_span_size(s) >= n && !memcmp(s.end - n, tails[i], n))
			return true;
	}
	return wh_scan_find(s, "::") != NULL;
}

/* `A::B (message):`, `A::B: message`, `A::B:`, at the beginning of s. */
static bool leading_class(struct wh_span s, struct wh_span *class, struct wh_span *message)
{
	struct wh_span name = { s.p, s.p };
	while (name.end < s.end && (wh_is_alpha(*name.end) || wh_is_digit(*name.end) || *name.end == '_' ||
				    (*name.end == ':' && name.end > s.p && name.end + 1 < s.end &&
				     (name.end[1] == ':' || name.end[-1] == ':'))))
		name.end++;
	struct wh_span rest = { name.end, s.end };
	if (!constant_path(name) || !error_name(name))
		return false;
	*class = name;
	if (wh_scan_skip(&rest, " (")) {
		const char *close = wh_scan_last(rest, ")");
		*message = SPAN_IN(rest.p, close ? close : rest.end);
		return close && rest.end - close <= 2;
	}
	if (!wh_scan_skip(&rest, ":") || (rest.p < rest.end && *rest.p != ' '))
		return false;
	*message = wh_scan_trim(rest);
	return true;
}

bool wh_ruby_head_line(struct wh_span line, struct wh_span *class, struct wh_span *message)
{
	struct wh_span s = wh_ruby_text(line);
	if (wh_span_size(s) > LONGEST_HEAD)
		s.end = s.p + LONGEST_HEAD;
	if (!wh_span_size(s))
		return false;
	/* Logger's `E, [2026-11-21T17:01:19.971178 #12296] ERROR -- : ` */
	const char *dashes = wh_scan_find(s, " -- "), *colon = dashes ? wh_scan_find(SPAN_IN(dashes, s.end), ": ") : NULL;
	if (colon)
		s = wh_ruby_text(SPAN_IN(colon + 2, s.end));
	struct wh_span cause = s;
	if (wh_scan_skip(&cause, "Caused by: ") || wh_scan_skip(&cause, "Caused by "))
		s = cause;
	if (!wh_span_size(s))
		return false;
	if (leading_class(s, class, message) || take_class(s, class, message))
		return true;
	struct wh_span rest = s;
	for (int i = 0; i < 4 && wh_scan_after(rest, ": ", &rest); i++)
		if (leading_class(rest, class, message))
			return true;
	return false;
}
