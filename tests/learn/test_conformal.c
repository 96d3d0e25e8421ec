/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/binomial.h"
#include "learn/conformal.h"

enum { SPLITS = 6000, HELD = 150, GROUPS = 4 };

static const double share[GROUPS] = { 60, 30, 9, 1 };

/* A group by its share, and a score whose scale is the group's own. */
static double draw(struct wh_rng *rng, uint32_t *group)
{
	double at = wh_rng_real(rng) * 100;
	for (*group = 0; at >= share[*group]; ++*group)
		at -= share[*group];
	return -log(1 - wh_rng_real(rng)) * (1 + 10 * *group);
}

static void fit(struct wh_rng *rng, size_t n, const double *of, size_t least, struct wh_conformal *conformal)
{
	double score[HELD];
	uint32_t group[HELD];
	struct wh_err err;
	for (size_t i = 0; i < n; i++)
		score[i] = draw(rng, &group[i]);
	assert_int_equal(wh_conformal_fit(score, group, n, of, GROUPS, least, conformal, &err), WH_OK);
}

/* One new observation a split, so that splits are independent: the number of flags is binomial at no more than the stated rate. */
static void false_alarms_are_as_stated(void **state)
{
	static const double rates[] = { 0.01, 0.05, 0.2 };
	for (int pooled = 0; pooled < 2; pooled++)
		for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
			size_t flags[GROUPS] = { 0 }, seen[GROUPS] = { 0 }, all = 0;
			struct wh_rng rng;
			wh_rng_init(&rng, 1 + r);
			for (int split = 0; split < SPLITS; split++) {
				struct wh_conformal conformal;
				uint32_t group;
				fit(&rng, HELD, pooled ? NULL : share, 20, &conformal);
				double score = draw(&rng, &group);
				bool flagged = wh_conformal_p_value(&conformal, group, score) <= rates[r];
				seen[conformal.pool[group]]++;
				flags[conformal.pool[group]] += flagged;
				all += flagged;
				wh_conformal_release(&conformal);
			}
			double low, high;
			wh_binomial_interval(all, SPLITS, 0.95, &low, &high);
			assert_true(low <= rates[r]);
			if (pooled)
				assert_true(high >= floor(rates[r] * (HELD + 1)) / (HELD + 1)); /* and no fewer than there can be */
			for (size_t p = 0; p < GROUPS; p++) {
				wh_binomial_interval(flags[p], seen[p], 0.99, &low, &high);
				assert_true(low <= rates[r]);
			}
		}
}

/* Windows of many observations beside one split each: the alarm rings no more often than its p-value says; a binomial test would. */
static void windows_ring_as_stated(void **state)
{
	enum { WINDOW = 150, HELD_FEW = 60 };
	size_t rings = 0, binomial_rings = 0;
	struct wh_rng rng;
	wh_rng_init(&rng, 7);
	for (int split = 0; split < SPLITS; split++) {
		struct wh_conformal conformal;
		struct wh_err err;
		size_t count[GROUPS] = { 0 }, flagged = 0;
		double p;
		fit(&rng, HELD_FEW, share, 20, &conformal);
		for (int i = 0; i < WINDOW; i++) {
			uint32_t group;
			double score = draw(&rng, &group);
			count[group]++;
			flagged += wh_conformal_smoothed(&conformal, group, score, 1 - wh_rng_real(&rng)) < 0.1;
		}
		assert_int_equal(wh_conformal_window(&conformal, count, 0.1, flagged, &p, &err), WH_OK);
		rings += p <= 0.05;
		binomial_rings += wh_binomial_at_least(flagged, WINDOW, 0.1) <= 0.05;
		wh_conformal_release(&conformal);
	}
	double low, high;
	wh_binomial_interval(rings, SPLITS, 0.95, &low, &high);
	assert_true(low <= 0.05 && high > 0.04);
	wh_binomial_interval(binomial_rings, SPLITS, 0.95, &low, &high);
	assert_true(low > 0.05);
}

/* A new observation is passed by a held-back one as often as it passes one: counted out for the smallest cases. */
static void windows_by_hand(void **state)
{
	const double score[] = { 1, 2, 3 };
	const uint32_t group[] = { 0, 0, 0 };
	const size_t count[] = { 1 }, two[] = { 2 }, many[] = { 20000 };
	struct wh_conformal conformal;
	struct wh_err err;
	double p;
	assert_int_equal(wh_conformal_fit(score, group, 3, NULL, 1, 0, &conformal, &err), WH_OK);
	assert_int_equal(wh_conformal_window(&conformal, count, 0.5, 1, &p, &err), WH_OK);
	assert_true(fabs(p - 0.5) < 1e-12); /* p < 0.5: stranger than the second of three */
	assert_int_equal(wh_conformal_window(&conformal, two, 0.5, 2, &p, &err), WH_OK);
	assert_true(fabs(p - 0.3) < 1e-12); /* two of five, one or none of the others before them: 3 of 10 ways */
	assert_int_equal(wh_conformal_window(&conformal, two, 0.25, 1, &p, &err), WH_OK);
	assert_true(fabs(p - 0.4) < 1e-12); /* one or both before all of the three: 4 of 10 */
	assert_int_equal(wh_conformal_window(&conformal, two, 0, 1, &p, &err), WH_OK);
	assert_true(p == 0);
	assert_int_equal(wh_conformal_window(&conformal, two, 1.5, 2, &p, &err), WH_OK);
	assert_true(p == 1);
	assert_int_equal(wh_conformal_window(&conformal, two, 0.5, 0, &p, &err), WH_OK);
	assert_true(fabs(p - 1) < 1e-12);
	assert_int_equal(wh_conformal_window(&conformal, two, 0.5, 3, &p, &err), WH_OK);
	assert_true(p == 0);
	assert_int_equal(wh_conformal_window(&conformal, many, 0.5, 3, &p, &err), WH_E_LIMIT);
	wh_conformal_release(&conformal);
}

