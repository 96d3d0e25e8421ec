/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of a crash state: the forms they come in, which ones are passed over, and what is left of one. */
#include "format/stack/crash_machine.h"

#include "format/stack/crash_rules.h"
#include "symbol/demangle.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_hex(char c)
{
	return wh_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f') || (c | 32) == 'x';
}

static bool is_word(char c)
{
	return wh_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

/* Passes over characters of a kind, at least one. */
static bool pass(struct wh_span *s, bool (*kind)(char))
{
	const char *first = s->p;
	while (s->p < s->end && kind(*s->p))
		s->p++;
	return s->p > first;
}

static const char *find_last(struct wh_span s, char c)
{
	return wh_span_size(s) ? memrchr(s.p, c, wh_span_size(s)) : NULL;
}

static struct wh_span span_of(const struct wh_str *str)
{
	return (struct wh_span){ str->data, str->data + str->n };
}

static bool is_ignored_exactly(struct wh_span frame)
{
	size_t n = wh_span_size(frame);
	for (size_t i = 0; i < COUNT(ignored_exactly); i++)
		if (n == strlen(ignored_exactly[i]) && !memcmp(frame.p, ignored_exactly[i], n))
			return true;
	return false;
}

static size_t bucket(const char *p)
{
	return ((unsigned char)p[0] * 129u ^ (unsigned char)p[1] * 17u ^ (unsigned char)p[2]) & 1023;
}

void wh_crash_parts_init(struct wh_crash_parts *parts)
{
	_Static_assert(COUNT(ignored_parts) < COUNT(parts->next), "more rules than numbers");
	memset(parts->first, 0, sizeof parts->first);
	for (size_t i = 0; i < COUNT(ignored_parts); i++) {
		uint8_t *first = &parts->first[bucket(ignored_parts[i])];
		parts->next[i] = *first;
		*first = (uint8_t)(i + 1);
	}
}

static bool has_ignored_part(const struct wh_crash_parts *parts, struct wh_span frame)
{
	for (; frame.end - frame.p >= 3; frame.p++)
		for (size_t i = parts->first[bucket(frame.p)]; i; i = parts->next[i - 1])
			if (wh_scan_has(frame, ignored_parts[i - 1]))
				return true;
	return false;
}

bool wh_crash_ignores(const struct wh_crash_parts *parts, struct wh_span frame)
{
	size_t n = wh_span_size(frame);
	if (n < 3)
		return true;
	if (is_ignored_exactly(frame))
		return true;
	for (size_t i = 0; i < COUNT(ignored_beginnings); i++)
		if (*frame.p == *ignored_beginnings[i] && wh_scan_has(frame, ignored_beginnings[i]))
			return true;
	if (has_ignored_part(parts, frame))
		return true;
	const char *libc = wh_scan_find(frame, "libc-");
	return libc && wh_scan_find((struct wh_span){ libc, frame.end }, ".so");
}

static void add_without(struct wh_str *out, struct wh_span text)
{
	static const char *const namespaces[] = { "non-virtual thunk to ", "(anonymous namespace)::", "`anonymous namespace'::" };
	const char *from = text.p;
	while (text.p < text.end) {
		size_t skipped = 0;
		if (*text.p == 'n' || *text.p == '(' || *text.p == '`')
			for (size_t i = 0; i < COUNT(namespaces) && !skipped; i++)
				if (wh_scan_has(text, namespaces[i]))
					skipped = strlen(namespaces[i]);
		if (!skipped) {
			text.p++;
			continue;
		}
		wh_str_add(out, from, (size_t)(text.p - from));
		from = text.p += skipped;
	}
	wh_str_add(out, from, (size_t)(text.end - from));
}

void wh_crash_function(struct wh_span frame, struct wh_str *function)
{
	wh_str_clear(function);
	add_without(function, frame);
	if (!function->n)
		return;
	struct wh_span s = span_of(function);
	const char *bang = find_last(s, '!'), *cut = NULL;
	if (bang)
		s.p = bang + 1;
	for (const char *p = s.p; p < s.end && !cut; p++)
		if (*p == '(' || *p == '[')
			cut = p;
	if (cut && cut > s.p) {
		s.end = cut;
		s = wh_scan_trim(s);
	} else {
		s = wh_scan_trim(s);
		const char *blank = wh_span_size(s) ? memchr(s.p, ' ', wh_span_size(s)) : NULL;
		if (blank)
			s.end = blank;
	}
	size_t n = wh_span_size(s);
	memmove(function->data, s.p, n);
	function->data[n] = '\0';
	function->n = n;
}

void wh_crash_add_frame(struct wh_crash_machine *m, struct wh_span frame, bool whole)
{
	bool cycle = m->n_raw < WH_CRASH_RAW && wh_crash_type_is(m, "Stack-overflow");
	if (m->n_frames >= WH_CRASH_FRAMES && !cycle)
		return;
	if (wh_span_size(frame) && memchr(frame.p, '\\', wh_span_size(frame))) { /* rules know only one kind of slash */
		struct wh_str turned = { 0 };
		for (const char *p = frame.p; p < frame.end; p++)
			wh_str_putc(&turned, *p == '\\' ? '/' : *p);
		bool ignored = turned.failed || wh_crash_ignores(&m->parts, span_of(&turned));
		m->frame.failed |= turned.failed;
		wh_str_release(&turned);
		if (ignored)
			return;
	} else if (wh_crash_ignores(&m->parts, frame)) {
		return;
	}
	if (whole) {
		wh_str_clear(&m->frame);
		wh_str_add(&m->frame, frame.p, wh_span_size(frame));
	} else {
		wh_crash_function(frame, &m->frame);
		if (m->frame.n && is_ignored_exactly(span_of(&m->frame)))
			return;
	}
	if (cycle) {
		wh_str_add(&m->raw, m->frame.data ? m->frame.data : "", m->frame.n);
		wh_str_putc(&m->raw, '\n');
		m->n_raw++;
	}
	if (m->n_frames < WH_CRASH_FRAMES) {
		wh_str_add(&m->state, m->frame.data ? m->frame.data : "", m->frame.n);
		wh_str_putc(&m->state, '\n');
		m->n_frames++;
	}
}

/* `… /src/target.cc:3:4 …`: the base name of the file, for a function that every fuzz target has. */
static struct wh_span file_name(struct wh_span frame)
{
	while (frame.p < frame.end) {
		struct wh_span word = frame;
		while (word.end > word.p && memchr(word.p, ' ', wh_span_size(word)))
			word.end = memchr(word.p, ' ', wh_span_size(word));
		frame.p = word.end + (word.end < frame.end);
		const char *end = word.end;
		bool numbered = false;
		for (int i = 0; i < 2; i++) {
			const char *p = end;
			while (p > word.p && wh_is_digit(p[-1]))
				p--;
			if (p == end || p == word.p || p[-1] != ':')
				break;
			end = p - 1;
			numbered = true;
		}
		if (!numbered)
			continue;
		const char *p = end;
		while (p > word.p && p[-1] != '/' && p[-1] != '\\')
			p--;
		return (struct wh_span){ p, end };
	}
	return (struct wh_span){ NULL, NULL };
}

bool wh_crash_sanitizer_frame(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span s = line;
	bool module = false;
	uint64_t number;
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "#") || !wh_scan_decimal(&s, &number) || !pass(&s, wh_is_blank))
		return false;
	const char *address = s.p;
	if (!pass(&s, is_hex) || s.p >= s.end || !wh_is_blank(*s.p))
		return false;
	bool one_blank = address[-1] == ' ' && wh_is_digit(address[-2]) && *s.p == ' ';
	s = wh_scan_trim(s);
	if (wh_scan_has(s, "in")) {
		wh_scan_skip(&s, "in ");
		wh_scan_blanks(&s);
	} else if (wh_scan_has(s, "(") && find_last(s, ')')) {
		const char *close = memchr(s.p, ')', wh_span_size(s));
		module = true;
		s.p++;
		s.end = close;
		const char *plus = find_last(s, '+');
		module = plus && plus + 1 < s.end && is_hex(plus[1]);
	} else if (!one_blank || memchr(s.p, '/', wh_span_size(s)) || memchr(s.p, '\\', wh_span_size(s))) {
		return false;
	}
	if (wh_scan_has(s, "LLVMFuzzerTestOneInput")) {
		struct wh_span file = file_name(s), rest = { s.p + strlen("LLVMFuzzerTestOneInput"), s.end };
		if (file.p) {
			struct wh_str frame = { 0 };
			wh_str_add(&frame, file.p, wh_span_size(file));
			wh_str_add(&frame, rest.p, wh_span_size(rest));
			m->frame.failed |= frame.failed;
			if (!frame.failed)
				wh_crash_add_frame(m, span_of(&frame), false);
			wh_str_release(&frame);
			return true;
		}
	}
	wh_crash_add_frame(m, s, module);
	return true;
}

