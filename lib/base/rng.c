/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"

void wh_rng_init(struct wh_rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;
		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		rng->s[i] = z ^ z >> 31;
	}
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t wh_rng_next(struct wh_rng *rng)
{
	uint64_t *s = rng->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t wh_rng_below(struct wh_rng *rng, uint64_t n)
{
	/* Lemire 2019: multiply, reject the few values that would bias */
	__uint128_t m = (__uint128_t)wh_rng_next(rng) * n;
	if ((uint64_t)m < n) {
		uint64_t least = -n % n;
		while ((uint64_t)m < least)
			m = (__uint128_t)wh_rng_next(rng) * n;
	}
	return (uint64_t)(m >> 64);
}

double wh_rng_real(struct wh_rng *rng)
{
	return (double)(wh_rng_next(rng) >> 11) * 0x1p-53;
}

void wh_rng_shuffle(struct wh_rng *rng, uint32_t *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = wh_rng_below(rng, i);
		uint32_t t = items[i - 1];
		items[i - 1] = items[j];
		items[j] = t;
	}
}
