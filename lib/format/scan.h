/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scanning text that is not NUL-terminated: lines, and cursors within one line. Every function is bounded by `end` and costs
 * time linear in what it passes over.
 */
#ifndef WHORL_FORMAT_SCAN_H
#define WHORL_FORMAT_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <whorl/observation.h>

#include "base/str.h"

/* A piece of text: a line without its end, or what is left of it. */
struct wh_span {
	const char *p, *end;
};

static inline size_t wh_span_size(struct wh_span s)
{
	return (size_t)(s.end - s.p);
}

/* Takes the next line (without \n or \r\n) off text; false at the end. */
static inline bool wh_scan_line(struct wh_span *text, struct wh_span *line)
{
	if (text->p >= text->end)
		return false;
	const char *nl = memchr(text->p, '\n', (size_t)(text->end - text->p));
	line->p = text->p;
	line->end = nl ? nl : text->end;
	text->p = nl ? nl + 1 : text->end;
	if (line->end > line->p && line->end[-1] == '\r')
		line->end--;
	return true;
}

static inline bool wh_scan_has(struct wh_span s, const char *prefix)
{
	size_t n = strlen(prefix);
	return wh_span_size(s) >= n && !memcmp(s.p, prefix, n);
}

/* Passes over prefix if it is there. */
static inline bool wh_scan_skip(struct wh_span *s, const char *prefix)
{
	if (!wh_scan_has(*s, prefix))
		return false;
	s->p += strlen(prefix);
	return true;
}

static inline void wh_scan_blanks(struct wh_span *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t'))
		s->p++;
}

/* Trims blanks off both ends. */
static inline struct wh_span wh_scan_trim(struct wh_span s)
{
	wh_scan_blanks(&s);
	while (s.end > s.p && (s.end[-1] == ' ' || s.end[-1] == '\t' || s.end[-1] == '\r'))
		s.end--;
	return s;
}

/* Where needle begins in s, or NULL. */
static inline const char *wh_scan_find(struct wh_span s, const char *needle)
{
	return s.p && s.p < s.end ? wh_find(s.p, wh_span_size(s), needle, strlen(needle)) : NULL;
}

/* Whether any of texts (n) is in s: for a detector, which a text of another format should cost next to nothing. */
static inline bool wh_scan_any(struct wh_span s, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (wh_scan_find(s, texts[i]))
			return true;
	return false;
}

/* What follows needle in s; false where it is not there. */
static inline bool wh_scan_after(struct wh_span s, const char *needle, struct wh_span *rest)
{
	const char *found = wh_scan_find(s, needle);
	if (!found)
		return false;
	*rest = (struct wh_span){ found + strlen(needle), s.end };
	return true;
}

/* The last place where needle, which is not empty, begins in s, or NULL. */
static inline const char *wh_scan_last(struct wh_span s, const char *needle)
{
	size_t n = strlen(needle);
	for (const char *end = s.end; s.p && (size_t)(end - s.p) >= n; end--) {
		const char *last = memrchr(s.p, needle[n - 1], (size_t)(end - s.p));
		if (!last || (size_t)(last + 1 - s.p) < n)
			return NULL;
		end = last + 1;
		if (!memcmp(end - n, needle, n))
			return end - n;
	}
	return NULL;
}

static inline bool wh_scan_after_last(struct wh_span s, const char *needle, struct wh_span *rest)
{
	const char *found = wh_scan_last(s, needle);
	if (!found)
		return false;
	*rest = (struct wh_span){ found + strlen(needle), s.end };
	return true;
}

/* What is before the first character of ends. */
static inline struct wh_span wh_scan_until(struct wh_span s, const char *ends)
{
	const char *p = s.p;
	while (p < s.end && !(*p && strchr(ends, *p)))
		p++;
	return (struct wh_span){ s.p, p };
}

static inline bool wh_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool wh_is_alpha(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static inline bool wh_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Decimal digits, at least one; stops growing at UINT64_MAX. */
static inline bool wh_scan_decimal(struct wh_span *s, uint64_t *value)
{
	const char *first = s->p;
	*value = 0;
	for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++)
		if (__builtin_mul_overflow(*value, (uint64_t)10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*s->p - '0'), value))
			*value = UINT64_MAX;
	return s->p > first;
}

/* Hexadecimal digits, at least one, without a 0x. */
static inline bool wh_scan_digits16(struct wh_span *s, uint64_t *value)
{
	const char *first = s->p;
	*value = 0;
	for (; s->p < s->end; s->p++) {
		unsigned c = (unsigned char)*s->p, digit = c - '0';
		if (digit > 9) {
			digit = (c | 32) - 'a';
			if (digit > 5)
				break;
			digit += 10;
		}
		*value = *value << 4 | digit;
	}
	return s->p > first;
}

/* 0x and hexadecimal digits. */
static inline bool wh_scan_hex(struct wh_span *s, uint64_t *value)
{
	struct wh_span at = *s;
	if (!wh_scan_skip(&at, "0x") && !wh_scan_skip(&at, "0X"))
		return false;
	if (!wh_scan_digits16(&at, value))
		return false;
	*s = at;
	return true;
}

#endif
