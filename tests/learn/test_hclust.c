/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/hclust.h"

enum { MOST = 48 };

/* Points with a similarity for every pair, and what people said of them. */
struct data {
	size_t n;
	float similarity[MOST][MOST];
	uint32_t weight[MOST];
	uint32_t together[MOST][2], apart[MOST][2];
	size_t n_together, n_apart;
};

static double similarity_of(void *user, size_t i, size_t j)
{
	const struct data *data = user;
	return data->similarity[i][j];
}

static int similarities_of(void *user, unsigned worker, size_t i, const uint32_t *others, size_t n, double *similarity, struct wh_err *err)
{
	for (size_t k = 0; k < n; k++)
		similarity[k] = similarity_of(user, i, others[k]);
	return WH_OK;
}

/* levels: how many different values there are, 0: no ties (almost surely). Clumped, so that cuts cut something. */
static void make(struct data *data, struct wh_rng *rng, size_t n, unsigned levels)
{
	*data = (struct data){ .n = n };
	size_t clumps = 1 + wh_rng_below(rng, n / 3 + 1);
	for (size_t i = 0; i < n; i++) {
		data->weight[i] = 1 + (uint32_t)wh_rng_below(rng, 4);
		for (size_t j = 0; j < i; j++) {
			double s = wh_rng_real(rng) * (i % clumps == j % clumps ? 1 : 0.7);
			if (levels)
				s = floor(s * levels) / levels;
			data->similarity[i][j] = data->similarity[j][i] = (float)s;
		}
	}
}

static bool constrained(const uint32_t pairs[][2], size_t n, size_t i, size_t j)
{
	for (size_t k = 0; k < n; k++)
		if ((pairs[k][0] == i && pairs[k][1] == j) || (pairs[k][0] == j && pairs[k][1] == i))
			return true;
	return false;
}

/* Linkage of two groups by its definition; -INFINITY where they must stay apart. */
static double linkage_of(const struct data *data, enum wh_linkage linkage, const uint32_t *group, uint32_t a, uint32_t b)
{
	double least = INFINITY, most = -INFINITY, sum = 0, weight = 0;
	for (size_t i = 0; i < data->n; i++)
		for (size_t j = 0; j < data->n; j++) {
			if (group[i] != a || group[j] != b)
				continue;
			double s = data->similarity[i][j], w = (double)data->weight[i] * data->weight[j];
			if (constrained(data->apart, data->n_apart, i, j))
				return -INFINITY;
			least = fmin(least, s);
			most = fmax(most, s);
			sum += w * s;
			weight += w;
		}
	return linkage == WH_LINKAGE_COMPLETE ? least : linkage == WH_LINKAGE_SINGLE ? most : sum / weight;
}

/* Joins what must be together; groups are named by their smallest point. */
static void start(const struct data *data, uint32_t *group)
{
	for (size_t i = 0; i < data->n; i++)
		group[i] = (uint32_t)i;
	for (size_t k = 0; k < data->n_together; k++) {
		uint32_t a = group[data->together[k][0]], b = group[data->together[k][1]];
		for (size_t i = 0; i < data->n; i++)
			if (group[i] == a || group[i] == b)
				group[i] = a < b ? a : b;
	}
}

/* The nearest two groups; false: none within d. */
static bool nearest_groups(const struct data *data, enum wh_linkage linkage, const uint32_t *group, double d, uint32_t pair[2])
{
	double most = -INFINITY;
	for (uint32_t a = 0; a < data->n; a++)
		for (uint32_t b = a + 1; b < data->n; b++) {
			if (group[a] != a || group[b] != b)
				continue;
			double s = linkage_of(data, linkage, group, a, b);
			if (s > most) {
				most = s;
				pair[0] = a;
				pair[1] = b;
			}
		}
	return most > -INFINITY && wh_within_cut(1 - most, d);
}

/* The dumb version: always the nearest two, every linkage from all its pairs. */
static size_t reference(const struct data *data, enum wh_linkage linkage, double d, uint32_t *group)
{
	uint32_t pair[2];
	start(data, group);
	while (nearest_groups(data, linkage, group, d, pair))
		for (size_t i = 0; i < data->n; i++)
			if (group[i] == pair[1])
				group[i] = pair[0];
	return wh_groups_number(data->n, group);
}

