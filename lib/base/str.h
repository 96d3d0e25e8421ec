/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Growing byte strings. Invariants: data is NUL-terminated once anything was added (NULL before); an add that fails sets
 * `failed`, which sticks, so that a run of adds is checked once at its end. The cap WH_STR_LIMIT bounds every string.
 */
#ifndef WHORL_BASE_STR_H
#define WHORL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>

#define WH_STR_LIMIT ((size_t)4 << 30)

struct wh_str {
	char *data;
	size_t n, cap;
	bool failed;
};

void wh_str_release(struct wh_str *);
/* Empty again; keeps the memory. */
void wh_str_clear(struct wh_str *);
void wh_str_add(struct wh_str *, const char *data, size_t n);
/* Room for so many bytes behind the n there are (and a NUL), for who writes them himself and counts them in n: false where there is none. */
bool wh_str_reserve(struct wh_str *, size_t more);
void wh_str_puts(struct wh_str *, const char *);
void wh_str_putc(struct wh_str *, char);
void wh_str_printf(struct wh_str *, const char *format, ...) WH_PRINTF(2, 3);
/* WH_OK, or WH_E_NOMEM where an add has failed. */
int wh_str_check(const struct wh_str *, struct wh_err *);

/* Whether text (n bytes) begins with prefix / matches a glob of `*` and `?` as a whole. Linear time for any pattern with one `*`,
 * n times the number of stars at worst. */
bool wh_starts(const char *text, size_t n, const char *prefix);
bool wh_glob(const char *pattern, const char *text, size_t n);

/* Where needle (m > 0 bytes) begins in text (n bytes), or NULL: memmem, several times as fast for needles that are short and seldom there.
 * n times m at worst: for needles of our own. */
const char *wh_find(const char *text, size_t n, const char *needle, size_t m);

/* Length of the valid UTF-8 sequence at text (n > 0 bytes), 0 where there is none. */
size_t wh_utf8_length(const char *text, size_t n);

#endif
