/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "math/distance.h"

enum { N = 150, D = 21 };

/* Pairs far from each other, near each other, and equal, far from 0. */
static void make(float *x, size_t n, size_t d)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d; j++)
			x[i * d + j] = i % 3 == 1   ? x[(i - 1) * d + j] + (j == 2 ? 1e-3f : 0)
				       : i % 3 == 2 ? x[(i - 1) * d + j]
						    : 100 + (float)wh_rng_real(&rng);
}

static double by_definition(const float *a, const float *b, size_t d)
{
	double sum = 0;
	for (size_t j = 0; j < d; j++)
		sum += ((double)a[j] - b[j]) * ((double)a[j] - b[j]);
	return sum;
}

static void one_pair(void **state)
{
	float x[2 * D], zero[D] = { 0 };
	double mean[D], other[D];
	make(x, 2, D);
	for (size_t d = 0; d <= D; d++) {
		for (size_t j = 0; j < d; j++) {
			mean[j] = x[d + j];
			other[j] = x[j];
		}
		double expected = by_definition(x, x + d, d), norm = by_definition(x, zero, d);
		assert_true(fabs(wh_distance2(x, x + d, d) - expected) <= 1e-12 * expected);
		assert_true(fabs(wh_distance2_mean(x, mean, d) - expected) <= 1e-12 * expected);
		assert_true(fabs(wh_distance2_means(other, mean, d) - expected) <= 1e-12 * expected);
		assert_true(fabs(wh_norm2(x, d) - norm) <= 1e-12 * norm);
	}
}

static void weighted_mean(void **state)
{
	const float x[] = { 1, 2, 3, 6 };
	const uint32_t weight[] = { 3, 1 };
	double mean[2];
	wh_mean_row(x, 2, 2, weight, mean);
	assert_true(mean[0] == 1.5 && mean[1] == 3);
	wh_mean_row(x, 2, 2, NULL, mean);
	assert_true(mean[0] == 2 && mean[1] == 4);
}

static void all_pairs(void **state)
{
	static float x[N * D], distance[N * (N - 1) / 2], again[N * (N - 1) / 2];
	const struct wh_host two = { .threads = 2 };
	struct wh_err err;
	make(x, N, D);
	assert_int_equal(wh_distances_condensed(x, N, D, distance, NULL, &err), WH_OK);
	assert_int_equal(wh_distances_condensed(x, N, D, again, &two, &err), WH_OK);
	assert_memory_equal(distance, again, sizeof distance);
	const float *at = distance;
	for (size_t i = 0; i < N; i++)
		for (size_t j = i + 1; j < N; j++, at++) {
			double expected = sqrt(by_definition(x + i * D, x + j * D, D));
			assert_true(fabs(*at - expected) <= 1e-6 * expected);
		}
	assert_int_equal(wh_distances_condensed(x, 1, D, NULL, NULL, &err), WH_OK);
	assert_int_equal(wh_distances_condensed(x, 2, 0, distance, NULL, &err), WH_OK);
	assert_true(distance[0] == 0);
}

static int condensed(const void *user, struct wh_err *err)
{
	float x[5 * D], distance[10];
	make(x, 5, D);
	return wh_distances_condensed(x, 5, D, distance, NULL, err);
}

static void each_allocation_fails(void **state)
{
	assert_true(failing_each(condensed, NULL, NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pair),
		cmocka_unit_test(weighted_mean),
		cmocka_unit_test(all_pairs),
		cmocka_unit_test(each_allocation_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
