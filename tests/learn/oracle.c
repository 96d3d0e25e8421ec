/* SPDX-License-Identifier: Apache-2.0 */
/* What oracle.py asks: one line of numbers after a word, one line of numbers back. Not a test of its own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/contrast.h"
#include "learn/hclust.h"
#include "learn/onset.h"
#include "learn/quality.h"
#include "learn/shift.h"
#include "learn/trend.h"

static unsigned long number(void)
{
	unsigned long value;
	if (scanf("%lu", &value) != 1)
		exit(1);
	return value;
}

static void *memory(size_t n, size_t size)
{
	void *data = calloc(n + 1, size);
	if (!data)
		exit(1);
	return data;
}

/* LINKAGE WEIGHTED N, the weights if so, the condensed matrix, the number of cuts and them: the merges, then every partition */
static int dense(void)
{
	char name[16];
	enum wh_linkage linkage;
	if (scanf("%15s", name) != 1 || !wh_linkage_parse(name, &linkage))
		return 1;
	size_t weighted = number(), n = number(), n_pairs = n * (n - 1) / 2;
	uint32_t *weight = memory(n, sizeof *weight), *group = memory(n, sizeof *group);
	float *distance = memory(n_pairs, sizeof *distance);
	struct wh_merge *merges = memory(n, sizeof *merges);
	struct wh_err err;
	for (size_t i = 0; i < n && weighted; i++)
		weight[i] = (uint32_t)number();
	for (size_t i = 0; i < n_pairs; i++)
		if (scanf("%f", &distance[i]) != 1)
			return 1;
	if (wh_hclust_dense(linkage, n, distance, weighted ? weight : NULL, merges, &err) != WH_OK)
		return 1;
	for (size_t i = 0; i + 1 < n; i++)
		printf("%u %u %.9g %u ", merges[i].a, merges[i].b, merges[i].height, merges[i].size);
	for (size_t cuts = number(); cuts--;) {
		double d;
		if (scanf("%lf", &d) != 1)
			return 1;
		wh_hclust_cut(n, merges, d, group);
		for (size_t i = 0; i < n; i++)
			printf("%u ", group[i]);
	}
	free(weight);
	free(group);
	free(distance);
	free(merges);
	return 0;
}

/* N, the classes, the groups */
static int quality(void)
{
	size_t n = number();
	uint32_t *truth = memory(n, sizeof *truth), *group = memory(n, sizeof *group);
	for (size_t i = 0; i < n; i++)
		truth[i] = (uint32_t)number();
	for (size_t i = 0; i < n; i++)
		group[i] = (uint32_t)number();
	struct wh_quality q;
	struct wh_err err;
	if (wh_quality(n, truth, group, &q, &err) != WH_OK)
		return 1;
	printf("%.17g %.17g %.17g", q.ari, q.ami, q.nmi);
	free(truth);
	free(group);
	return 0;
}

/* A B C D */
static int fisher(void)
{
	size_t a = number(), b = number(), c = number(), d = number();
	printf("%.17g", wh_fisher_exact(a, b, c, d));
	return 0;
}

/* N, the p-values */
static int adjust(void)
{
	size_t n = number();
	double *p = memory(n, sizeof *p);
	struct wh_err err;
	for (size_t i = 0; i < n; i++)
		if (scanf("%lf", &p[i]) != 1)
			return 1;
	if (wh_adjust_bh(p, n, &err) != WH_OK)
		return 1;
	for (size_t i = 0; i < n; i++)
		printf("%.17g ", p[i]);
	free(p);
	return 0;
}

struct matrix {
	size_t n;
	double *similarity;
};

static double of_matrix(void *user, size_t i, size_t j)
{
	const struct matrix *matrix = user;
	return matrix->similarity[i * matrix->n + j];
}

