/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wh_str_release(struct wh_str *str)
{
	free(str->data);
	*str = (struct wh_str){ 0 };
}

void wh_str_clear(struct wh_str *str)
{
	str->n = 0;
	str->failed = false;
	if (str->data)
		str->data[0] = '\0';
}

bool wh_str_reserve(struct wh_str *str, size_t more)
{
	if (str->failed)
		return false;
	if (more < str->cap - str->n)
		return true;
	if (more >= WH_STR_LIMIT - str->n) {
		str->failed = true;
		return false;
	}
	size_t cap = str->cap ? str->cap : 64;
	while (cap - str->n <= more)
		cap *= 2;
	char *data = realloc(str->data, cap);
	if (!data) {
		str->failed = true;
		return false;
	}
	str->data = data;
	str->cap = cap;
	return true;
}

void wh_str_add(struct wh_str *str, const char *data, size_t n)
{
	if (!wh_str_reserve(str, n))
		return;
	if (n)
		memcpy(str->data + str->n, data, n);
	str->n += n;
	str->data[str->n] = '\0';
}

void wh_str_puts(struct wh_str *str, const char *text)
{
	wh_str_add(str, text, strlen(text));
}

void wh_str_putc(struct wh_str *str, char c)
{
	wh_str_add(str, &c, 1);
}

void wh_str_printf(struct wh_str *str, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (n >= 0 && wh_str_reserve(str, (size_t)n)) {
		vsnprintf(str->data + str->n, (size_t)n + 1, format, again);
		str->n += (size_t)n;
	}
	va_end(again);
}

int wh_str_check(const struct wh_str *str, struct wh_err *err)
{
	return str->failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

bool wh_starts(const char *text, size_t n, const char *prefix)
{
	size_t m = strlen(prefix);
	return m <= n && !memcmp(text, prefix, m);
}

bool wh_glob(const char *pattern, const char *text, size_t n)
{
	const char *end = text + n, *star = NULL, *resume = NULL;
	while (text < end) {
		if (*pattern == '*') {
			star = ++pattern;
			resume = text;
		} else if (*pattern == '?' || (*pattern && *pattern == *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

size_t wh_utf8_length(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	if (p[0] < 0x80)
		return 1;
	size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	if (p[0] < 0xc2 || p[0] > 0xf4 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
	    (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

#ifdef __SSE2__
#include <emmintrin.h>

/* Sixteen places at once: those whose first and last bytes are right are looked at. */
const char *wh_find(const char *text, size_t n, const char *needle, size_t m)
{
	if (m == 1)
		return memchr(text, *needle, n);
	const __m128i first = _mm_set1_epi8(needle[0]), last = _mm_set1_epi8(needle[m - 1]);
	if (n < m + 15) {
		for (size_t i = 0; i + m <= n; i++)
			if (text[i] == needle[0] && text[i + m - 1] == needle[m - 1] && !memcmp(text + i + 1, needle + 1, m - 2))
				return text + i;
		return NULL;
	}
	for (size_t i = 0;; i = i + 16 + m + 15 <= n ? i + 16 : n - m - 15) { /* the last sixteen may have been looked at in part */
		__m128i a = _mm_loadu_si128((const __m128i *)(text + i)), b = _mm_loadu_si128((const __m128i *)(text + i + m - 1));
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last)));
		for (; mask; mask &= mask - 1) {
			const char *at = text + i + (unsigned)__builtin_ctz(mask);
			if (!memcmp(at + 1, needle + 1, m - 2))
				return at;
		}
		if (i + m + 15 == n)
			return NULL;
	}
}
#else
const char *wh_find(const char *text, size_t n, const char *needle, size_t m)
{
	return memmem(text, n, needle, m);
}
#endif
