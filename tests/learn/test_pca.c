/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/pca.h"

enum { N = 600, D = 40 };

static float points[N * D];

/* Of three directions, and a little noise. */
static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	float direction[3][D];
	for (size_t k = 0; k < 3; k++)
		for (size_t c = 0; c < D; c++)
			direction[k][c] = (float)(wh_rng_real(&rng) - 0.5);
	for (size_t i = 0; i < N; i++) {
		double along[3];
		for (size_t k = 0; k < 3; k++)
			along[k] = (wh_rng_real(&rng) - 0.5) * (double)(9 - 3 * k);
		for (size_t c = 0; c < D; c++)
			points[i * D + c] = (float)(3 + along[0] * direction[0][c] + along[1] * direction[1][c] + along[2] * direction[2][c] +
						    1e-3 * wh_rng_real(&rng));
	}
	return 0;
}

/* Both sides, covariance and dot products, and any number of threads: what was put in is found. */
static void few_directions_hold_all(void **state)
{
	for (size_t n = 20; n <= N; n += N - 20) {
		static float y[N * D], again[N * D];
		static double outside[N];
		const struct wh_host three = { .threads = 3 };
		struct wh_pca pca, same;
		struct wh_err err;
		assert_int_equal(wh_pca_fit(points, n, D, NULL, 0.999, 0, NULL, &pca, &err), WH_OK);
		assert_int_equal(wh_pca_fit(points, n, D, NULL, 0.999, 0, &three, &same, &err), WH_OK);
		assert_int_equal(pca.r, 3);
		assert_memory_equal(pca.component, same.component, pca.r * D * sizeof *pca.component);
		assert_memory_equal(pca.variance, same.variance, pca.r * sizeof *pca.variance);
		assert_int_equal(wh_pca_project(&pca, points, n, y, outside, NULL, &err), WH_OK);
		assert_int_equal(wh_pca_project(&pca, points, n, again, NULL, &three, &err), WH_OK);
		assert_memory_equal(y, again, n * pca.r * sizeof *y);
		double variance[3] = { 0 };
		for (size_t i = 0; i < n; i++) {
			assert_true(outside[i] < 1e-3);
			for (size_t k = 0; k < 3; k++)
				variance[k] += (double)y[i * 3 + k] * y[i * 3 + k] / (double)(n - 1);
		}
		for (size_t k = 0; k < 3; k++)
			assert_true(fabs(variance[k] - pca.variance[k]) < 1e-4 * pca.variance[0]);
		assert_true(variance[0] + variance[1] + variance[2] <= pca.total * (1 + 1e-5));
		wh_pca_release(&pca);
		wh_pca_release(&same);
	}
}

static void equal_rows_have_no_direction(void **state)
{
	const float x[] = { 1, 2, 1, 2, 1, 2 }, other[] = { 4, 6 };
	float y[1] = { 7 };
	double outside;
	struct wh_pca pca;
	struct wh_err err;
	for (size_t n = 1; n <= 3; n++) {
		assert_int_equal(wh_pca_fit(x, n, 2, NULL, 1, 0, NULL, &pca, &err), WH_OK);
		assert_int_equal(pca.r, 0);
		assert_true(pca.total == 0);
		assert_int_equal(wh_pca_project(&pca, other, 1, y, &outside, NULL, &err), WH_OK);
		assert_true(fabs(outside - 25) < 1e-9 && y[0] == 7);
		wh_pca_release(&pca);
	}
}

static void refuses_nonsense(void **state)
{
	const float x[] = { 1, INFINITY };
	struct wh_pca pca;
	struct wh_err err;
	assert_int_equal(wh_pca_fit(x, 2, 1, NULL, 1, 0, NULL, &pca, &err), WH_E_USAGE);
	wh_pca_release(&pca);
	assert_int_equal(wh_pca_fit(x, 0, 1, NULL, 1, 0, NULL, &pca, &err), WH_E_USAGE);
	wh_pca_release(&pca);
	assert_int_equal(wh_pca_fit(x, 2, 0, NULL, 1, 0, NULL, &pca, &err), WH_E_USAGE);
	wh_pca_release(&pca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_directions_hold_all),
		cmocka_unit_test(equal_rows_have_no_direction),
		cmocka_unit_test(refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, make, NULL);
}
