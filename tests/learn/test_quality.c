/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/quality.h"

enum { MOST = 64 };

/* Straight from the definitions, O(n^3). */
static struct wh_quality by_definition(size_t n, const uint32_t *truth, const uint32_t *group)
{
	struct wh_quality q = { .n = n };
	double cells[MOST][MOST] = { 0 }, in_class[MOST] = { 0 }, in_group[MOST] = { 0 };
	for (size_t i = 0; i < n; i++) {
		cells[truth[i]][group[i]]++;
		in_class[truth[i]]++;
		in_group[group[i]]++;
	}
	for (size_t a = 0; a < n; a++) {
		double f = 0, most = 0, most_of_class = 0;
		for (size_t b = 0; b < n; b++) {
			double precision = in_group[b] ? cells[a][b] / in_group[b] : 0;
			double recall = in_class[a] ? cells[a][b] / in_class[a] : 0;
			f = cells[a][b] ? fmax(f, 2 * precision * recall / (precision + recall)) : f;
			most = fmax(most, cells[b][a]);
			most_of_class = fmax(most_of_class, cells[a][b]);
		}
		q.classes += in_class[a] > 0;
		q.groups += in_group[a] > 0;
		q.one_hit += in_group[a] == 1;
		q.second_bucket += (size_t)(in_class[a] - most_of_class);
		q.f += in_class[a] / (double)n * f;
		q.purity += most / (double)n;
		q.inverse_purity += most_of_class / (double)n;
	}
	for (size_t i = 0; i < n; i++) {
		double both = cells[truth[i]][group[i]];
		q.bcubed_precision += both / in_group[group[i]] / (double)n;
		q.bcubed_recall += both / in_class[truth[i]] / (double)n;
	}
	q.bcubed_f = 2 * q.bcubed_precision * q.bcubed_recall / (q.bcubed_precision + q.bcubed_recall);
	return q;
}

static void agrees_with_definitions(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (int round = 0; round < 2000; round++) {
		uint32_t truth[MOST], group[MOST];
		size_t n = 1 + wh_rng_below(&rng, MOST), k = 1 + wh_rng_below(&rng, n), m = 1 + wh_rng_below(&rng, n);
		for (size_t i = 0; i < n; i++) {
			truth[i] = (uint32_t)wh_rng_below(&rng, k);
			group[i] = round % 2 ? truth[i] : (uint32_t)wh_rng_below(&rng, m);
			if (!wh_rng_below(&rng, 4))
				group[i] = (uint32_t)wh_rng_below(&rng, n);
		}
		struct wh_quality q, expected = by_definition(n, truth, group);
		struct wh_err err;
		assert_int_equal(wh_quality(n, truth, group, &q, &err), WH_OK);
		assert_int_equal(q.classes, expected.classes);
		assert_int_equal(q.groups, expected.groups);
		assert_int_equal(q.one_hit, expected.one_hit);
		assert_int_equal(q.second_bucket, expected.second_bucket);
		assert_true(fabs(q.f - expected.f) < 1e-12);
		assert_true(fabs(q.purity - expected.purity) < 1e-12);
		assert_true(fabs(q.inverse_purity - expected.inverse_purity) < 1e-12);
		assert_true(fabs(q.bcubed_precision - expected.bcubed_precision) < 1e-12);
		assert_true(fabs(q.bcubed_recall - expected.bcubed_recall) < 1e-12);
		assert_true(fabs(q.bcubed_f - expected.bcubed_f) < 1e-12);
	}
}

static void refuses_nonsense(void **state)
{
	struct wh_quality q;
	struct wh_err err;
	const uint32_t large[] = { 0, 2 }, fine[] = { 0, 1 };
	assert_int_equal(wh_quality(0, NULL, NULL, &q, &err), WH_E_USAGE);
	assert_int_equal(wh_quality(2, large, fine, &q, &err), WH_E_USAGE);
	assert_int_equal(wh_quality(2, fine, large, &q, &err), WH_E_USAGE);
}

/* A million points of many sizes: the expected information must not cost n^2. */
static void is_fast_for_a_million(void **state)
{
	size_t n = 1000000;
	uint32_t *truth = malloc(n * sizeof *truth), *group = malloc(n * sizeof *group);
	struct wh_rng rng;
	wh_rng_init(&rng, 2);
	for (size_t i = 0, class = 0, left = 1; i < n; i++, left--) {
		if (!left)
			left = ++class + 1; /* sizes 1, 2, 3, …: as many different ones as there can be */
		truth[i] = (uint32_t)class;
		group[i] = wh_rng_below(&rng, 3) ? (uint32_t)class : (uint32_t)wh_rng_below(&rng, 2000);
	}
	struct wh_quality q;
	struct wh_err err;
	assert_int_equal(wh_quality(n, truth, group, &q, &err), WH_OK);
	assert_true(q.ami > 0.4 && q.ami < q.nmi && q.nmi < 1);
	free(truth);
	free(group);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_definitions),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(is_fast_for_a_million),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
