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

/* `I tag : ` after logcat's time, process and thread; `I/tag ( 1234): ` */
static bool logcat(struct wh_span *s, bool brief)
{
	if (s->end - s->p < 4 || !strchr("VDIWEFAS", *s->p) || s->p[1] != (brief ? '/' : ' '))
		return false;
	struct wh_span at = { s->p + 2, s->end };
	size_t room = wh_span_size(at) < 64 ? wh_span_size(at) : 64;
	const char *end = memmem(at.p, room, brief ? "): " : ": ", brief ? 3 : 2);
	if (!end) { /* an empty line */
		if (brief || !wh_span_size(at) || at.end[-1] != ':')
			return false;
		*s = (struct wh_span){ at.end, at.end };
		return true;
	}
	if (brief && !memchr(at.p, '(', (size_t)(end - at.p)))
		return false;
	s->p = end + (brief ? 3 : 2);
	return true;
}

static bool logcat_threads(struct wh_span *s)
{
	struct wh_span at = *s;
	if (!digits(&at, 2, 2) || !pass(&at, '-') || !digits(&at, 2, 2) || !pass(&at, ' ') || !clock_time(&at))
		return false;
	for (int i = 0; i < 2; i++) {
		wh_scan_blanks(&at);
		if (!digits(&at, 1, 9))
			return false;
	}
	if (!pass(&at, ' ') || !logcat(&at, false))
		return false;
	*s = at;
	return true;
}

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
		} else if (wh_is_digit(c)) {
			if (logcat_threads(&at)) {
				/* that has passed over all of it */
			} else if (date_time(&time) || (time = line, clock_time(&time))) {
				at = time;
				if (at.p < at.end && !pass(&at, ' '))
					return line;
			} else if (!compose(&at)) {
				return line;
			}
		} else if (!wh_is_alpha(c) || (!logcat(&at, true) && !syslog(&at) && !compose(&at))) {
			return line;
		}
		line = at;
	}
	return line;
}