static void p_values_count(void **state)
{
	const double score[] = { 5, 1, 3, 3, 100 };
	const uint32_t group[] = { 0, 0, 0, 0, 1 };
	struct wh_conformal conformal;
	struct wh_err err;
	assert_int_equal(wh_conformal_fit(score, group, 5, (double[]){ 4, 1 }, 2, 1, &conformal, &err), WH_OK);
	assert_int_equal(conformal.n_pools, 2);
	assert_true(wh_conformal_p_value(&conformal, 0, 0) == 1);
	assert_true(wh_conformal_p_value(&conformal, 0, 3) == 4. / 5);
	assert_true(wh_conformal_p_value(&conformal, 0, 3.5) == 2. / 5);
	assert_true(wh_conformal_p_value(&conformal, 0, INFINITY) == 1. / 5);
	assert_true(wh_conformal_p_value(&conformal, 0, NAN) == 1. / 5);
	assert_true(wh_conformal_p_value(&conformal, 1, 3) == 1);
	assert_true(wh_conformal_smoothed(&conformal, 0, 0, 1) == 1);
	assert_true(wh_conformal_smoothed(&conformal, 0, 3, 1) == 4. / 5);
	assert_true(wh_conformal_smoothed(&conformal, 0, 3.5, 0.5) == 1.5 / 5);
	assert_true(wh_conformal_smoothed(&conformal, 0, INFINITY, 0.25) == 0.25 / 5);
	assert_true(wh_conformal_smoothed(&conformal, 0, NAN, 0.25) == 0.25 / 5);
	assert_true(wh_conformal_p_value(&conformal, 1, 101) == 0.5);
	wh_conformal_release(&conformal);
}

static void pools_follow_training(void **state)
{
	static const struct {
		size_t n, least;
		double share[GROUPS];
		size_t n_pools;
		uint32_t pool[GROUPS];
	} cases[] = {
		{ 100, 20, { 50, 25, 25, 0 }, 3, { 0, 1, 2, 2 } },   /* the smallest pool joins the rest, by number where equal */
		{ 100, 20, { 40, 35, 13, 12 }, 3, { 0, 1, 2, 2 } },
		{ 100, 20, { 1, 1, 97, 1 }, 1, { 0, 0, 0, 0 } },
		{ 100, 25, { 1, 1, 1, 1 }, 4, { 0, 1, 2, 3 } },
		{ 10, 20, { 1, 2, 3, 4 }, 1, { 0, 0, 0, 0 } },
		{ 10, 20, { 0, 0, 0, 0 }, 1, { 0, 0, 0, 0 } },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double score[100] = { 0 };
		uint32_t group[100] = { 0 };
		struct wh_conformal conformal;
		struct wh_err err;
		assert_int_equal(wh_conformal_fit(score, group, cases[i].n, cases[i].share, GROUPS, cases[i].least, &conformal, &err), WH_OK);
		assert_int_equal(conformal.n_pools, cases[i].n_pools);
		assert_memory_equal(conformal.pool, cases[i].pool, sizeof cases[i].pool);
		wh_conformal_release(&conformal);
	}
}

static void nothing_was_held_back(void **state)
{
	struct wh_conformal conformal;
	struct wh_err err;
	assert_int_equal(wh_conformal_fit(NULL, NULL, 0, share, GROUPS, 20, &conformal, &err), WH_OK);
	assert_true(wh_conformal_p_value(&conformal, 3, INFINITY) == 1);
	wh_conformal_release(&conformal);
}

static void refuses_nonsense(void **state)
{
	struct wh_conformal conformal;
	struct wh_err err;
	assert_int_equal(wh_conformal_fit((double[]){ NAN }, (uint32_t[]){ 0 }, 1, NULL, 1, 0, &conformal, &err), WH_E_USAGE);
	wh_conformal_release(&conformal);
	assert_int_equal(wh_conformal_fit((double[]){ 1 }, (uint32_t[]){ 1 }, 1, NULL, 1, 0, &conformal, &err), WH_E_USAGE);
	wh_conformal_release(&conformal);
	assert_int_equal(wh_conformal_fit(NULL, NULL, 0, NULL, 0, 0, &conformal, &err), WH_E_USAGE);
	wh_conformal_release(&conformal);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(false_alarms_are_as_stated),
		cmocka_unit_test(windows_ring_as_stated),
		cmocka_unit_test(windows_by_hand),
		cmocka_unit_test(p_values_count),
		cmocka_unit_test(pools_follow_training),
		cmocka_unit_test(nothing_was_held_back),
		cmocka_unit_test(refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
