/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snappy's block format, unpacked: how many bytes, then literals and copies of what came before (google/snappy, format_description.txt).
 *
 * A block ends where it has given as many bytes as it said, so that blocks may stand one behind the other. The library wants to be told how
 * long each is packed, which a file of several does not say; hence our own.
 */
#ifndef WHORL_BASE_SNAPPY_H
#define WHORL_BASE_SNAPPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wh_snappy {
	const char *p, *end; /* what is packed; p moves */
	uint32_t size;       /* of the block at hand, unpacked: what it says itself */
};

/* Takes the size of the next block; false where there is none. */
bool wh_snappy_begin(struct wh_snappy *);

/* Unpacks the first n (<= size) bytes of the block into out. How many there are: fewer where the text ends before or is no block. With n = size p
 * then stands behind the block. */
size_t wh_snappy_unpack(struct wh_snappy *, char *out, size_t n);

#endif