static void shuffle_row(struct wh_rng *rng, struct wh_near *near, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = wh_rng_below(rng, i);
		struct wh_near t = near[i - 1];
		near[i - 1] = near[j];
		near[j] = t;
	}
}

static size_t sparse(struct data *data, struct wh_rng *rng, enum wh_linkage linkage, double d, bool weighted, unsigned threads,
		     uint32_t *group)
{
	struct wh_near near[MOST][MOST];
	struct wh_row rows[MOST];
	size_t n_groups = 0;
	for (uint32_t i = 0; i < data->n; i++) {
		size_t n = 0;
		for (uint32_t j = 0; j < i; j++)
			if (wh_within_cut(1 - (double)data->similarity[i][j], d) || !wh_rng_below(rng, 20))
				near[i][n++] = (struct wh_near){ j, data->similarity[i][j] };
		shuffle_row(rng, near[i], n);
		rows[i] = (struct wh_row){ near[i], n };
	}
	const struct wh_hclust_sparse input = {
		.linkage = linkage, .n = data->n, .d = d, .weight = weighted ? data->weight : NULL,
		.rows = rows, .similarities = similarities_of, .user = data, .together = (const uint32_t(*)[2])data->together,
		.n_together = data->n_together, .apart = (const uint32_t(*)[2])data->apart, .n_apart = data->n_apart,
	};
	const struct wh_host host = { .threads = threads };
	struct wh_err err;
	assert_int_equal(wh_hclust_sparse(&input, &host, group, &n_groups, &err), WH_OK);
	return n_groups;
}

static struct wh_merge *dense(const struct data *data, enum wh_linkage linkage, bool weighted, struct wh_merge *merges)
{
	float distance[MOST * MOST];
	for (size_t i = 0; i < data->n; i++)
		for (size_t j = i + 1; j < data->n; j++)
			distance[wh_condensed(data->n, i, j)] = 1 - data->similarity[i][j];
	struct wh_err err;
	assert_int_equal(wh_hclust_dense(linkage, data->n, distance, weighted ? data->weight : NULL, merges, &err), WH_OK);
	return merges;
}

static void names_are_parsed(void **state)
{
	enum wh_linkage linkage;
	assert_true(wh_linkage_parse("average", &linkage) && linkage == WH_LINKAGE_AVERAGE);
	assert_true(wh_linkage_parse("single", &linkage) && linkage == WH_LINKAGE_SINGLE);
	assert_true(wh_linkage_parse("complete", &linkage) && linkage == WH_LINKAGE_COMPLETE);
	assert_false(wh_linkage_parse("ward", &linkage));
}

/* Without ties there is one right answer: dense, sparse and the dumb version give it. */
static void three_ways_agree(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (int round = 0; round < 1500; round++) {
		struct data data;
		struct wh_merge merges[MOST];
		uint32_t expected[MOST], group[MOST];
		enum wh_linkage linkage = (enum wh_linkage)(round % 3);
		make(&data, &rng, 2 + wh_rng_below(&rng, round % 10 ? 15 : MOST - 2), 0);
		if (linkage != WH_LINKAGE_AVERAGE || round % 2)
			for (size_t i = 0; i < data.n; i++)
				data.weight[i] = 1;
		double d = wh_rng_real(&rng);
		size_t n_groups = reference(&data, linkage, d, expected);
		assert_int_equal(wh_hclust_cut(data.n, dense(&data, linkage, true, merges), d, group), n_groups);
		assert_memory_equal(group, expected, data.n * sizeof *group);
		assert_int_equal(sparse(&data, &rng, linkage, d, true, 1 + round % 4, group), n_groups);
		assert_memory_equal(group, expected, data.n * sizeof *group);
	}
}

