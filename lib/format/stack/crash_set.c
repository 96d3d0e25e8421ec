/* SPDX-License-Identifier: Apache-2.0 */
/* What messages are made of, and what they set: addresses, files, conditions; the type and the state of the machine. */
#include "format/stack/crash_machine.h"

static bool is_hex(char c)
{
	return wh_is_digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f') || (c | 32) == 'x';
}

struct wh_span wh_crash_hex(struct wh_span s)
{
	struct wh_span word = { s.p, s.p };
	while (word.end < s.end && is_hex(*word.end))
		word.end++;
	return word;
}

/* Takes characters of set off both ends. */
struct wh_span wh_crash_strip(struct wh_span s, const char *set)
{
	while (s.p < s.end && *s.p && strchr(set, *s.p))
		s.p++;
	while (s.end > s.p && s.end[-1] && strchr(set, s.end[-1]))
		s.end--;
	return s;
}

void wh_crash_set_address(struct wh_crash_machine *m, struct wh_span hex)
{
	struct wh_span s = hex;
	uint64_t value;
	m->has_address = wh_span_size(hex);
	m->address = wh_scan_hex(&s, &value) || wh_scan_digits16(&s, &value) ? value : 0;
}

void wh_crash_set_state(struct wh_crash_machine *m, struct wh_span s, const char *end)
{
	wh_str_clear(&m->state);
	wh_str_add(&m->state, s.p, wh_span_size(s));
	wh_str_puts(&m->state, end);
}

bool wh_crash_is_kernel(const struct wh_crash_machine *m)
{
	return wh_crash_type_begins(m, "Kernel failure");
}

/* Names a type anew, with its state. */
void wh_crash_begin(struct wh_crash_machine *m, const char *type)
{
	wh_crash_reset(m);
	wh_crash_set_type_name(m, type);
}

/* "use-of-uninitialized-value " as types are written: "Use-of-uninitialized-value" */
void wh_crash_set_type_capitalised(struct wh_crash_machine *m, const char *before, struct wh_span name, const char *space,
				   bool lower)
{
	struct wh_str text = { 0 };
	name = wh_scan_trim(name);
	for (const char *p = name.p; p < name.end; p++) {
		char c = *p;
		if (lower && c >= 'A' && c <= 'Z')
			c |= 32;
		if ((c == ' ' || c == '_') && strchr(space, c))
			c = '-';
		if (p == name.p && lower && c >= 'a' && c <= 'z')
			c ^= 32;
		wh_str_putc(&text, c);
	}
	struct wh_str all = { 0 };
	wh_str_puts(&all, before);
	const char *divide = text.data ? strstr(text.data, "Int-divide-by-zero") : NULL;
	wh_str_puts(&all, divide ? "Divide-by-zero" : text.data ? text.data : "");
	if (text.failed || all.failed)
		m->type.failed = true;
	else if (all.data)
		wh_crash_set_type(m, (struct wh_span){ all.data, all.data + all.n });
	wh_str_release(&text);
	wh_str_release(&all);
}

/* The base name of a source file as messages name it: `[FATAL:a/b.cc(12)`, `C:\a\b.cc:12`. */
struct wh_span wh_crash_file_name(struct wh_span s)
{
	s = wh_scan_until(wh_scan_until(wh_crash_strip(s, " .'\"[]"), ":"), "(");
	for (const char *p = s.end; p > s.p; p--)
		if (p[-1] == '/' || p[-1] == '\\') {
			s.p = p;
			break;
		}
	return s;
}

/* The condition of a failed check without the values that it was given. */
static struct wh_span check_text(struct wh_span s)
{
	wh_scan_skip(&s, "Check failed: ");
	const char *failed = wh_scan_find(s, "failed: ");
	struct wh_span after = { failed ? failed + strlen("failed:") : s.end, s.end };
	if (failed && wh_scan_find(after, " vs. ")) /* failed: 25 vs. 1 */
		s.end = after.p - 1;
	struct wh_span at = s;
	const char *open;
	while ((open = wh_scan_find(at, " ("))) { /* (-1 vs. 0) */
		struct wh_span values = { open + 2, s.end };
		const char *versus = wh_scan_find(values, " vs. ");
		if (!versus)
			break;
		s.end = open;
		break;
	}
	if (wh_span_size(s) > 2 && (s.end[-1] == '\'' || s.end[-1] == '"')) /* = "value" */
		for (const char *p = s.p; p < s.end - 1; p++)
			if (*p == ':' || *p == '=') {
				const char *quote = p + 1;
				while (quote < s.end - 1 && (*quote == ' ' || *quote == '\t'))
					quote++;
				if (quote < s.end - 1 && *quote == s.end[-1]) {
					s.end = p;
					break;
				}
			}
	return wh_crash_strip(s, " .'\"[]");
}

void wh_crash_set_check(struct wh_crash_machine *m, struct wh_span text, struct wh_span file)
{
	text = check_text(text);
	wh_str_clear(&m->state);
	wh_str_add(&m->state, text.p, wh_span_size(text));
	if (wh_span_size(file)) {
		wh_str_puts(&m->state, " in ");
		wh_str_add(&m->state, file.p, wh_span_size(file));
	}
	wh_str_putc(&m->state, '\n');
	m->n_frames = 1;
}

/* `F0707 11:54:34.000000 1234 path/file.cc:12] text` */
bool wh_crash_google_log(struct wh_span line, struct wh_span *file, struct wh_span *text)
{
	struct wh_span s = line;
	uint64_t number;
	if (!wh_scan_skip(&s, "F") || !wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	for (int i = 0; i < 3; i++)
		if (!wh_scan_decimal(&s, &number) || !wh_scan_skip(&s, i < 2 ? ":" : "."))
			return false;
	if (!wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	if (!wh_scan_decimal(&s, &number))
		return false;
	wh_scan_blanks(&s);
	const char *close = wh_scan_find(s, "]");
	if (!close)
		return false;
	const char *p = close;
	while (p > s.p && wh_is_digit(p[-1]))
		p--;
	if (p == close || p == s.p || p[-1] != ':')
		return false;
	*file = (struct wh_span){ s.p, p - 1 };
	*text = wh_scan_trim((struct wh_span){ close + 1, s.end });
	return true;
}
