/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Pitman-Yor process (the "Chinese restaurant" with discount): the n+1st guest sits at table k of n_k guests with probability
 * (n_k - discount) / (n + strength), else at a new one. Tables grow like n^discount (Heaps' law) and table sizes follow Zipf's law, as
 * hits of bugs, faces of a bug and names of functions do in the field. Its order does not matter: the first reports of many are
 * distributed as a smaller corpus is.
 */
#ifndef WHORL_BENCH_RESTAURANT_H
#define WHORL_BENCH_RESTAURANT_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/vec.h"

struct habit {
	double discount, strength;
};

struct restaurant {
	struct WH_VEC(uint32_t) guests; /* the table of each */
	struct WH_VEC(uint32_t) tables; /* guests at each */
};
/* Seats the next guest; its table, the last one where it is new. UINT32_MAX: out of memory. */
uint32_t restaurant_enter(struct restaurant *, const struct habit *, struct wh_rng *);
void restaurant_release(struct restaurant *);

/* The likeliest habit for several restaurants, each given as its table sizes; from a grid of discounts by .01. sizes[i] has n[i] tables. */
struct habit restaurant_fit(const uint32_t *const *sizes, const size_t *n, size_t n_restaurants);

#endif
