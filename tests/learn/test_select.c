/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/select.h"

enum { MOST = 60 };

static void folds_keep_classes_whole(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (int round = 0; round < 200; round++) {
		uint32_t truth[MOST], fold[MOST], again[MOST];
		size_t n = 1 + wh_rng_below(&rng, MOST), load[5] = { 0 }, most = 0, least = n, largest = 0, size[MOST] = { 0 };
		unsigned k = 1 + (unsigned)wh_rng_below(&rng, 5);
		struct wh_err err;
		for (size_t i = 0; i < n; i++) {
			truth[i] = (uint32_t)wh_rng_below(&rng, n);
			size[truth[i]]++;
		}
		assert_int_equal(wh_folds_by_class(n, truth, k, 7, fold, &err), WH_OK);
		assert_int_equal(wh_folds_by_class(n, truth, k, 7, again, &err), WH_OK);
		assert_memory_equal(fold, again, n * sizeof *fold);
		for (size_t i = 0; i < n; i++) {
			assert_in_range(fold[i], 0, k - 1);
			load[fold[i]]++;
			largest = size[i] > largest ? size[i] : largest;
			for (size_t j = 0; j < i; j++)
				assert_true(truth[i] != truth[j] || fold[i] == fold[j]);
		}
		for (unsigned f = 0; f < k; f++) {
			most = load[f] > most ? load[f] : most;
			least = load[f] < least ? load[f] : least;
		}
		assert_true(most - least <= largest); /* greedy never leaves more than one class between two folds */
	}
}

static void folds_refuse_nonsense(void **state)
{
	uint32_t truth[] = { 0, 2 }, fold[2];
	struct wh_err err;
	assert_int_equal(wh_folds_by_class(2, truth, 0, 1, fold, &err), WH_E_USAGE);
	assert_int_equal(wh_folds_by_class(2, truth, 2, 1, fold, &err), WH_E_USAGE);
	assert_int_equal(wh_folds_by_class(0, NULL, 2, 1, NULL, &err), WH_OK);
}

static const struct wh_param params[] = {
	{ "c", WH_PARAM_REAL, "0.5", 0, 2, NULL, NULL, "a coefficient", NULL, "0 0.5 1 1.5 2" },
	{ "k", WH_PARAM_INT, "3", 1, 9, NULL, NULL, "a number", NULL, "1 5 9" },
	{ "kind", WH_PARAM_CHOICE, "a", 0, 0, "a|b|c", NULL, "a kind", NULL, "a b c" },
	{ "fast", WH_PARAM_FLAG, NULL, 0, 0, NULL, NULL, "a switch", NULL, "false true" },
	{ "fixed", WH_PARAM_REAL, "0.25", 0, 1, NULL, NULL, "not trained", NULL, NULL },
	{ 0 },
};

struct hill {
	double c, k;
	const char *kind;
	bool fast;
	size_t calls;
	int fail_at;
};

static int height(void *user, const struct wh_values *values, double *score, struct wh_err *err)
{
	struct hill *hill = user;
	double c = wh_values_real(values, "c"), k = (double)wh_values_int(values, "k");
	assert_true(c >= 0 && c <= 2 && k >= 1 && k <= 9);
	assert_true(wh_values_real(values, "fixed") == 0.25);
	if (hill->fail_at && (int)hill->calls + 1 == hill->fail_at)
		return wh_err_set(err, WH_E_IO, "no more");
	hill->calls++;
	*score = -(c - hill->c) * (c - hill->c) - (k - hill->k) * (k - hill->k) / 50;
	*score += !strcmp(wh_values_string(values, "kind"), hill->kind) ? 1 : 0;
	*score += wh_values_flag(values, "fast") == hill->fast ? 1 : 0;
	return WH_OK;
}

static void search_finds_the_top(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 2);
	for (int round = 0; round < 50; round++) {
		double c = 2 * wh_rng_real(&rng), k = 1 + (double)wh_rng_below(&rng, 9);
		struct hill hill = { c, k, round % 2 ? "b" : "c", round % 3, 0, 0 };
		struct wh_values best;
		struct wh_err err;
		double score;
		assert_int_equal(wh_values_init(&best, params, &err), WH_OK);
		assert_int_equal(wh_grid_search(&best, 8, height, &hill, NULL, &score, &err), WH_OK);
		assert_true(fabs(wh_values_real(&best, "c") - hill.c) < 0.01);
		assert_int_equal(wh_values_int(&best, "k"), (int64_t)hill.k);
		assert_string_equal(wh_values_string(&best, "kind"), hill.kind);
		assert_int_equal(wh_values_flag(&best, "fast"), hill.fast);
		assert_true(score > 1.999 && score <= 2);
		assert_false(wh_values_given(&best, "c"));
		assert_in_range(hill.calls, 5 * 3 * 3 * 2, 5 * 3 * 3 * 2 + 8 * 4);
		wh_values_release(&best);
	}
}

static void search_keeps_what_was_given(void **state)
{
	struct hill hill = { 1.3, 4, "b", true, 0, 0 };
	struct wh_values best;
	struct wh_err err;
	double score;
	assert_int_equal(wh_values_init(&best, params, &err), WH_OK);
	assert_int_equal(wh_values_set(&best, "c", "0.1", &err), WH_OK);
	assert_int_equal(wh_grid_search(&best, 0, height, &hill, NULL, &score, &err), WH_OK);
	assert_true(wh_values_real(&best, "c") == 0.1);
	assert_true(wh_values_given(&best, "c"));
	assert_int_equal(wh_values_int(&best, "k"), 5);
	assert_int_equal(hill.calls, 3 * 3 * 2);
	wh_values_release(&best);
}

