/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of every function fails once: the code must be WH_E_NOMEM, and nothing may leak or be touched twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "learn/contrast.h"
#include "learn/hclust.h"
#include "learn/onset.h"
#include "learn/quality.h"
#include "learn/select.h"

enum { N = 40 };

static float similarities[N][N];
static uint32_t truth[N], order[N];
static struct wh_near near[N * N];
static struct wh_row rows[N];

static double similarity_of(void *user, size_t i, size_t j)
{
	return similarities[i][j];
}

static int similarities_of(void *user, unsigned worker, size_t i, const uint32_t *others, size_t n, double *similarity, struct wh_err *err)
{
	for (size_t k = 0; k < n; k++)
		similarity[k] = similarity_of(user, i, others[k]);
	return WH_OK;
}

static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	struct wh_near *next = near;
	for (uint32_t i = 0; i < N; i++) {
		truth[i] = i % 7;
		order[i] = i;
		rows[i].near = next;
		for (uint32_t j = 0; j < i; j++) {
			similarities[i][j] = similarities[j][i] = (float)wh_rng_real(&rng);
			if (similarities[i][j] >= 0.4)
				*next++ = (struct wh_near){ j, similarities[i][j] };
		}
		rows[i].n = (size_t)(next - rows[i].near);
	}
	return 0;
}

static int dense(struct wh_err *err)
{
	float distance[N * N];
	struct wh_merge merges[N];
	for (size_t i = 0; i < N; i++)
		for (size_t j = i + 1; j < N; j++)
			distance[wh_condensed(N, i, j)] = 1 - similarities[i][j];
	return wh_hclust_dense(WH_LINKAGE_AVERAGE, N, distance, NULL, merges, err);
}

static int sparse(enum wh_linkage linkage, struct wh_err *err)
{
	static const uint32_t together[][2] = { { 1, 2 }, { 30, 5 } }, apart[][2] = { { 3, 4 } };
	const struct wh_hclust_sparse input = {
		.linkage = linkage, .n = N, .d = 0.6, .rows = rows, .similarities = similarities_of,
		.together = together, .n_together = 2, .apart = apart, .n_apart = 1,
	};
	uint32_t group[N];
	size_t n_groups;
	return wh_hclust_sparse(&input, NULL, group, &n_groups, err);
}

static int sparse_complete(struct wh_err *err) { return sparse(WH_LINKAGE_COMPLETE, err); }
static int sparse_average(struct wh_err *err) { return sparse(WH_LINKAGE_AVERAGE, err); }
static int sparse_single(struct wh_err *err) { return sparse(WH_LINKAGE_SINGLE, err); }

static int quality(struct wh_err *err)
{
	struct wh_quality q;
	uint32_t group[N];
	for (uint32_t i = 0; i < N; i++)
		group[i] = i % 5;
	return wh_quality(N, truth, group, &q, err);
}

static int ranking(struct wh_err *err)
{
	struct wh_ranking r;
	const struct wh_host host = { .threads = 2 };
	return wh_ranking(N, truth, order, similarity_of, NULL, &host, &r, err);
}

static const char *name_of(void *user, uint32_t feature)
{
	return "feature";
}

static int contrast(struct wh_err *err)
{
	struct wh_contrast_feature features[] = { { .feature = 0, .inside = 1, .outside = 3 }, { .feature = 1, .inside = 4 } };
	return wh_contrast(features, 2, 5, 10, name_of, NULL, err);
}

static int levels(struct wh_err *err)
{
	const struct wh_amount amounts[] = { { 0, -2 }, { 1, 1 }, { 2, 3 } };
	const uint8_t side[] = { WH_SIDE_INSIDE, WH_SIDE_OUTSIDE, WH_SIDE_INSIDE };
	struct wh_contrast_measure measures[] = { { .measure = 0, .amounts = amounts, .n = 3 }, { .measure = 1, .amounts = amounts, .n = 2 } };
	return wh_contrast_levels(measures, 2, side, 2, 0.05, name_of, NULL, err);
}

static int precedence(struct wh_err *err)
{
	const double before[] = { 3, 2, 5, 7 };
	struct wh_precedence of[2];
	return wh_precedence(before, 2, 2, of, err);
}

static int folds(struct wh_err *err)
{
	uint32_t fold[N];
	return wh_folds_by_class(N, truth, 3, 1, fold, err);
}

static const struct wh_param params[] = {
	{ "c", WH_PARAM_REAL, "0.5", 0, 2, NULL, NULL, "a coefficient", NULL, "0 0.5 1 1.5 2" },
	{ "kind", WH_PARAM_CHOICE, "a", 0, 0, "a|b", NULL, "a kind", NULL, "a b" },
	{ 0 },
};

static int score(void *user, const struct wh_values *values, double *result, struct wh_err *err)
{
	*result = wh_values_real(values, "c");
	return WH_OK;
}

static int grid(struct wh_err *err)
{
	struct wh_values best;
	double result;
	WH_TRY(wh_values_init(&best, params, err));
	int code = wh_grid_search(&best, 6, score, NULL, NULL, &result, err);
	wh_values_release(&best);
	return code;
}

static int cut(struct wh_err *err)
{
	struct wh_merge merges[] = { { 0, 1, 0.5, 2 }, { 2, 3, 0.7, 3 } };
	uint32_t classes[] = { 0, 0, 1 };
	double d, f;
	return wh_best_cut(3, merges, classes, NULL, &d, &f, err);
}

static int curve(struct wh_err *err)
{
	struct wh_merge merges[] = { { 0, 1, 0.5, 2 }, { 2, 3, 0.7, 3 } };
	uint32_t classes[] = { 0, 0, 1 };
	double d = 0.6, f;
	return wh_cut_curve(3, merges, classes, NULL, &d, 1, &f, err);
}

static int run_function(const void *user, struct wh_err *err)
{
	int (*const *function)(struct wh_err *) = user;
	return (*function)(err);
}

static void each_allocation_fails(void **state)
{
	static int (*const functions[])(struct wh_err *) = {
		dense, sparse_complete, sparse_average, sparse_single, quality, ranking, contrast, levels, precedence, folds, grid, cut, curve,
	};
	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		assert_true(failing_each(run_function, &functions[i], NULL) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_allocation_fails) };
	return cmocka_run_group_tests(tests, make, NULL);
}
