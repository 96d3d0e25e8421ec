/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/hdbscan.h"

enum { RING = 300, CORE = 100, NOISE = 12, N = RING + CORE + NOISE };

static float points[N * 2];

/* A ring around a core, which no k-means tells apart, and a few points far from both. */
static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (size_t i = 0; i < N; i++) {
		double angle = 2 * M_PI * (double)i / RING, radius = 10 + 0.2 * wh_rng_real(&rng);
		if (i >= RING)
			radius = wh_rng_real(&rng), angle = 2 * M_PI * wh_rng_real(&rng);
		if (i >= RING + CORE)
			radius = 40 + 20 * (double)(i - RING - CORE), angle = (double)i;
		points[2 * i] = (float)(radius * cos(angle));
		points[2 * i + 1] = (float)(radius * sin(angle));
	}
	return 0;
}

static void finds_any_shape(void **state)
{
	uint32_t label[N], again[N];
	double strength[N];
	size_t n_clusters, same;
	const struct wh_hdbscan_params params = { .least_size = 20, .least_near = 4 };
	const struct wh_host three = { .threads = 3 };
	struct wh_err err;
	assert_int_equal(wh_hdbscan(points, N, 2, &params, NULL, label, strength, &n_clusters, &err), WH_OK);
	assert_int_equal(wh_hdbscan(points, N, 2, &params, &three, again, NULL, &same, &err), WH_OK);
	assert_memory_equal(label, again, sizeof label);
	assert_int_equal(n_clusters, 2);
	assert_int_equal(same, 2);
	size_t lost = 0;
	for (size_t i = 0; i < N; i++) {
		assert_true(i < RING + CORE || label[i] == WH_HDBSCAN_NOISE);
		assert_true((strength[i] == 0) == (label[i] == WH_HDBSCAN_NOISE) && strength[i] <= 1);
		lost += i < RING + CORE && label[i] != (i >= RING);
	}
	assert_true(lost < 10);
}

/* More points than a thread is worth: the parallel way through. */
static void many_values(void **state)
{
	enum { MANY = 700, WIDE = 1600 };
	float *x = malloc(MANY * WIDE * sizeof *x);
	uint32_t label[MANY], again[MANY];
	size_t n_clusters, same;
	const struct wh_hdbscan_params params = { .least_size = 10 };
	const struct wh_host three = { .threads = 3 };
	struct wh_err err;
	struct wh_rng rng;
	wh_rng_init(&rng, 2);
	for (size_t i = 0; i < MANY * WIDE; i++)
		x[i] = (float)(0.5 * wh_rng_real(&rng) + (double)(i / WIDE % 3));
	assert_int_equal(wh_hdbscan(x, MANY, WIDE, &params, &three, label, NULL, &n_clusters, &err), WH_OK);
	assert_int_equal(wh_hdbscan(x, MANY, WIDE, &params, NULL, again, NULL, &same, &err), WH_OK);
	assert_int_equal(n_clusters, 3);
	assert_memory_equal(label, again, sizeof label);
	for (size_t i = 0; i < MANY; i++)
		assert_true(label[i] == i % 3 || label[i] == WH_HDBSCAN_NOISE);
	free(x);
}

static void too_little_to_cluster(void **state)
{
	const float x[] = { 1, 2 }, bad[] = { 1, NAN };
	uint32_t label[2];
	double strength[2];
	size_t n_clusters;
	const struct wh_hdbscan_params params = { 0 };
	struct wh_err err;
	for (size_t n = 0; n <= 2; n++) {
		label[0] = 7;
		assert_int_equal(wh_hdbscan(x, n, 1, &params, NULL, label, strength, &n_clusters, &err), WH_OK);
		assert_int_equal(n_clusters, 0);
		for (size_t i = 0; i < n; i++)
			assert_true(label[i] == WH_HDBSCAN_NOISE && strength[i] == 0);
	}
	assert_int_equal(wh_hdbscan(bad, 2, 1, &params, NULL, label, strength, &n_clusters, &err), WH_E_USAGE);
	atomic_bool cancelled = true;
	const struct wh_host host = { .cancelled = &cancelled };
	assert_int_equal(wh_hdbscan(x, 2, 1, &params, &host, label, strength, &n_clusters, &err), WH_E_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_any_shape),
		cmocka_unit_test(many_values),
		cmocka_unit_test(too_little_to_cluster),
	};
	return cmocka_run_group_tests(tests, make, NULL);
}
