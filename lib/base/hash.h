/* SPDX-License-Identifier: Apache-2.0 */
/* The one hash of the project: XXH3, stable across machines and versions, so that ids made from it may be stored. */
#ifndef WHORL_BASE_HASH_H
#define WHORL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static inline uint64_t wh_hash(const void *data, size_t n, uint64_t seed)
{
	return XXH3_64bits_withSeed(data, n, seed);
}

/* Mixes an integer; a bijection. */
static inline uint64_t wh_hash_u64(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

#endif
