/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed growing arrays: struct WH_VEC(double) v = {0}; if (wh_vec_push(&v, 1.5)) … out of memory …; free(v.data).
 * Invariant: data is NULL only while cap is 0; n <= cap.
 */
#ifndef WHORL_BASE_VEC_H
#define WHORL_BASE_VEC_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define WH_VEC(type)          \
	{                     \
		type *data;   \
		size_t n, cap; \
	}

static inline int wh_vec_grow_(void **data, size_t *cap, size_t least, size_t size)
{
	size_t cap_new = *cap ? *cap : 8, bytes;
	while (cap_new < least)
		if (__builtin_mul_overflow(cap_new, (size_t)2, &cap_new))
			return 1;
	if (__builtin_mul_overflow(cap_new, size, &bytes))
		return 1;
	void *fresh = realloc(*data, bytes);
	if (!fresh)
		return 1;
	*data = fresh;
	*cap = cap_new;
	return 0;
}

/* Room for `least` elements in all; 0 or, out of memory, 1. */
#define wh_vec_reserve(v, least) \
	((size_t)(least) <= (v)->cap ? 0 : wh_vec_grow_((void **)&(v)->data, &(v)->cap, (least), sizeof *(v)->data))
/* Appends; 0 or, out of memory, 1. */
#define wh_vec_push(v, ...) (wh_vec_reserve((v), (v)->n + 1) ? 1 : ((v)->data[(v)->n++] = (__VA_ARGS__), 0))
#define wh_vec_release(v) (free((v)->data), (v)->data = NULL, (v)->n = (v)->cap = 0)

#endif