/* `0012f6ac 0042f6ac module!function+0x12` */
static bool cdb_frame(struct wh_span s, struct wh_span *frame)
{
	for (int i = 0; i < 2; i++) {
		const char *first = s.p;
		while (s.p < s.end && ((is_word(*s.p) && *s.p != '_') || *s.p == '`'))
			s.p++;
		if (s.p == first || !wh_scan_skip(&s, " "))
			return false;
	}
	if (!pass(&s, is_word) || !wh_scan_skip(&s, "!"))
		return false;
	const char *plus = find_last(s, '+');
	if (!plus || plus + 1 >= s.end || !is_hex(plus[1]))
		return false;
	*frame = (struct wh_span){ s.p, plus };
	return true;
}

static bool has_slash(struct wh_span s)
{
	return wh_span_size(s) && (memchr(s.p, '/', wh_span_size(s)) || memchr(s.p, '\\', wh_span_size(s)));
}

/* `3   Chromium Framework   0x000000010dd0f1f9 base::debug::f() + 19` */
static bool mac_frame(struct wh_span s, struct wh_span *frame)
{
	if (!pass(&s, wh_is_digit) || !pass(&s, wh_is_blank))
		return false;
	const char *address = wh_scan_find(s, " 0x");
	if (!address)
		return false;
	for (const char *p = s.p; p < address; p++)
		if (!is_word(*p) && !wh_is_blank(*p) && *p != '?')
			return false;
	s.p = address + 1;
	if (!pass(&s, is_hex) || !pass(&s, wh_is_blank))
		return false;
	const char *plus = find_last(s, '+');
	struct wh_span offset = { plus ? plus + 1 : s.end, s.end };
	wh_scan_blanks(&offset);
	if (!plus || !pass(&offset, wh_is_digit))
		return false;
	*frame = wh_scan_trim((struct wh_span){ s.p, plus });
	return wh_span_size(*frame) && !has_slash(*frame);
}

