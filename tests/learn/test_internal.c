/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/internal.h"
#include "math/distance.h"

enum { N = 1300, D = 4 }; /* more than one block of columns */

static float points[N * D];
static uint32_t group[N];

static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (size_t i = 0; i < N; i++) {
		group[i] = (uint32_t)(wh_rng_below(&rng, 5) * 7);
		for (size_t c = 0; c < D; c++)
			points[i * D + c] = (float)(wh_rng_real(&rng) + (c == group[i] % D));
	}
	return 0;
}

static double distance(size_t i, size_t j)
{
	double sum = 0;
	for (size_t c = 0; c < D; c++)
		sum += pow((double)points[i * D + c] - points[j * D + c], 2);
	return sqrt(sum);
}

/* Straight from Rousseeuw's definition. */
static void silhouettes_are_as_defined(void **state)
{
	static double got[N];
	struct wh_internal result;
	struct wh_err err;
	double mean = 0;
	assert_int_equal(wh_internal(points, N, D, NULL, group, NULL, NULL, got, &result, &err), WH_OK);
	for (size_t i = 0; i < N; i++) {
		double sum[40] = { 0 }, count[40] = { 0 }, nearest = INFINITY;
		for (size_t j = 0; j < N; j++) {
			sum[group[j]] += distance(i, j);
			count[group[j]]++;
		}
		for (size_t g = 0; g < 40; g++)
			if (g != group[i] && count[g])
				nearest = fmin(nearest, sum[g] / count[g]);
		double within = sum[group[i]] / (count[group[i]] - 1), expected = (nearest - within) / fmax(within, nearest);
		assert_true(fabs(got[i] - expected) < 1e-9);
		mean += expected / N;
	}
	assert_true(fabs(result.silhouette - mean) < 1e-9);
}

static void same_for_any_threads(void **state)
{
	static double one[N], three[N];
	const struct wh_host host = { .threads = 3 };
	struct wh_internal first, second;
	struct wh_err err;
	assert_int_equal(wh_internal(points, N, D, NULL, group, NULL, NULL, one, &first, &err), WH_OK);
	assert_int_equal(wh_internal(points, N, D, NULL, group, NULL, &host, three, &second, &err), WH_OK);
	assert_memory_equal(one, three, sizeof one);
	assert_memory_equal(&first, &second, sizeof first);
}

static void given_distances_are_as_good(void **state)
{
	static float condensed[N * (N - 1) / 2];
	static double asked[N], given[N];
	static uint32_t weight[N];
	const struct wh_host two = { .threads = 2 };
	struct wh_internal first, second;
	struct wh_err err;
	for (size_t i = 0; i < N; i++)
		weight[i] = 1 + i % 3;
	assert_int_equal(wh_distances_condensed(points, N, D, condensed, NULL, &err), WH_OK);
	assert_int_equal(wh_internal(points, N, D, NULL, group, weight, NULL, asked, &first, &err), WH_OK);
	assert_int_equal(wh_internal(points, N, D, condensed, group, weight, &two, given, &second, &err), WH_OK);
	assert_true(fabs(first.silhouette - second.silhouette) < 1e-7 && first.davies_bouldin == second.davies_bouldin);
	for (size_t i = 0; i < N; i++)
		assert_true(fabs(asked[i] - given[i]) < 1e-6);
}

static void nothing_to_compare(void **state)
{
	const uint32_t same[] = { 2, 2, 2 }, single[] = { 0, 1, 2 }, beyond[] = { 0, 1, 3 }, weight[] = { 1, 2, 1 };
	double silhouette[3];
	struct wh_internal result;
	struct wh_err err;
	assert_int_equal(wh_internal(points, 3, D, NULL, same, NULL, NULL, silhouette, &result, &err), WH_OK);
	assert_true(isnan(result.silhouette) && isnan(result.davies_bouldin) && isnan(result.calinski_harabasz));
	assert_true(isnan(silhouette[2]));
	assert_int_equal(wh_internal(points, 3, D, NULL, single, NULL, NULL, NULL, &result, &err), WH_OK);
	assert_true(isnan(result.silhouette));
	assert_int_equal(wh_internal(points, 3, D, NULL, single, weight, NULL, silhouette, &result, &err), WH_OK);
	assert_true(silhouette[0] == 0 && silhouette[1] == 1 && result.silhouette == 0.5); /* two in one place, two alone */
	assert_int_equal(wh_internal(points, 3, D, NULL, beyond, NULL, NULL, NULL, &result, &err), WH_E_USAGE);
	assert_int_equal(wh_internal(NULL, 0, D, NULL, NULL, NULL, NULL, NULL, &result, &err), WH_OK);
	assert_true(isnan(result.silhouette));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silhouettes_are_as_defined),
		cmocka_unit_test(same_for_any_threads),
		cmocka_unit_test(given_distances_are_as_good),
		cmocka_unit_test(nothing_to_compare),
	};
	return cmocka_run_group_tests(tests, make, NULL);
}
