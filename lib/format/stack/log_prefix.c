/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/log_prefix.h"

static bool digits(struct wh_span *s, int least, int most)
{
	int n = 0;
	while (n < most && s->p < s->end && wh_is_digit(*s->p)) {
		s->p++;
		n++;
	}
	return n >= least;
}

static bool pass(struct wh_span *s, char c)
{
	if (s->p >= s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* 12:34:56, with a fraction and a zone perhaps */
static bool clock_time(struct wh_span *s)
{
	if (!digits(s, 2, 2) || !pass(s, ':') || !digits(s, 2, 2) || !pass(s, ':') || !digits(s, 2, 2))
		return false;
	struct wh_span fraction = *s;
	if ((pass(&fraction, '.') || pass(&fraction, ',')) && digits(&fraction, 1, 9))
		*s = fraction;
	struct wh_span zone = *s;
	if (!pass(s, 'Z') && (pass(&zone, '+') || pass(&zone, '-')) && digits(&zone, 2, 2)) {
		pass(&zone, ':');
		if (digits(&zone, 2, 2))
			*s = zone;
	}
	return true;
}

/* 2026-03-01T12:34:56 or with a blank between */
static bool date_time(struct wh_span *s)
{
	return digits(s, 4, 4) && (pass(s, '-') || pass(s, '/')) && digits(s, 2, 2) && (pass(s, '-') || pass(s, '/')) &&
	       digits(s, 2, 2) && (pass(s, 'T') || pass(s, ' ')) && clock_time(s);
}

/* 12.345678, after blanks */
static bool kernel_time(struct wh_span *s)
{
	wh_scan_blanks(s);
	return digits(s, 1, 9) && pass(s, '.') && digits(s, 3, 9);
}

static bool bracket(struct wh_span *s)
{
	struct wh_span date = *s, time = *s, kernel = *s;
	if (date_time(&date) && pass(&date, ']')) {
		*s = date;
	} else if (clock_time(&time) && pass(&time, ']')) {
		*s = time;
	} else if (kernel_time(&kernel) && pass(&kernel, ']')) {
		*s = kernel;
		struct wh_span caller = kernel;
		if (pass(&caller, '[')) {
			wh_scan_blanks(&caller);
			if ((pass(&caller, 'T') || pass(&caller, 'C')) && digits(&caller, 1, 9) && pass(&caller, ']'))
				*s = caller;
		}
	} else {
		return false;
	}
	return true;
}

/* ---- Android's logcat ---- */

enum { LONGEST_TAG = 64 };

static bool priority(struct wh_span *s, struct wh_logcat *entry)
{
	if (s->p == s->end || !*s->p || !strchr("VDIWEFAS", *s->p))
		return false;
	entry->priority = *s->p++;
	return true;
}

/* `tag  : text`, `tag  :` */
static bool tag_and_text(struct wh_span s, struct wh_logcat *entry)
{
	size_t room = wh_span_size(s) < LONGEST_TAG ? wh_span_size(s) : LONGEST_TAG;
	const char *end = room ? memmem(s.p, room, ": ", 2) : NULL;
	if (end) {
		entry->text = (struct wh_span){ end + 2, s.end };
	} else { /* an empty line */
		if (!wh_span_size(s) || s.end[-1] != ':')
			return false;
		end = s.end - 1;
		entry->text = (struct wh_span){ s.end, s.end };
	}
	entry->tag = wh_scan_trim((struct wh_span){ s.p, end });
	return true;
}

/* `I/tag ( 1234): text`, with a uid before the process perhaps */
static bool brief(struct wh_span s, struct wh_logcat *entry)
{
	if (!priority(&s, entry) || !pass(&s, '/'))
		return false;
	size_t room = wh_span_size(s) < LONGEST_TAG + 16 ? wh_span_size(s) : LONGEST_TAG + 16;
	const char *close = room ? memmem(s.p, room, "):", 2) : NULL;
	const char *open = close ? memrchr(s.p, '(', (size_t)(close - s.p)) : NULL;
	if (!open)
		return false;
	struct wh_span number = { open + 1, close };
	const char *colon = memrchr(number.p, ':', wh_span_size(number));
	if (colon)
		number.p = colon + 1;
	wh_scan_blanks(&number);
	entry->has_process = wh_scan_decimal(&number, &entry->process) && number.p == close;
	entry->text = (struct wh_span){ close + 2, s.end };
	if (entry->text.p < s.end && !pass(&entry->text, ' '))
		return false;
	entry->tag = wh_scan_trim((struct wh_span){ s.p, open });
	return true;
}

/* `I( 1234) text  (tag)` */
static bool process_last(struct wh_span s, struct wh_logcat *entry)
{
	if (!priority(&s, entry) || !pass(&s, '('))
		return false;
	wh_scan_blanks(&s);
	const char *open = wh_scan_last(s, "  (");
	if (!wh_scan_decimal(&s, &entry->process) || !pass(&s, ')') || !pass(&s, ' ') || !open || open < s.p || s.end[-1] != ')')
		return false;
	entry->has_process = true;
	entry->text = (struct wh_span){ s.p, open };
	entry->tag = wh_scan_trim((struct wh_span){ open + 3, s.end - 1 });
	return true;
}

/* `I/tag     : text`, which much else looks like */
static bool tag_only(struct wh_span s, struct wh_logcat *entry)
{
	if (!priority(&s, entry) || !pass(&s, '/') || !tag_and_text(s, entry))
		return false;
	return !memchr(entry->tag.p, ' ', wh_span_size(entry->tag)) && !memchr(entry->tag.p, '(', wh_span_size(entry->tag));
}

static struct wh_span word(struct wh_span *s)
{
	wh_scan_blanks(s);
	struct wh_span found = wh_scan_until(*s, " \t");
	s->p = found.end;
	return found;
}

static bool number(struct wh_span text, uint64_t *value)
{
	return wh_scan_decimal(&text, value) && text.p == text.end;
}

/* ` 1234  1250 I tag : text`, with a user or uid in front perhaps */
static bool threads(struct wh_span s, struct wh_logcat *entry)
{
	uint64_t thread;
	struct wh_span first = word(&s), second = word(&s), rest = s, third;
	if (!number(second, &thread))
		return false;
	wh_scan_blanks(&rest);
	third = wh_scan_until(rest, " ");
	if (wh_span_size(third) == 1 && !wh_is_digit(*third.p)) {
		if (!number(first, &entry->process))
			return false;
	} else { /* three numbers, or a name and two */
		entry->process = thread;
		rest = s;
		third = word(&rest);
		if (!number(third, &thread))
			return false;
		wh_scan_blanks(&rest);
	}
	entry->has_process = true;
	return priority(&rest, entry) && pass(&rest, ' ') && tag_and_text(rest, entry);
}

/* Android Studio: ` 1234-1250/com.example I/tag: text`, and later ` 1234-1250  tag   com.example   I  text` */
static bool studio(struct wh_span s, struct wh_logcat *entry)
{
	uint64_t thread;
	struct wh_span both = word(&s);
	if (!wh_scan_decimal(&both, &entry->process) || !pass(&both, '-') || !wh_scan_decimal(&both, &thread))
		return false;
	entry->has_process = true;
	wh_scan_blanks(&s);
	if (pass(&both, '/'))
		return priority(&s, entry) && pass(&s, '/') && tag_and_text(s, entry);
	/* the columns are padded: a name that fills its own has one blank behind it */
	struct wh_span tag = word(&s), package = word(&s), level = word(&s);
	if (both.p < both.end || !wh_span_size(package) || wh_span_size(level) != 1 || !priority(&level, entry))
		return false;
	wh_scan_skip(&s, "  ");
	entry->text = s;
	entry->studio = true;
	entry->tag = tag;
	return true;
}

/* `03-01 12:00:00.100`, with a year and a zone perhaps */
static bool logcat_time(struct wh_span *s)
{
	struct wh_span at = *s, zone;
	if (!date_time(&at)) {
		at = *s;
		if (!digits(&at, 2, 2) || !pass(&at, '-') || !digits(&at, 2, 2) || !pass(&at, ' ') || !clock_time(&at))
			return false;
	}
	*s = zone = at;
	if (pass(&zone, ' ') && (pass(&zone, '+') || pass(&zone, '-')) && digits(&zone, 4, 4) && zone.p < zone.end && *zone.p == ' ')
		*s = zone;
	return true;
}

/* What begins with its time. */
static bool timed(struct wh_span s, struct wh_logcat *entry)
{
	static bool (*const forms[])(struct wh_span, struct wh_logcat *) = { threads, brief, studio };
	struct wh_span at = s;
	if (!logcat_time(&at)) {
		at = s; /* -v epoch, -v monotonic */
		if (!digits(&at, 1, 11) || !pass(&at, '.') || !digits(&at, 3, 9))
			return false;
	}
	if (at.p == at.end || *at.p != ' ')
		return false;
	wh_scan_blanks(&at);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		*entry = (struct wh_logcat){ 0 };
		if (forms[i](at, entry))
			return true;
	}
	return false;
}

bool wh_logcat_line(struct wh_span line, struct wh_logcat *entry)
{
	static bool (*const forms[])(struct wh_span, struct wh_logcat *) = { brief, process_last, tag_only };
	if (line.p == line.end)
		return false;
	if (wh_is_digit(*line.p))
		return timed(line, entry);
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		*entry = (struct wh_logcat){ 0 };
		if (forms[i](line, entry))
			return true;
	}
	return false;
}