/* With ties there are many right answers: every merge must be one of the nearest pairs of its moment, at its right height. */
static void dense_is_greedy_with_ties(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 2);
	for (int round = 0; round < 300; round++) {
		struct data data;
		struct wh_merge merges[MOST];
		uint32_t group[MOST], name[2 * MOST];
		enum wh_linkage linkage = (enum wh_linkage)(round % 3);
		make(&data, &rng, 2 + wh_rng_below(&rng, 20), 1 + (unsigned)wh_rng_below(&rng, 5));
		dense(&data, linkage, true, merges);
		start(&data, group);
		for (uint32_t i = 0; i < data.n; i++)
			name[i] = i;
		for (size_t i = 0; i + 1 < data.n; i++) {
			uint32_t pair[2], a = name[merges[i].a], b = name[merges[i].b], size = 0;
			assert_true(nearest_groups(&data, linkage, group, 2, pair));
			double height = 1 - linkage_of(&data, linkage, group, a, b);
			assert_true(fabs(height - merges[i].height) < 1e-6);
			assert_true(fabs(height - (1 - linkage_of(&data, linkage, group, pair[0], pair[1]))) < 1e-6);
			assert_true(merges[i].a < merges[i].b);
			for (size_t j = 0; j < data.n; j++) {
				if (group[j] == (a < b ? b : a))
					group[j] = a < b ? a : b;
				size += group[j] == (a < b ? a : b);
			}
			assert_int_equal(merges[i].size, size);
			name[data.n + i] = a < b ? a : b;
		}
	}
}

/* Nothing that could merge is left, nothing is in a group that has no business there, and the same comes out every time. */
static void sparse_is_final_with_ties_and_constraints(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 3);
	for (int round = 0; round < 1500; round++) {
		struct data data;
		uint32_t group[MOST], again[MOST], name[MOST], pair[2], together[MOST];
		enum wh_linkage linkage = (enum wh_linkage)(round % 3);
		make(&data, &rng, 3 + wh_rng_below(&rng, 20), (unsigned)wh_rng_below(&rng, 6));
		for (size_t k = wh_rng_below(&rng, 4); k--; data.n_together++)
			for (int side = 0; side < 2; side++)
				data.together[data.n_together][side] = (uint32_t)wh_rng_below(&rng, data.n);
		start(&data, together);
		for (size_t k = wh_rng_below(&rng, 6); k--;) {
			uint32_t a = (uint32_t)wh_rng_below(&rng, data.n), b = (uint32_t)wh_rng_below(&rng, data.n);
			if (together[a] == together[b])
				continue;
			data.apart[data.n_apart][0] = a;
			data.apart[data.n_apart++][1] = b;
		}
		double d = wh_rng_real(&rng);
		size_t n_groups = sparse(&data, &rng, linkage, d, true, 1, group);
		assert_int_equal(sparse(&data, &rng, linkage, d, true, 3, again), n_groups);
		assert_memory_equal(group, again, data.n * sizeof *group);
		for (size_t k = 0; k < data.n_together; k++)
			assert_int_equal(group[data.together[k][0]], group[data.together[k][1]]);
		for (size_t k = 0; k < data.n_apart; k++)
			assert_int_not_equal(group[data.apart[k][0]], group[data.apart[k][1]]);
		for (size_t i = data.n; i--;)
			name[group[i]] = (uint32_t)i;
		for (size_t i = 0; i < data.n; i++)
			again[i] = name[group[i]];
		assert_false(nearest_groups(&data, linkage, again, d, pair));
		if (linkage == WH_LINKAGE_COMPLETE && !data.n_together)
			for (size_t i = 0; i < data.n; i++)
				for (size_t j = 0; j < i; j++)
					assert_true(group[i] != group[j] || wh_within_cut(1 - (double)data.similarity[i][j], d));
	}
}

