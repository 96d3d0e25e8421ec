/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/crash_type.h"

#include "format/stack/crash_machine.h"
#include "format/stack/log_prefix.h"
#include "symbol/demangle.h"

enum { LONGEST_LINE = 1 << 20, PYTHON_LINES = 4096 };

bool wh_crash_type_is(const struct wh_crash_machine *m, const char *type)
{
	return m->type.n == strlen(type) && (!m->type.n || !memcmp(m->type.data, type, m->type.n));
}

bool wh_crash_type_begins(const struct wh_crash_machine *m, const char *type)
{
	return m->type.n && wh_starts(m->type.data, m->type.n, type);
}

static int rank(const char *type, size_t n)
{
	return n == strlen("V8 sandbox violation") && !memcmp(type, "V8 sandbox violation", n) ? 2 :
	       n == strlen("Timeout") && !memcmp(type, "Timeout", n)			       ? 1 :
												 0;
}

void wh_crash_set_type(struct wh_crash_machine *m, struct wh_span type)
{
	type = wh_scan_trim(type);
	if (m->type.n && rank(type.p, wh_span_size(type)) < rank(m->type.data, m->type.n))
		return;
	wh_str_clear(&m->type);
	wh_str_add(&m->type, type.p, wh_span_size(type));
}

void wh_crash_set_type_name(struct wh_crash_machine *m, const char *type)
{
	wh_crash_set_type(m, (struct wh_span){ type, type + strlen(type) });
}

void wh_crash_reset(struct wh_crash_machine *m)
{
	wh_str_clear(&m->state);
	m->n_frames = 0;
	m->has_address = false;
}