bool wh_logcat_heading(struct wh_span line, struct wh_logcat *entry)
{
	struct wh_span s = line;
	*entry = (struct wh_logcat){ 0 };
	if (!wh_scan_skip(&s, "[ ") || wh_span_size(s) > 200 || s.end[-1] != ']' || !logcat_time(&s))
		return false;
	const char *slash = wh_scan_find(s, "/");
	if (!slash || slash - s.p < 2)
		return false;
	struct wh_span numbers = { s.p, slash - 1 }, tag = { slash + 1, s.end - 1 }, level = { slash - 1, slash };
	wh_scan_blanks(&numbers);
	entry->has_process = wh_scan_decimal(&numbers, &entry->process) && pass(&numbers, ':');
	entry->text = (struct wh_span){ s.end, s.end };
	entry->tag = wh_scan_trim(tag);
	return entry->has_process && priority(&level, entry);
}

/* ---- other logs ---- */

/* `Mar  1 12:00:00 host program[12]: ` */
static bool syslog(struct wh_span *s)
{
	struct wh_span at = *s;
	for (int i = 0; i < 3; i++, at.p++)
		if (at.p >= at.end || !wh_is_alpha(*at.p))
			return false;
	if (!pass(&at, ' '))
		return false;
	wh_scan_blanks(&at);
	if (!digits(&at, 1, 2) || !pass(&at, ' ') || !clock_time(&at) || !pass(&at, ' '))
		return false;
	size_t room = wh_span_size(at) < 160 ? wh_span_size(at) : 160;
	const char *end = room ? memmem(at.p, room, ": ", 2) : NULL;
	if (!end || !memchr(at.p, ' ', (size_t)(end - at.p)))
		return false;
	s->p = end + 2;
	return true;
}

