/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of every function on vectors fails once: the code must be WH_E_NOMEM, and nothing may leak or be touched twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/rng.h"
#include "failing.h"
#include "learn/conformal.h"
#include "learn/elbow.h"
#include "learn/gmm.h"
#include "learn/hdbscan.h"
#include "learn/internal.h"
#include "learn/kmeans.h"
#include "learn/pca.h"

enum { N = 30, D = 3 };

static float points[N * D];
static const struct wh_host two = { .threads = 2 };

static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (size_t i = 0; i < N * D; i++)
		points[i] = (float)wh_rng_real(&rng) + (float)(i / D % 3);
	return 0;
}

static int kmeans(struct wh_err *err)
{
	const struct wh_kmeans_params params = { .k = 3, .starts = 2 };
	struct wh_kmeans result;
	uint32_t label[N];
	int code = wh_kmeans(points, N, D, NULL, &params, &two, label, &result, err);
	wh_kmeans_release(&result);
	return code;
}

static int kmeans_assign(struct wh_err *err)
{
	uint32_t label[N];
	return wh_kmeans_assign(points, N, D, points, 3, NULL, label, NULL, err);
}

static int internal(struct wh_err *err)
{
	uint32_t group[N];
	struct wh_internal result;
	for (uint32_t i = 0; i < N; i++)
		group[i] = i % 3;
	return wh_internal(points, N, D, NULL, group, NULL, &two, NULL, &result, err);
}

static int conformal(struct wh_err *err)
{
	static const double score[] = { 1, 2, 3 }, share[] = { 2, 1 };
	static const uint32_t group[] = { 0, 0, 1 };
	static const size_t count[] = { 4, 2 };
	struct wh_conformal held;
	double p;
	int code = wh_conformal_fit(score, group, 3, share, 2, 1, &held, err);
	if (code == WH_OK)
		code = wh_conformal_window(&held, count, 0.5, 1, &p, err);
	wh_conformal_release(&held);
	return code;
}

static int elbow(struct wh_err *err)
{
	const struct wh_elbow_params params = { .most = 3, .starts = 2, .references = 2, .halvings = 1, .every_gap = true };
	struct wh_elbow result;
	uint32_t label[N];
	int code = wh_elbow(points, N, D, NULL, &params, NULL, label, &result, err);
	wh_elbow_release(&result);
	return code;
}

static int pca(struct wh_err *err)
{
	struct wh_pca result;
	float y[N * D];
	int code = wh_pca_fit(points, N, D, NULL, 1, 0, &two, &result, err);
	if (code == WH_OK)
		code = wh_pca_project(&result, points, N, y, NULL, &two, err);
	wh_pca_release(&result);
	return code;
}

static int gmm(struct wh_err *err)
{
	const struct wh_gmm_params params = { .k = 2, .starts = 1, .iterations = 2 };
	struct wh_gmm result;
	uint32_t label[N];
	int code = wh_gmm_fit(points, N, D, NULL, &params, &two, label, &result, err);
	if (code == WH_OK)
		code = wh_gmm_assign(&result, points, N, &two, label, NULL, err);
	wh_gmm_release(&result);
	return code;
}

static int hdbscan(struct wh_err *err)
{
	const struct wh_hdbscan_params params = { .least_size = 3 };
	uint32_t label[N];
	size_t n_clusters;
	return wh_hdbscan(points, N, D, &params, &two, label, NULL, &n_clusters, err);
}

static int run_function(const void *user, struct wh_err *err)
{
	int (*const *function)(struct wh_err *) = user;
	return (*function)(err);
}

static void each_allocation_fails(void **state)
{
	static int (*const functions[])(struct wh_err *) = {
		kmeans, kmeans_assign, internal, conformal, elbow, pca, gmm, hdbscan,
	};
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		assert_true(failing_each(run_function, &functions[i], NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_fails) };
	return cmocka_run_group_tests(tests, make, NULL);
}
