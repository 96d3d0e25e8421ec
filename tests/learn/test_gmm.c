/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/gmm.h"

enum { N = 800 };

static float points[N * 2];

/* Two crossing sticks: of one centre, so that no centroid tells them apart. */
static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (size_t i = 0; i < N; i++) {
		double along = 20 * (wh_rng_real(&rng) - 0.5), across = 0.2 * (wh_rng_real(&rng) - 0.5);
		points[2 * i] = (float)(i % 2 ? along : across);
		points[2 * i + 1] = (float)(i % 2 ? across : along);
	}
	return 0;
}

static void tells_shapes(void **state)
{
	uint32_t label[N], again[N], guess[N];
	const struct wh_host three = { .threads = 3 };
	struct wh_err err;
	for (size_t i = 0; i < N; i++)
		guess[i] = fabsf(points[2 * i]) < 3; /* a bad start */
	const struct wh_gmm_params params = { .k = 2, .label = guess, .tolerance = 1e-6 };
	struct wh_gmm gmm, same;
	assert_int_equal(wh_gmm_fit(points, N, 2, NULL, &params, NULL, label, &gmm, &err), WH_OK);
	assert_int_equal(wh_gmm_fit(points, N, 2, NULL, &params, &three, again, &same, &err), WH_OK);
	assert_true(gmm.converged && gmm.iterations == same.iterations && gmm.log_likelihood == same.log_likelihood);
	assert_memory_equal(label, again, sizeof label);
	assert_memory_equal(gmm.covariance, same.covariance, 8 * sizeof *gmm.covariance);
	size_t right = 0;
	for (size_t i = 0; i < N; i++)
		right += label[i] == !(i % 2);
	assert_true(right > N * 97 / 100);
	wh_gmm_release(&gmm);
	wh_gmm_release(&same);
}

/* BIC asks for two sticks, not for one cloud; k-means starts do as well as given ones. */
static void bic_counts_components(void **state)
{
	double bic[4] = { 0 };
	uint32_t label[N];
	struct wh_gmm gmm;
	struct wh_err err;
	static float apart[N * 2];
	for (size_t i = 0; i < N; i++) {
		apart[2 * i] = points[2 * i] + (i % 2 ? 30 : 0);
		apart[2 * i + 1] = points[2 * i + 1];
	}
	for (size_t k = 1; k < 4; k++) {
		assert_int_equal(wh_gmm_fit(apart, N, 2, NULL, &(struct wh_gmm_params){ .k = k, .starts = 3 }, NULL, label, &gmm, &err), WH_OK);
		bic[k] = gmm.bic;
		wh_gmm_release(&gmm);
	}
	assert_true(bic[2] < bic[1]);
}

/* No component dies of having no points or no spread. */
static void survives_degenerate_data(void **state)
{
	const float x[] = { 1, 1, 1, 1, 1, 1, 5, 5 };
	uint32_t label[4];
	struct wh_gmm gmm;
	struct wh_err err;
	for (int diagonal = 0; diagonal < 2; diagonal++) {
		const struct wh_gmm_params params = { .k = 3, .diagonal = diagonal };
		assert_int_equal(wh_gmm_fit(x, 4, 2, NULL, &params, NULL, label, &gmm, &err), WH_OK);
		assert_true(label[0] == label[1] && label[1] == label[2] && label[2] != label[3]);
		assert_true(isfinite(gmm.log_likelihood) && isfinite(gmm.bic));
		wh_gmm_release(&gmm);
	}
}

static void refuses_nonsense(void **state)
{
	const float x[] = { 1, NAN }, huge[] = { 1e30f, 1e30f, -1e30f, -1e30f, 3e30f, 3e30f };
	uint32_t label[3];
	struct wh_gmm gmm;
	struct wh_err err;
	assert_int_equal(wh_gmm_fit(x, 2, 1, NULL, &(struct wh_gmm_params){ .k = 1 }, NULL, label, &gmm, &err), WH_E_USAGE);
	wh_gmm_release(&gmm);
	assert_int_equal(wh_gmm_fit(x, 1, 1, NULL, &(struct wh_gmm_params){ .k = 2 }, NULL, label, &gmm, &err), WH_E_USAGE);
	wh_gmm_release(&gmm);
	assert_int_equal(wh_gmm_fit(x, 1, 1, NULL, &(struct wh_gmm_params){ .k = 1, .label = (uint32_t[]){ 1 } }, NULL, label, &gmm, &err),
			 WH_E_USAGE);
	wh_gmm_release(&gmm);
	assert_int_equal(wh_gmm_fit(huge, 3, 2, NULL, &(struct wh_gmm_params){ .k = 1 }, NULL, label, &gmm, &err), WH_E_USAGE);
	assert_non_null(strstr(err.message, "component 0 of a mixture is flat"));
	wh_gmm_release(&gmm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_shapes),
		cmocka_unit_test(bic_counts_components),
		cmocka_unit_test(survives_degenerate_data),
		cmocka_unit_test(refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, make, NULL);
}