/* `host program[12]: `, behind a time: journalctl's short forms, syslog's newer one */
static bool host_program(struct wh_span *s)
{
	struct wh_span at = *s;
	size_t room = wh_span_size(at) < 160 ? wh_span_size(at) : 160;
	const char *end = room ? memmem(at.p, room, "]: ", 3) : NULL, *blank = end ? memchr(at.p, ' ', (size_t)(end - at.p)) : NULL;
	const char *open = blank ? memchr(blank, '[', (size_t)(end - blank)) : NULL;
	if (!open || blank == at.p || memchr(blank + 1, ' ', (size_t)(end - blank - 1)))
		return false;
	at.p = open + 1;
	if (!digits(&at, 1, 9) || at.p != end)
		return false;
	s->p = end + 3;
	return true;
}

/* `service-1  | ` */
static bool compose(struct wh_span *s)
{
	const char *p = s->p;
	while (p < s->end && p - s->p < 64 && (wh_is_alpha(*p) || wh_is_digit(*p) || *p == '-' || *p == '_' || *p == '.'))
		p++;
	const char *name = p;
	while (p < s->end && *p == ' ')
		p++;
	if (name == s->p || p == name || p + 1 >= s->end || p[0] != '|' || p[1] != ' ')
		return false;
	s->p = p + 2;
	return true;
}

/* ---- the kernel's, and those of what passes its lines on ---- */

/* `[   12.345678]`, `[   12.345678,0]`, `[  T123]`, `[ C0]`, `[T1@C0]`, `[Mon Nov 20 10:00:00 2026]`: what is between brackets. */
static bool is_stamp(struct wh_span s)
{
	wh_scan_blanks(&s);
	if (s.p == s.end)
		return false;
	if (wh_is_digit(*s.p)) {
		bool dot = false;
		for (; s.p < s.end; s.p++) {
			dot |= *s.p == '.';
			if (!wh_is_digit(*s.p) && *s.p != '.' && *s.p != ',')
				return false;
		}
		return dot;
	}
	if (*s.p == 'T' || *s.p == 'C')
		if (s.p + 1 < s.end && wh_is_digit(s.p[1])) {
			for (s.p++; s.p < s.end; s.p++)
				if (!wh_is_digit(*s.p) && *s.p != 'T' && *s.p != 'C' && *s.p != '@' && *s.p != ' ')
					return false;
			return true;
		}
	static const char *const days[] = { "Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun " };
	for (size_t i = 0; i < 7; i++)
		if (wh_scan_has(s, days[i]))
			return true;
	return false;
}

