/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/restaurant.h"

#include <math.h>
#include <stdbool.h>

static bool opens_table(const struct restaurant *r, const struct habit *habit, uint32_t *table, struct wh_rng *rng)
{
	double n = (double)r->guests.n;
	if (!r->guests.n || wh_rng_real(rng) * (n + habit->strength) < habit->strength)
		return true;
	/* A table proposed by a random guest has probability n_k / n; turning it down with discount / n_k opens new ones as often as wanted. */
	*table = r->guests.data[wh_rng_below(rng, r->guests.n)];
	return wh_rng_real(rng) * r->tables.data[*table] < habit->discount;
}

uint32_t restaurant_enter(struct restaurant *r, const struct habit *habit, struct wh_rng *rng)
{
	uint32_t table = 0;
	if (opens_table(r, habit, &table, rng)) {
		table = (uint32_t)r->tables.n;
		if (wh_vec_push(&r->tables, 0))
			return UINT32_MAX;
	}
	r->tables.data[table]++;
	return wh_vec_push(&r->guests, table) ? UINT32_MAX : table;
}

void restaurant_release(struct restaurant *r)
{
	wh_vec_release(&r->guests);
	wh_vec_release(&r->tables);
}

/* Log probability of the partition: Pitman 2006, equation 3.6. */
static double likelihood(const uint32_t *sizes, size_t n, struct habit h)
{
	double sum = 0, guests = 0;
	for (size_t k = 0; k < n; k++) {
		if (k)
			sum += log(h.strength + (double)k * h.discount);
		sum += lgamma(sizes[k] - h.discount) - lgamma(1 - h.discount);
		guests += sizes[k];
	}
	return sum - (lgamma(h.strength + guests) - lgamma(h.strength + 1));
}

struct habit restaurant_fit(const uint32_t *const *sizes, const size_t *n, size_t n_restaurants)
{
	struct habit best = { 0.5, 1 };
	double most = -INFINITY;
	for (int d = 1; d < 100; d++)
		for (double strength = 0.01; strength < 2000; strength *= 1.3) {
			struct habit h = { d * 0.01, strength };
			double sum = 0;
			for (size_t i = 0; i < n_restaurants; i++)
				sum += n[i] ? likelihood(sizes[i], n[i], h) : 0;
			if (sum > most) {
				most = sum;
				best = h;
			}
		}
	return best;
}