/* N, the classes, the square matrix of similarities */
static int ranking(void)
{
	struct matrix matrix = { .n = number() };
	uint32_t *truth = memory(matrix.n, sizeof *truth), *order = memory(matrix.n, sizeof *order);
	matrix.similarity = memory(matrix.n * matrix.n, sizeof *matrix.similarity);
	for (size_t i = 0; i < matrix.n; i++) {
		truth[i] = (uint32_t)number();
		order[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < matrix.n * matrix.n; i++)
		if (scanf("%lf", &matrix.similarity[i]) != 1)
			return 1;
	struct wh_ranking r;
	struct wh_err err;
	if (wh_ranking(matrix.n, truth, order, of_matrix, &matrix, NULL, &r, &err) != WH_OK)
		return 1;
	printf("%.17g", r.pair_auc);
	free(truth);
	free(order);
	free(matrix.similarity);
	return 0;
}

static const char *no_name(void *user, uint32_t measure)
{
	(void)user, (void)measure;
	return "";
}

/* N, the side of each and what it has: how many of each side have any, their means, Cliff's delta, p, and the score */
static int amounts(void)
{
	size_t n = number(), n_side[3] = { 0 };
	uint8_t *side = memory(n, sizeof *side);
	struct wh_amount *amount = memory(n, sizeof *amount);
	struct wh_contrast_measure m = { .amounts = amount };
	struct wh_err err;
	for (uint32_t i = 0; i < n; i++) {
		side[i] = (uint8_t)number();
		n_side[side[i]]++;
		float value;
		if (scanf("%f", &value) != 1)
			return 1;
		if (value > 0)
			amount[m.n++] = (struct wh_amount){ i, value };
	}
	wh_amounts_sort(amount, m.n);
	if (wh_contrast_measures(&m, 1, side, n_side[WH_SIDE_INSIDE], n_side[WH_SIDE_OUTSIDE], no_name, NULL, &err) != WH_OK)
		return 1;
	printf("%zu %zu %.17g %.17g %.17g %.17g %.17g", m.inside, m.outside, m.mean_inside, m.mean_outside, m.effect, m.p_value, m.score);
	free(side);
	free(amount);
	return 0;
}

/* N, M, the least share, the side of each of N, and of M things a row each: what N have of it, nan: nothing. Of each thing, the first first: its number, how
 * many of each side have it, their means, Cliff's delta, p, and the score */
static int levels(void)
{
	size_t n = number(), m = number(), n_inside = 0;
	double least;
	if (scanf("%lf", &least) != 1)
		return 1;
	uint8_t *side = memory(n, sizeof *side);
	struct wh_amount *amounts = memory(n * m, sizeof *amounts);
	struct wh_contrast_measure *measures = memory(m, sizeof *measures);
	struct wh_err err;
	for (size_t i = 0; i < n; i++) {
		side[i] = (uint8_t)number();
		n_inside += side[i] == WH_SIDE_INSIDE;
	}
	for (uint32_t k = 0; k < m; k++) {
		struct wh_amount *own = amounts + k * n;
		measures[k] = (struct wh_contrast_measure){ .measure = k, .amounts = own };
		for (uint32_t i = 0; i < n; i++) {
			float value;
			if (scanf("%f", &value) != 1)
				return 1;
			if (!isnan(value))
				own[measures[k].n++] = (struct wh_amount){ i, value };
		}
		wh_amounts_sort(own, measures[k].n);
	}
	if (wh_contrast_levels(measures, m, side, n_inside, least, no_name, NULL, &err) != WH_OK)
		return 1;
	for (size_t k = 0; k < m; k++)
		printf("%u %zu %zu %.17g %.17g %.17g %.17g %.17g ", measures[k].measure, measures[k].inside, measures[k].outside, measures[k].mean_inside,
		       measures[k].mean_outside, measures[k].effect, measures[k].p_value, measures[k].score);
	free(side);
	free(amounts);
	free(measures);
	return 0;
}

/* N, the values: slope, growth, p, blocks */
static int trend(void)
{
	size_t n = number();
	double *value = memory(n, sizeof *value);
	struct wh_trend result;
	for (size_t i = 0; i < n; i++)
		if (scanf("%lf", &value[i]) != 1)
			return 1;
	wh_trend(value, n, &result);
	printf("%.17g %.17g %.17g %zu", result.slope, result.growth, result.p_value, result.blocks);
	free(value);
	return 0;
}

/* N, M, the values before and now: medians, effect, baro, p */
static int shift(void)
{
	size_t n = number(), m = number();
	double *value = memory(n + m, sizeof *value);
	struct wh_shift s;
	struct wh_err err;
	for (size_t i = 0; i < n + m; i++)
		if (scanf("%lf", &value[i]) != 1)
			return 1;
	if (wh_shift(value, n, value + n, m, &s, &err) != WH_OK)
		return 1;
	printf("%.17g %.17g %.17g %.17g %.17g", s.median_before, s.median_now, s.effect, s.baro, s.p_value);
	free(value);
	return 0;
}

static double *numbers(size_t n)
{
	double *value = memory(n, sizeof *value);
	for (size_t i = 0; i < n; i++)
		if (scanf("%lf", &value[i]) != 1)
			exit(1);
	return value;
}

/* N, the values: where they begin to rise */
static int onset(void)
{
	size_t n = number();
	double *value = numbers(n);
	printf("%.17g", wh_onset(value, n));
	free(value);
	return 0;
}

/* N, MOST, the values of the one and of the other: how their increments go together at every lag */
static int lagged(void)
{
	size_t n = number(), most = number();
	double *value = numbers(2 * n), *change = memory(2 * n, sizeof *change), *correlation = memory(2 * most + 1, sizeof *correlation);
	wh_increments(value, n, change);
	wh_increments(value + n, n, change + n);
	wh_lagged_correlation(change, change + n, n, most, correlation);
	for (size_t i = 0; i <= 2 * most; i++)
		printf("%.17g ", correlation[i]);
	free(value);
	free(change);
	free(correlation);
	return 0;
}

/* N, M, the steps before the end: of each of M how often it rose, was first, its quartiles, its rank */
static int precedence(void)
{
	size_t n = number(), m = number();
	double *before = numbers(n * m);
	struct wh_precedence *of = memory(m, sizeof *of);
	struct wh_err err;
	if (wh_precedence(before, n, m, of, &err) != WH_OK)
		return 1;
	for (size_t k = 0; k < m; k++)
		printf("%zu %zu %.17g %.17g %.17g %.17g ", of[k].rose, of[k].first, of[k].lower, of[k].median, of[k].upper, of[k].rank);
	free(before);
	free(of);
	return 0;
}

/* t and degrees of freedom: the upper tail */
static int student(void)
{
	double t, freedom;
	if (scanf("%lf %lf", &t, &freedom) != 2)
		return 1;
	printf("%.17g", wh_student_upper(t, freedom));
	return 0;
}

int main(void)
{
	static const struct {
		const char *word;
		int (*run)(void);
	} questions[] = {
		{ "dense", dense }, { "quality", quality }, { "fisher", fisher }, { "adjust", adjust }, { "ranking", ranking }, { "amounts", amounts }, { "trend", trend }, { "student", student }, { "shift", shift },
		{ "levels", levels }, { "onset", onset }, { "lagged", lagged }, { "precedence", precedence },
	};
	char word[16];
	while (scanf("%15s", word) == 1) {
		int failed = 1;
		for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
			if (!strcmp(word, questions[i].word))
				failed = questions[i].run();
		if (failed)
			return 1;
		putchar('\n');
	}
	return 0;
}