/* Constraints and no ties: equal to the dumb version. */
static void constrained_agrees_with_reference(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 4);
	for (int round = 0; round < 1500; round++) {
		struct data data;
		uint32_t expected[MOST], group[MOST];
		enum wh_linkage linkage = (enum wh_linkage)(round % 3);
		make(&data, &rng, 4 + wh_rng_below(&rng, 20), 0);
		start(&data, group);
		for (size_t k = wh_rng_below(&rng, 8); k--; data.n_apart++) {
			data.apart[data.n_apart][0] = (uint32_t)wh_rng_below(&rng, data.n);
			data.apart[data.n_apart][1] = (uint32_t)(data.apart[data.n_apart][0] + 1) % (uint32_t)data.n;
		}
		for (size_t k = wh_rng_below(&rng, 4); k--; data.n_together++)
			for (int side = 0; side < 2; side++)
				data.together[data.n_together][side] = (uint32_t)wh_rng_below(&rng, data.n);
		double d = wh_rng_real(&rng);
		size_t n_groups = reference(&data, linkage, d, expected);
		assert_int_equal(sparse(&data, &rng, linkage, d, true, 2, group), n_groups);
		assert_memory_equal(group, expected, data.n * sizeof *group);
	}
}

/* Without ties the order of the points is of no account. */
static void points_in_any_order(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 5);
	for (int round = 0; round < 300; round++) {
		struct data data, moved;
		uint32_t to[MOST], group[MOST], again[MOST];
		enum wh_linkage linkage = (enum wh_linkage)(round % 3);
		make(&data, &rng, 4 + wh_rng_below(&rng, 40), 0);
		moved = data;
		for (uint32_t i = 0; i < data.n; i++)
			to[i] = i;
		wh_rng_shuffle(&rng, to, data.n);
		for (size_t i = 0; i < data.n; i++) {
			moved.weight[to[i]] = data.weight[i];
			for (size_t j = 0; j < data.n; j++)
				moved.similarity[to[i]][to[j]] = data.similarity[i][j];
		}
		double d = wh_rng_real(&rng);
		sparse(&data, &rng, linkage, d, true, 1, group);
		sparse(&moved, &rng, linkage, d, true, 1, again);
		for (size_t i = 0; i < data.n; i++)
			for (size_t j = 0; j < i; j++)
				assert_int_equal(group[i] == group[j], again[to[i]] == again[to[j]]);
	}
}

/* Point 0 is as near to 2 as to the cluster of 1 and 4, whose slot is that of 4 with its many links: the smallest point decides. */
static void ties_go_to_the_smallest_point(void **state)
{
	static const uint32_t together[][2] = { { 4, 1 } };
	static const struct wh_near one[] = { { 0, 0.9f } }, four[] = { { 0, 0.9f }, { 1, 0.9f } }, five[] = { { 4, 0.9f } };
	static const struct wh_row rows[] = { { 0 }, { one, 1 }, { one, 1 }, { 0 }, { four, 2 }, { five, 1 } };
	const struct wh_hclust_sparse input = {
		.n = 6, .d = 0.2, .rows = rows, .together = together, .n_together = 1,
	};
	static const uint32_t expected[] = { 0, 0, 1, 2, 0, 3 };
	uint32_t group[6];
	size_t n_groups;
	struct wh_err err;
	assert_int_equal(wh_hclust_sparse(&input, NULL, group, &n_groups, &err), WH_OK);
	assert_int_equal(n_groups, 4);
	assert_memory_equal(group, expected, sizeof group);
	float distance[] = { 0.1f, 0.1f, 0.9f }; /* 0-1, 0-2, 1-2 */
	struct wh_merge merges[2];
	assert_int_equal(wh_hclust_dense(WH_LINKAGE_COMPLETE, 3, distance, NULL, merges, &err), WH_OK);
	assert_true(merges[0].a == 0 && merges[0].b == 1);
}

/* The cut and the value stored as a float are the same number to people: dense and sparse must both say so. */
static void cuts_forgive_floats(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 6);
	for (int percent = 1; percent < 100; percent++) {
		struct data data = { .n = 2, .weight = { 1, 1 } };
		struct wh_merge merges[1];
		uint32_t group[2];
		data.similarity[0][1] = data.similarity[1][0] = (float)(1 - percent / 100.0);
		for (int linkage = 0; linkage < 3; linkage++) {
			dense(&data, (enum wh_linkage)linkage, false, merges);
			assert_int_equal(wh_hclust_cut(2, merges, percent / 100.0, group), 1);
			assert_int_equal(wh_hclust_cut(2, merges, percent / 100.0 - 1e-6, group), 2);
			assert_int_equal(sparse(&data, &rng, (enum wh_linkage)linkage, percent / 100.0, false, 1, group), 1);
			assert_int_equal(sparse(&data, &rng, (enum wh_linkage)linkage, percent / 100.0 - 1e-6, false, 1, group), 2);
		}
	}
}

