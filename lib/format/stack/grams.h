/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a line has any of many short strings, in one pass: the bit-parallel search of Baeza-Yates and Gonnet ("A new approach
 * to text searching", CACM 1992), all strings side by side in two words. A gate before the searches for what they are part of.
 */
#ifndef WHORL_FORMAT_STACK_GRAMS_H
#define WHORL_FORMAT_STACK_GRAMS_H

#include "format/scan.h"

#define WH_GRAMS_BITS 128 /* characters of all strings together; none crosses from one word to the next */

struct wh_grams {
	uint64_t step[256][2]; /* places of the strings that have the character */
	uint64_t first[2], last[2];
};

/* strings: NULL-terminated. Strings beyond WH_GRAMS_BITS are a bug of ours. */
void wh_grams_init(struct wh_grams *, const char *const *strings);

static inline bool wh_grams_any(const struct wh_grams *grams, struct wh_span s)
{
	uint64_t a = 0, b = 0, hit = 0;
	for (const char *p = s.p; p < s.end; p++) {
		const uint64_t *step = grams->step[(unsigned char)*p];
		a = (a << 1 | grams->first[0]) & step[0];
		b = (b << 1 | grams->first[1]) & step[1];
		hit |= (a & grams->last[0]) | (b & grams->last[1]);
	}
	return hit;
}

#endif
