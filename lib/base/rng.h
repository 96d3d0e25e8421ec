/* SPDX-License-Identifier: Apache-2.0 */
/* xoshiro256** (Blackman and Vigna 2018), seeded by splitmix64: the same seed gives the same numbers everywhere. */
#ifndef WHORL_BASE_RNG_H
#define WHORL_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct wh_rng {
	uint64_t s[4];
};

void wh_rng_init(struct wh_rng *, uint64_t seed);
uint64_t wh_rng_next(struct wh_rng *);
/* Uniform in [0, n), without bias; n > 0. */
uint64_t wh_rng_below(struct wh_rng *, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double wh_rng_real(struct wh_rng *);
/* Fisher-Yates over n indices. */
void wh_rng_shuffle(struct wh_rng *, uint32_t *items, size_t n);

#endif