static bool is_hex(char c)
{
	return wh_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

/* A sanitizer's `AddressSanitizer:DEADLYSIGNAL` is printed without regard to what is on the line already. */
static struct wh_span without_deadly_signal(struct wh_span line)
{
	static const char *const tools[] = { "UndefinedBehavior", "Address", "Memory", "Thread", "Leak" };
	const char *deadly = wh_scan_find(line, "Sanitizer:DEADLYSIGNAL"), *name = deadly;
	while (name && name > line.p && wh_is_alpha(name[-1]))
		name--;
	for (size_t i = 0; name && i < sizeof tools / sizeof *tools; i++) {
		const char *at = wh_scan_find((struct wh_span){ name, deadly }, tools[i]);
		if (at)
			return (struct wh_span){ line.p, at };
	}
	return line;
}

static void read_line(struct wh_crash_machine *m, struct wh_span line)
{
	if (m->died || wh_span_size(line) > LONGEST_LINE)
		return;
	line = wh_log_line(line);
	const char *p = line.p;
	while (p < line.end && *p == ' ')
		p++;
	if (p + 1 < line.end && *p == '#' && p[1] >= '0' && p[1] <= '9' && wh_crash_no_memory(line, true)) {
		wh_crash_reset(m);
		wh_crash_set_type_name(m, "Out-of-memory");
	}
	if (p + 1 < line.end && *p == '#' && p[1] >= '0' && p[1] <= '9' && m->type.n && wh_crash_sanitizer_frame(m, line))
		return;
	if (wh_crash_may_be_message(m, line) && wh_crash_message(m, without_deadly_signal(line)) == WH_CRASH_NEXT_LINE)
		return;
	if (m->type.n)
		wh_crash_frame(m, line);
}

/* A Python traceback ends with the crash: its title first, then its lines from the last to the first. */
static void read_python(struct wh_crash_machine *m)
{
	struct wh_span text = m->text, line, lines[PYTHON_LINES];
	size_t n = 0;
	bool within = false;
	while (n < PYTHON_LINES && wh_scan_line(&text, &line)) {
		struct wh_span trimmed = wh_scan_trim(line);
		if (!within) {
			within = wh_scan_has(trimmed, "=== Uncaught Python exception: ===") || wh_scan_has(line, "===BUG DETECTED: PySecSan:");
			if (within)
				read_line(m, line);
		} else if (wh_scan_find(line, "=========") || wh_scan_find(line, "== ERROR: ")) {
			break;
		} else {
			lines[n++] = line;
		}
	}
	while (n > 0)
		read_line(m, lines[--n]);
}

/* Whether frames first..first+length of the raw ones repeat twice. */
static bool is_cycle(const struct wh_span *raw, size_t first, size_t length)
{
	for (size_t i = 0; i < 2 * length; i++) {
		const struct wh_span a = raw[first + i], b = raw[first + i + length];
		if (wh_span_size(a) != wh_span_size(b) || memcmp(a.p, b.p, wh_span_size(a)))
			return false;
	}
	return true;
}

/* A stack overflow is told by the cycle that its stack repeats, not by where it happened to end. */
static void find_cycle(struct wh_crash_machine *m)
{
	struct wh_span raw[WH_CRASH_RAW], text = { m->raw.data, m->raw.data + m->raw.n };
	size_t n = 0;
	while (n < WH_CRASH_RAW && wh_scan_line(&text, &raw[n]))
		n++;
	for (size_t first = 0; first < n; first++)
		for (size_t length = 1; length <= WH_CRASH_CYCLE && first + 3 * length < n; length++)
			if (is_cycle(raw, first, length)) {
				wh_str_clear(&m->state);
				for (size_t i = 0; i < length && i < WH_CRASH_FRAMES; i++) {
					wh_str_add(&m->state, raw[first + i].p, wh_span_size(raw[first + i]));
					wh_str_putc(&m->state, '\n');
				}
				return;
			}
}

/* Characters that Python's string.printable has, without the line's end. */
static bool is_printable(char c)
{
	return (c >= ' ' && c <= '~') || c == '\t' || c == '\v' || c == '\f';
}

/* One line of the state, with addresses and numbers named rather than told. */
static void add_line(struct wh_str *out, struct wh_span s)
{
	struct wh_str clean = { 0 };
	char before = '\n';
	for (const char *p = s.p; p < s.end;) {
		size_t n = 0;
		if (p + 2 < s.end && *p == '+' && p[1] == '0' && p[2] == 'x') { /* an offset at the end goes */
			const char *q = p + 3;
			while (q < s.end && is_hex(*q))
				q++;
			if (q == s.end && q > p + 3)
				break;
		}
		if (p + 2 < s.end && *p == '0' && p[1] == 'x') {
			while (p + 2 + n < s.end && is_hex(p[2 + n]))
				n++;
			if (n >= 4) {
				wh_str_puts(&clean, "ADDRESS");
				p += 2 + n;
				while (p < s.end && *p == 'U')
					p++;
				before = 'S';
				continue;
			}
			n = 0;
		}
		if (wh_is_digit(*p) || *p == '.') {
			bool digits_only = before == '@' || before == '#';
			size_t digits = 0;
			while (p + n < s.end && (wh_is_digit(p[n]) || p[n] == '.'))
				n++;
			while (digits < n && wh_is_digit(p[digits]))
				digits++;
			bool ends = p + n == s.end || !(wh_is_alpha(p[n]) || wh_is_digit(p[n]));
			if (before != ':' && ends && (n >= 4 || (digits_only && digits == n))) {
				wh_str_puts(&clean, "NUMBER");
				p += n;
				before = 'R';
				continue;
			}
			wh_str_add(&clean, p, n);
			p += n;
			before = p[-1];
			continue;
		}
		if (is_printable(*p))
			wh_str_putc(&clean, *p);
		before = *p++;
	}
	size_t n = clean.n;
	if (n > WH_CRASH_LINE && !wh_starts(clean.data, clean.n, "Bad-cast"))
		n = WH_CRASH_LINE;
	while (n > 0 && (clean.data[n - 1] == ' ' || clean.data[n - 1] == '\t'))
		n--;
	if (out->n)
		wh_str_putc(out, '\n');
	wh_str_add(out, clean.data ? clean.data : "", n);
	out->failed |= clean.failed;
	wh_str_release(&clean);
}

static bool is_empty(const struct wh_str *str)
{
	for (size_t i = 0; i < str->n; i++)
		if (!strchr(" \t\n", str->data[i]))
			return false;
	return true;
}

static void finish_state(struct wh_crash_machine *m, struct wh_str *out)
{
	static const char jni[] = "JNI DETECTED ERROR IN APPLICATION:";
	struct wh_span text = { m->state.data, m->state.data ? m->state.data + m->state.n : NULL }, line;
	if (is_empty(&m->state)) {
		wh_str_add(out, m->process.n ? m->process.data : "NULL", m->process.n ? m->process.n : 4);
		return;
	}
	bool exact = wh_crash_type_is(m, "V8 correctness failure");
	while (wh_scan_line(&text, &line)) {
		const char *at = wh_scan_find(line, jni);
		if (exact) {
			if (out->n)
				wh_str_putc(out, '\n');
			wh_str_add(out, line.p, wh_span_size(line) < WH_CRASH_LINE ? wh_span_size(line) : WH_CRASH_LINE);
		} else if (at) {
			struct wh_str shorter = { 0 };
			wh_str_add(&shorter, line.p, (size_t)(at - line.p));
			wh_str_puts(&shorter, "JNI:");
			wh_str_add(&shorter, at + strlen(jni), (size_t)(line.end - at) - strlen(jni));
			if (shorter.data)
				add_line(out, (struct wh_span){ shorter.data, shorter.data + shorter.n });
			out->failed |= shorter.failed;
			wh_str_release(&shorter);
		} else {
			add_line(out, line);
		}
	}
}

static void finish_type(struct wh_crash_machine *m, struct wh_str *out)
{
	struct wh_span s = { m->type.data, m->type.data + m->type.n };
	if (m->has_address && m->address < 0x1000 && wh_crash_type_begins(m, "UNKNOWN")) {
		wh_str_puts(out, "Null-dereference");
		s.p += strlen("UNKNOWN");
	}
	const char *digits = s.p;
	while (digits < s.end && !wh_is_digit(*digits))
		digits++;
	wh_str_add(out, s.p, (size_t)(digits - s.p));
	struct wh_span number = { digits, s.end };
	uint64_t value;
	if (digits > m->type.data && wh_scan_decimal(&number, &value)) { /* sizes beyond a register's vary */
		if (value > 16)
			wh_str_puts(out, "{*}");
		else
			wh_str_printf(out, "%d", (int)value);
	}
	wh_str_add(out, number.p, wh_span_size(number));
}

static void release(struct wh_crash_machine *m)
{
	wh_str_release(&m->type);
	wh_str_release(&m->state);
	wh_str_release(&m->source_file);
	wh_str_release(&m->process);
	wh_str_release(&m->frame);
	wh_str_release(&m->raw);
}

static int finish(struct wh_crash_machine *m, struct wh_arena *arena, struct wh_crash *crash, struct wh_err *err)
{
	struct wh_str type = { 0 }, state = { 0 };
	*crash = (struct wh_crash){ NULL, NULL };
	bool failed = m->type.failed || m->state.failed || m->source_file.failed || m->process.failed || m->frame.failed || m->raw.failed;
	int code = WH_OK;
	if (!failed && m->type.n) {
		if (wh_crash_type_is(m, "Stack-overflow") && m->raw.n)
			find_cycle(m);
		finish_type(m, &type);
		finish_state(m, &state);
		failed = type.failed || state.failed;
		if (!failed) {
			crash->type = wh_arena_strndup(arena, type.data, type.n);
			crash->state = wh_arena_strndup(arena, state.data ? state.data : "", state.n);
			if (!crash->type || !crash->state)
				code = wh_arena_error(arena, err);
		}
	}
	wh_str_release(&type);
	wh_str_release(&state);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : code;
}

int wh_crash_derive(struct wh_span text, struct wh_arena *arena, struct wh_crash *crash, struct wh_err *err)
{
	struct wh_crash_machine m = {
		.text = text,
		.kasan = wh_scan_find(text, "KASAN"),
		.golang = wh_scan_find(text, ".go:"),
		.python = wh_scan_find(text, ".py\", line"),
		.javascript = wh_scan_find(text, "Uncaught Exception: Jazzer.js"),
		.trusty = wh_scan_find(text, "Trusted App crash stacktrace"),
	};
	struct wh_span line;
	wh_grams_init(&m.grams, wh_crash_grams);
	wh_crash_parts_init(&m.parts);
	if (m.python)
		read_python(&m);
	else
		while (wh_scan_line(&text, &line))
			read_line(&m, line);
	int code = finish(&m, arena, crash, err);
	release(&m);
	return code;
}

int wh_crash_describe(struct wh_span text, struct wh_stack_builder *b, struct wh_err *err)
{
	struct wh_crash crash;
	WH_TRY(wh_crash_derive(text, b->arena, &crash, err));
	if (!b->stack.crash_type)
		b->stack.crash_type = crash.type;
	if (!b->stack.crash_state)
		b->stack.crash_state = crash.state;
	return WH_OK;
}

/* Its file, whatever kind of path it is. */
static const char *module_name(const char *path)
{
	for (const char *p = path; p && *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			path = p + 1;
	return path;
}

int wh_crash_state_of_frames(const struct wh_stack *stack, struct wh_arena *arena, const char **state, struct wh_err *err)
{
	struct wh_crash_machine m = { 0 };
	struct wh_crash crash;
	struct wh_str text = { 0 }, readable = { 0 };
	wh_crash_parts_init(&m.parts);
	wh_crash_set_type_name(&m, "UNKNOWN");
	for (size_t i = 0; i < stack->n_frames && m.n_frames < WH_CRASH_FRAMES; i++) {
		const struct wh_frame *frame = &stack->frames[i];
		const char *name = frame->function ? frame->function : module_name(frame->module);
		wh_str_clear(&readable);
		if (frame->function && wh_demangle(name, strlen(name), &readable)) /* as printed by what knows only the linker's names */
			name = readable.data;
		if (!name || frame->handler || frame->unreliable || wh_crash_ignores(&m.parts, (struct wh_span){ name, name + strlen(name) }))
			continue;
		bool whole = !frame->function || ((*name == '-' || *name == '+') && name[1] == '['); /* Objective-C's brackets are no types */
		wh_str_clear(&text);
		wh_str_puts(&text, name);
		if (frame->function && frame->file && !whole)
			wh_str_printf(&text, " %s", frame->file);
		if (text.data)
			wh_crash_add_frame(&m, (struct wh_span){ text.data, text.data + text.n }, whole);
	}
	m.frame.failed |= text.failed | readable.failed;
	bool any = m.n_frames;
	int code = finish(&m, arena, &crash, err);
	*state = any ? crash.state : NULL;
	wh_str_release(&text);
	wh_str_release(&readable);
	release(&m);
	return code;
}