/* Passes over `[…]` at the start of s if it is a stamp. */
static bool skip_stamp(struct wh_span *s, struct wh_kernel_prefix *prefix)
{
	if (s->p == s->end || *s->p != '[')
		return false;
	size_t most = wh_span_size(*s) < 40 ? wh_span_size(*s) : 40;
	const char *close = memchr(s->p, ']', most);
	struct wh_span inner = { s->p + 1, close };
	if (!close || !is_stamp(inner))
		return false;
	wh_scan_blanks(&inner);
	if ((*inner.p == 'T' || *inner.p == 'C') && wh_is_digit(inner.p[1]))
		prefix->caller = inner;
	s->p = close + 1;
	return true;
}

/* `<4>`, `<c>` */
static bool skip_level(struct wh_span *s)
{
	struct wh_span at = *s;
	uint64_t level;
	if (at.p == at.end || *at.p != '<')
		return false;
	at.p++;
	if (!wh_scan_decimal(&at, &level) && wh_scan_has(at, "c"))
		at.p++;
	if (at.p - s->p < 2 || at.p == at.end || *at.p != '>')
		return false;
	s->p = at.p + 1;
	return true;
}

/* What syslog, journalctl, console servers and test runners put before it: up to `kernel: `, or a date and a time. */
static void skip_host(struct wh_span *s)
{
	struct wh_span head = { s->p, wh_span_size(*s) > 120 ? s->p + 120 : s->end };
	const char *kernel = wh_scan_find(head, " kernel: ");
	if (kernel) {
		s->p = kernel + strlen(" kernel: ");
		return;
	}
	/* 2018/01/09 14:28:48 */
	if (wh_span_size(*s) > 20 && wh_is_digit(s->p[0]) && (s->p[4] == '/' || s->p[4] == '-') && (s->p[10] == ' ' || s->p[10] == 'T') &&
	    s->p[13] == ':') {
		s->p += 19;
		while (s->p < s->end && *s->p != ' ')
			s->p++;
	}
}

/* Android's further prefixes: `c0  123 `, `(0)[123:name]` */
static void skip_android(struct wh_span *s)
{
	struct wh_span at = *s;
	uint64_t number;
	wh_scan_blanks(&at);
	if (wh_scan_skip(&at, "c") && wh_scan_decimal(&at, &number) && number < 4096 && wh_scan_has(at, " ")) {
		wh_scan_blanks(&at);
		if (wh_scan_decimal(&at, &number) && wh_scan_has(at, " "))
			*s = at;
		return;
	}
	at = *s;
	wh_scan_blanks(&at);
	wh_scan_skip(&at, "-");
	if (wh_scan_skip(&at, "(") && wh_scan_decimal(&at, &number) && wh_scan_skip(&at, ")[") && wh_scan_decimal(&at, &number) &&
	    wh_scan_skip(&at, ":")) {
		const char *close = memchr(at.p, ']', wh_span_size(at));
		if (close)
			s->p = close + 1;
	}
}

struct wh_span wh_kernel_strip(struct wh_span s, struct wh_kernel_prefix *prefix)
{
	*prefix = (struct wh_kernel_prefix){ 0 };
	prefix->stamped = skip_level(&s);
	if (s.p < s.end && (wh_is_digit(*s.p) || (*s.p >= 'A' && *s.p <= 'Z') || (*s.p >= 'a' && *s.p <= 'z')))
		skip_host(&s);
	for (int i = 0; i < 6; i++) {
		struct wh_span at = s;
		wh_scan_blanks(&at);
		if (!skip_level(&at) && !skip_stamp(&at, prefix))
			break;
		s = at;
		prefix->stamped = true;
	}
	if (prefix->stamped)
		skip_android(&s);
	return wh_scan_trim(s);
}

struct wh_span wh_log_line(struct wh_span line)
{
	for (int i = 0; i < 2 && line.p < line.end; i++) { /* a container's log of a log */
		struct wh_span at = line, time = line;
		char c = *line.p;
		if (c == '[') {
			at.p++;
			if (!bracket(&at))
				return line;
			pass(&at, ' ');
			host_program(&at);
		} else if (wh_is_digit(c)) {
			struct wh_logcat entry;
			if (timed(at, &entry)) {
				at = entry.text;
			} else if (date_time(&time) || (time = line, clock_time(&time))) {
				at = time;
				if (at.p < at.end && !pass(&at, ' '))
					return line;
				host_program(&at);
			} else if (!compose(&at)) {
				return line;
			}
		} else if (wh_is_alpha(c)) {
			struct wh_logcat entry = { 0 };
			if (brief(at, &entry))
				at = entry.text;
			else if (!syslog(&at) && !compose(&at))
				return line;
		} else {
			return line;
		}
		line = at;
	}
	return line;
}