/* Grids have ties everywhere, and rounding: heights must rise, and all k be cut. */
static void ward_of_grids(void **state)
{
	enum { SIDE = 9, GRID = SIDE * SIDE };
	float distance[GRID * (GRID - 1) / 2];
	struct wh_merge merges[GRID - 1];
	uint32_t group[GRID];
	struct wh_err err;
	for (size_t i = 0; i < GRID; i++)
		for (size_t j = i + 1; j < GRID; j++) {
			double across = (double)(i % SIDE) - (double)(j % SIDE), down = (double)(i / SIDE) - (double)(j / SIDE);
			distance[wh_condensed(GRID, i, j)] = (float)(sqrt(across * across + down * down) / 3);
		}
	assert_int_equal(wh_hclust_dense(WH_LINKAGE_WARD, GRID, distance, NULL, merges, &err), WH_OK);
	for (size_t i = 1; i < GRID - 1; i++)
		assert_true(merges[i].height >= merges[i - 1].height);
	assert_int_equal(merges[GRID - 2].size, GRID);
	for (size_t k = 1; k <= GRID; k++) {
		uint32_t most = 0;
		wh_hclust_cut_k(GRID, merges, k, group);
		for (size_t i = 0; i < GRID; i++)
			most = group[i] > most ? group[i] : most;
		assert_int_equal(most + 1, k);
	}
}

static void refuses_nonsense(void **state)
{
	const struct wh_near above = { 1, 1 }, fine = { 0, 1 };
	const struct wh_row none[2] = { 0 }, bad[] = { { 0 }, { &above, 1 } }, good[] = { { 0 }, { &fine, 1 } };
	const uint32_t pair[1][2] = { { 0, 3 } };
	uint32_t group[2];
	size_t n_groups;
	struct wh_err err;
	struct wh_hclust_sparse input = { .n = 2, .d = 0.5, .rows = bad };
	assert_int_equal(wh_hclust_sparse(&input, NULL, group, &n_groups, &err), WH_E_USAGE);
	input = (struct wh_hclust_sparse){ .n = 2, .rows = none, .apart = pair, .n_apart = 1 };
	assert_int_equal(wh_hclust_sparse(&input, NULL, group, &n_groups, &err), WH_E_USAGE);
	input = (struct wh_hclust_sparse){ .n = 2, .rows = none, .linkage = WH_LINKAGE_AVERAGE };
	assert_int_equal(wh_hclust_sparse(&input, NULL, group, &n_groups, &err), WH_E_USAGE);
	input = (struct wh_hclust_sparse){ .n = 2, .rows = none, .linkage = WH_LINKAGE_WARD };
	assert_int_equal(wh_hclust_sparse(&input, NULL, group, &n_groups, &err), WH_E_USAGE);
	input = (struct wh_hclust_sparse){ .n = 0 };
	assert_int_equal(wh_hclust_sparse(&input, NULL, group, &n_groups, &err), WH_OK);
	assert_int_equal(n_groups, 0);
	atomic_bool cancelled = true;
	const struct wh_host host = { .cancelled = &cancelled };
	input = (struct wh_hclust_sparse){ .n = 2, .d = 0.5, .rows = good };
	assert_int_equal(wh_hclust_sparse(&input, &host, group, &n_groups, &err), WH_E_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_parsed),
		cmocka_unit_test(three_ways_agree),
		cmocka_unit_test(dense_is_greedy_with_ties),
		cmocka_unit_test(sparse_is_final_with_ties_and_constraints),
		cmocka_unit_test(constrained_agrees_with_reference),
		cmocka_unit_test(points_in_any_order),
		cmocka_unit_test(ties_go_to_the_smallest_point),
		cmocka_unit_test(cuts_forgive_floats),
		cmocka_unit_test(ward_of_grids),
		cmocka_unit_test(refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
