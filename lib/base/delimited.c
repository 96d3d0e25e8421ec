/* SPDX-License-Identifier: Apache-2.0 */
#include "base/delimited.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void wh_delimited_init(struct wh_delimited *d, struct wh_bytes text, char separator, size_t most)
{
	*d = (struct wh_delimited){ .p = text.data, .end = text.data + text.size, .separator = separator, .most = most, .cap = WH_DELIMITED_FEW };
	d->field = d->few;
	wh_arena_init(&d->plain, SIZE_MAX);
}

void wh_delimited_release(struct wh_delimited *d)
{
	wh_arena_release(&d->plain);
	if (d->field != d->few)
		free(d->field);
	d->field = d->few;
	d->cap = WH_DELIMITED_FEW;
}

char wh_delimited_separator(struct wh_bytes text)
{
	char first = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.size && text.data[i] != '\n'; i++) {
		char c = text.data[i];
		quoted ^= c == '"';
		if (c == '\t' && !quoted)
			return c;
		first = !first && !quoted && (c == ',' || c == ';') ? c : first;
	}
	return first ? first : ',';
}

/* The rest of the row, from p on, is not looked at. */
static void break_row(struct wh_delimited *d, const char *p, const char *why)
{
	const char *nl = p < d->end ? memchr(p, '\n', (size_t)(d->end - p)) : NULL;
	d->p = nl ? nl : d->end;
	d->why = why;
}

/* A copy in which doubled quotes are single ones. */
static struct wh_bytes unquoted(struct wh_delimited *d, const char *p, const char *end)
{
	char *copy = wh_arena_alloc(&d->plain, (size_t)(end - p) + 1), *to = copy;
	d->failed |= !copy;
	for (; copy && p < end; p++) {
		*to++ = *p;
		p += *p == '"';
	}
	return (struct wh_bytes){ copy, (size_t)(to - copy) };
}

static struct wh_bytes unescaped(struct wh_delimited *d, const char *p, const char *end)
{
	char *copy = wh_arena_alloc(&d->plain, (size_t)(end - p) + 1), *to = copy;
	d->failed |= !copy;
	for (; copy && p < end; p++) {
		bool escape = *p == '\\' && p + 1 < end && (p[1] == 't' || p[1] == 'n' || p[1] == '\\');
		p += escape;
		*to++ = (char)(!escape ? *p : *p == 't' ? '\t' : *p == 'n' ? '\n' : '\\');
	}
	return (struct wh_bytes){ copy, (size_t)(to - copy) };
}

static struct wh_bytes take_quoted(struct wh_delimited *d)
{
	const char *first = d->p + 1, *p = first, *last = d->p;
	bool doubled = false;
	size_t most = (size_t)(d->end - first) < WH_DELIMITED_LONGEST ? (size_t)(d->end - first) : WH_DELIMITED_LONGEST;
	for (const char *stop = first + most;; p++) {
		p = p < stop ? memchr(p, '"', (size_t)(stop - p)) : NULL;
		if (!p || p + 1 == d->end || p[1] != '"')
			break;
		doubled = true;
		last = ++p;
	}
	if (!p) { /* goes on behind the last quote: what was passed over holds none, so that no byte is looked at ever again */
		break_row(d, last, "a quote is not closed");
		return (struct wh_bytes){ first, 0 };
	}
	d->p = p + 1;
	struct wh_bytes field = doubled ? unquoted(d, first, p) : (struct wh_bytes){ first, (size_t)(p - first) };
	bool over = d->p == d->end || *d->p == d->separator || *d->p == '\n' || (*d->p == '\r' && (d->p + 1 == d->end || d->p[1] == '\n'));
	if (!over)
		break_row(d, d->p, "text behind a closing quote");
	else
		d->p += d->p < d->end && *d->p == '\r';
	return field;
}

static struct wh_bytes take_plain(struct wh_delimited *d)
{
	const char *first = d->p, *p = first, *end = d->end;
	bool escapes = false;
	for (char separator = d->separator; p < end && *p != separator && *p != '\n'; p++)
		escapes |= *p == '\\';
	d->p = p;
	if (p > first && p[-1] == '\r' && (p == end || *p == '\n'))
		p--;
	if (escapes && d->separator == '\t')
		return unescaped(d, first, p);
	return (struct wh_bytes){ first, (size_t)(p - first) };
}

static void keep_field(struct wh_delimited *d, struct wh_bytes field)
{
	if (d->n == d->cap && d->cap < d->most) {
		size_t cap = d->cap * 2;
		struct wh_bytes *grown = realloc(d->field == d->few ? NULL : d->field, cap * sizeof *grown);
		if (!grown) {
			d->failed = true;
			return;
		}
		if (d->field == d->few)
			memcpy(grown, d->few, sizeof d->few);
		d->field = grown;
		d->cap = cap;
	}
	if (d->n < d->cap)
		d->field[d->n] = field;
	d->n++;
}

bool wh_delimited_row(struct wh_delimited *d)
{
	while (d->p < d->end && (*d->p == '\n' || (*d->p == '\r' && (d->p + 1 == d->end || d->p[1] == '\n'))))
		d->p++;
	d->row = d->p;
	d->n = 0;
	d->why = NULL;
	wh_arena_reset(&d->plain);
	if (d->p == d->end || d->failed)
		return false;
	for (;;) {
		bool quoted = d->separator != '\t' && d->p < d->end && *d->p == '"';
		keep_field(d, quoted ? take_quoted(d) : take_plain(d));
		if (d->why || d->failed || d->p == d->end || *d->p == '\n')
			break;
		d->p++; /* the separator */
	}
	return !d->failed;
}
