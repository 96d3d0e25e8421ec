/* SPDX-License-Identifier: Apache-2.0 */
#include "base/snappy.h"

#include <string.h>

enum { LITERAL, COPY_1, COPY_2, COPY_4 };

bool wh_snappy_begin(struct wh_snappy *s)
{
	uint64_t size = 0;
	for (unsigned shift = 0; shift < 35 && s->p < s->end; shift += 7) {
		unsigned char c = (unsigned char)*s->p++;
		size |= (uint64_t)(c & 0x7f) << shift;
		if (c & 0x80)
			continue;
		s->size = (uint32_t)size;
		return size <= UINT32_MAX;
	}
	return false;
}

/* A little-endian number of n bytes. */
static bool take(struct wh_snappy *s, unsigned n, uint32_t *value)
{
	if ((size_t)(s->end - s->p) < n)
		return false;
	*value = 0;
	for (unsigned i = 0; i < n; i++)
		*value |= (uint32_t)(unsigned char)*s->p++ << (8 * i);
	return true;
}

size_t wh_snappy_unpack(struct wh_snappy *s, char *out, size_t n)
{
	size_t at = 0;
	while (at < n && s->p < s->end) {
		unsigned char tag = (unsigned char)*s->p++;
		uint32_t length = (tag >> 2) + 1u, offset = 0;
		unsigned kind = tag & 3;
		bool good = true;
		if (kind == LITERAL && length > 60) {
			good = take(s, length - 60, &length) && length != UINT32_MAX;
			length++;
		} else if (kind == COPY_1) {
			good = take(s, 1, &offset);
			length = (tag >> 2 & 7) + 4u;
			offset |= (uint32_t)(tag >> 5) << 8;
		} else if (kind != LITERAL) {
			good = take(s, kind == COPY_2 ? 2 : 4, &offset);
		}
		if (!good || length > s->size - at)
			return at;
		size_t m = length < n - at ? length : n - at;
		if (kind == LITERAL) {
			size_t left = (size_t)(s->end - s->p);
			if (left < length)
				m = m < left ? m : left; /* a beginning of it */
			memcpy(out + at, s->p, m);
			s->p += m;
			if (left < length)
				return at + m;
		} else {
			if (!offset || offset > at)
				return at;
			for (size_t i = 0; i < m; i++) /* may repeat itself */
				out[at + i] = out[at + i - offset];
		}
		at += m;
	}
	return at;
}