/* `function [0x12ab+34] (file.cc:5)` */
static bool windows_frame(struct wh_span line, struct wh_span *frame)
{
	while (wh_scan_skip(&line, "\xe2\x80\x83")) /* an em space, as Windows' builds indent */
		;
	struct wh_span s = line;
	const char *open;
	while ((open = wh_scan_find(s, " ["))) {
		struct wh_span at = { open + 2, line.end };
		if (pass(&at, is_hex) && wh_scan_skip(&at, "+") && pass(&at, wh_is_digit) && wh_scan_skip(&at, "]")) {
			*frame = wh_scan_trim((struct wh_span){ line.p, open });
			return wh_span_size(*frame) && !has_slash(*frame);
		}
		s.p = open + 2;
	}
	return false;
}

/* `    at com.example.A.f(A.java:3)` */
static bool java_frame(struct wh_span s, struct wh_span *frame)
{
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "at "))
		return false;
	const char *open = find_last(s, '(');
	if (!open || !memchr(open, ')', (size_t)(s.end - open)))
		return false;
	*frame = wh_scan_trim((struct wh_span){ s.p, open });
	return true;
}

/* `f+0x12/0x34`, perhaps in parentheses */
static bool kernel_symbol(struct wh_span s, struct wh_span *frame)
{
	wh_scan_skip(&s, "(");
	const char *first = s.p;
	if (!pass(&s, is_word))
		return false;
	const char *end = s.p;
	if (!wh_scan_skip(&s, "+") || !pass(&s, is_word) || !wh_scan_skip(&s, "/") || !pass(&s, is_word))
		return false;
	*frame = (struct wh_span){ first, end };
	return true;
}

/* `[<ffffffc000>] (f+0x12/0x34)` */
static bool kernel_frame(struct wh_span s, struct wh_span *frame, uint64_t *address)
{
	const char *open = NULL, *p;
	while ((p = wh_scan_find(s, "[<"))) { /* `RIP: 0010:[<…>]  [<…>] f+0x12/0x34` has two */
		if (memchr(s.p, '(', (size_t)(p - s.p)))
			break;
		open = p;
		s.p = p + 2;
	}
	if (!open)
		return false;
	s.p = open + 2;
	wh_scan_skip(&s, "0x");
	if (!wh_scan_digits16(&s, address) || !wh_scan_skip(&s, ">]") || !pass(&s, wh_is_blank))
		return false;
	return kernel_symbol(s, frame);
}