static int flat(void *user, const struct wh_values *values, double *score, struct wh_err *err)
{
	*score = *(double *)user;
	return WH_OK;
}

static void search_prefers_the_earlier_and_never_nan(void **state)
{
	struct wh_values best;
	struct wh_err err;
	double score, same = 3, nan_score = NAN;
	assert_int_equal(wh_values_init(&best, params, &err), WH_OK);
	assert_int_equal(wh_grid_search(&best, 3, flat, &nan_score, NULL, &score, &err), WH_OK);
	assert_true(isnan(score));
	assert_true(wh_values_real(&best, "c") == 0.5);
	assert_int_equal(wh_grid_search(&best, 3, flat, &same, NULL, &score, &err), WH_OK);
	assert_true(score == 3);
	assert_true(wh_values_real(&best, "c") == 0);
	assert_int_equal(wh_values_int(&best, "k"), 1);
	assert_string_equal(wh_values_string(&best, "kind"), "a");
	wh_values_release(&best);
}

static void search_returns_errors(void **state)
{
	static const struct wh_param wrong[] = {
		{ "c", WH_PARAM_REAL, "0.5", 0, 2, NULL, NULL, "a coefficient", NULL, "0 3" },
		{ 0 },
	};
	double score, one = 1;
	struct hill hill = { 1, 4, "b", true, 0, 20 };
	struct wh_values best;
	struct wh_err err;
	atomic_bool cancelled = true;
	const struct wh_host host = { .cancelled = &cancelled };
	assert_int_equal(wh_values_init(&best, params, &err), WH_OK);
	assert_int_equal(wh_grid_search(&best, 1, height, &hill, NULL, &score, &err), WH_E_IO);
	assert_int_equal(hill.calls, 19);
	assert_int_equal(wh_grid_search(&best, 1, height, &hill, &host, &score, &err), WH_E_CANCELLED);
	wh_values_release(&best);
	assert_int_equal(wh_values_init(&best, wrong, &err), WH_OK);
	assert_int_equal(wh_grid_search(&best, 1, flat, &one, NULL, &score, &err), WH_E_USAGE);
	wh_values_release(&best);
}

/* F of a cut by wh_quality, with points repeated as often as they weigh. */
static double f_at(size_t n, const struct wh_merge *merges, const uint32_t *truth, const uint32_t *weight, double d)
{
	uint32_t group[MOST], all_truth[4 * MOST], all_group[4 * MOST];
	size_t all = 0;
	wh_hclust_cut(n, merges, d, group);
	for (size_t i = 0; i < n; i++)
		for (uint32_t w = 0; w < weight[i]; w++) {
			all_truth[all] = truth[i];
			all_group[all++] = group[i];
		}
	struct wh_quality quality;
	struct wh_err err;
	assert_int_equal(wh_quality(all, all_truth, all_group, &quality, &err), WH_OK);
	return quality.f;
}

static void cut_is_the_best_of_all(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 3);
	for (int round = 0; round < 600; round++) {
		size_t n = 1 + wh_rng_below(&rng, MOST), classes = 1 + wh_rng_below(&rng, n);
		uint32_t truth[MOST], weight[MOST];
		float distance[MOST * MOST];
		struct wh_merge merges[MOST];
		struct wh_err err;
		double d, f, cuts[50], curve[50], most = 0;
		for (size_t i = 0; i < n; i++) {
			truth[i] = (uint32_t)wh_rng_below(&rng, classes);
			weight[i] = round % 2 ? 1 : 1 + (uint32_t)wh_rng_below(&rng, 4);
		}
		for (size_t i = 0; i < n; i++)
			for (size_t j = i + 1; j < n; j++) {
				double x = wh_rng_real(&rng) * (truth[i] == truth[j] ? 0.8 : 1.3);
				distance[wh_condensed(n, i, j)] = (float)(round % 3 ? x : floor(x * 4) / 4);
			}
		assert_int_equal(wh_hclust_dense((enum wh_linkage)(round % 3), n, distance, weight, merges, &err), WH_OK);
		assert_int_equal(wh_best_cut(n, merges, truth, round % 2 ? NULL : weight, &d, &f, &err), WH_OK);
		assert_true(d >= 0 && d <= 1);
		assert_true(fabs(f - f_at(n, merges, truth, weight, d)) < 1e-9);
		for (size_t i = 0; i < 50; i++)
			cuts[i] = (double)i / 49;
		assert_int_equal(wh_cut_curve(n, merges, truth, round % 2 ? NULL : weight, cuts, 50, curve, &err), WH_OK);
		for (size_t i = 0; i < 50; i++) {
			assert_true(fabs(curve[i] - f_at(n, merges, truth, weight, cuts[i])) < 1e-9);
			most = fmax(most, curve[i]);
		}
		for (size_t i = 0; i + 1 < n && merges[i].height <= 1; i++)
			most = fmax(most, f_at(n, merges, truth, weight, merges[i].height));
		assert_true(f > most - 1e-9);
	}
}

static void cut_refuses_nonsense(void **state)
{
	uint32_t truth[] = { 2 };
	double d, f;
	struct wh_err err;
	assert_int_equal(wh_best_cut(0, NULL, NULL, NULL, &d, &f, &err), WH_E_USAGE);
	assert_int_equal(wh_best_cut(1, NULL, truth, NULL, &d, &f, &err), WH_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folds_keep_classes_whole),
		cmocka_unit_test(folds_refuse_nonsense),
		cmocka_unit_test(search_finds_the_top),
		cmocka_unit_test(search_keeps_what_was_given),
		cmocka_unit_test(search_prefers_the_earlier_and_never_nan),
		cmocka_unit_test(search_returns_errors),
		cmocka_unit_test(cut_is_the_best_of_all),
		cmocka_unit_test(cut_refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