/* `pkg/path.(*T).f(0x12, …)` */
static bool go_frame(struct wh_span line, struct wh_span *frame)
{
	struct wh_span s = line;
	const char *open = find_last(s, '(');
	if (!open || open == s.p || s.end[-1] != ')')
		return false;
	for (const char *p = s.p; p < open; p++)
		if (!is_word(*p) && !strchr(".-\\/()*", *p))
			return false;
	for (const char *p = open + 1; p < s.end - 1; p++)
		if (!wh_is_digit(*p) && (*p < 'a' || *p > 'f') && !strchr("x ,.{}\t", *p))
			return false;
	*frame = (struct wh_span){ s.p, open };
	return true;
}

/* `  File "a.py", line 3, in f` */
static bool python_frame(struct wh_span s, struct wh_span *frame)
{
	uint64_t number;
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "File \""))
		return false;
	const char *line = wh_scan_find(s, "\", line ");
	if (!line)
		return false;
	s.p = line + strlen("\", line ");
	if (!wh_scan_decimal(&s, &number) || !wh_scan_skip(&s, ", in ") || s.p == s.end)
		return false;
	*frame = s;
	return true;
}

/* `    at f (/a/b.ts:6:15)` */
static bool javascript_frame(struct wh_span s, struct wh_span *frame)
{
	wh_scan_blanks(&s);
	if (!wh_scan_skip(&s, "at "))
		return false;
	const char *open = wh_scan_find(s, " (");
	if (!open || s.end[-1] != ')')
		return false;
	*frame = (struct wh_span){ s.p, open };
	return !memchr(s.p, ' ', (size_t)(open - s.p));
}

/* `uSP+0x0010: 0x00000055 in f` */
static bool trusty_frame(struct wh_span s, struct wh_span *frame)
{
	uint64_t value;
	if (!wh_scan_skip(&s, "uSP+"))
		return false;
	const char *colon = wh_scan_find(s, ": ");
	if (!colon)
		return false;
	s.p = colon + 2;
	if (!wh_scan_hex(&s, &value) || !wh_scan_skip(&s, " in "))
		return false;
	frame->p = s.p;
	bool any = pass(&s, is_word);
	frame->end = s.p;
	return any;
}

static bool has_java_frames(const struct wh_crash_machine *m)
{
	return m->java_exception && (wh_crash_type_is(m, "CHECK failure") || wh_crash_type_is(m, "Fatal Exception") ||
				     wh_crash_type_is(m, "Uncaught exception") || wh_crash_type_is(m, "Security exception"));
}

void wh_crash_frame(struct wh_crash_machine *m, struct wh_span line)
{
	struct wh_span frame;
	uint64_t address;
	if (m->n_frames >= WH_CRASH_FRAMES && !wh_crash_type_is(m, "Stack-overflow"))
		return;
	if (mac_frame(line, &frame)) {
		struct wh_str name = { 0 };
		if (wh_demangle(frame.p, wh_span_size(frame), &name) && name.n)
			frame = span_of(&name);
		wh_crash_add_frame(m, frame, false);
		wh_str_release(&name);
	} else if (cdb_frame(line, &frame) || windows_frame(line, &frame)) {
		wh_crash_add_frame(m, frame, false);
	} else if (has_java_frames(m)) {
		if (java_frame(line, &frame))
			wh_crash_add_frame(m, frame, false);
	} else if (kernel_frame(line, &frame, &address)) {
		wh_crash_add_frame(m, frame, false);
		if (m->n_frames == 1 && !m->kasan) {
			m->address = address;
			m->has_address = true;
		}
	} else if (kernel_symbol(line, &frame)) {
		wh_crash_add_frame(m, frame, false);
	} else if (wh_scan_find(line, "V8 correctness ") && wh_scan_has(line, "#")) {
		struct wh_span s = { line.p + 1, line.end };
		wh_scan_blanks(&s);
		if (wh_scan_skip(&s, "V8 correctness ") &&
		    (wh_scan_has(s, "configs: ") || wh_scan_has(s, "sources: ") || wh_scan_has(s, "suppression: ")))
			wh_crash_add_frame(m, s, true);
	} else if (m->golang && go_frame(line, &frame)) {
		if (wh_crash_ignores(&m->parts, frame))
			return;
		const char *slash = find_last(frame, '/');
		if (slash)
			frame.p = slash + 1;
		wh_str_clear(&m->frame);
		if (m->n_frames < WH_CRASH_FRAMES) {
			wh_str_add(&m->state, frame.p, wh_span_size(frame));
			wh_str_putc(&m->state, '\n');
			m->n_frames++;
		}
	} else if ((m->python && python_frame(line, &frame)) || (m->javascript && javascript_frame(line, &frame)) ||
		   (m->trusty && trusty_frame(line, &frame))) {
		wh_crash_add_frame(m, frame, false);
	}
}
