/* SPDX-License-Identifier: Apache-2.0 */
/* Nearest neighbours beside all pairs; maps: gradients, forces, what they show and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "learn/knn.h"
#include "learn/tsne.h"

static const struct wh_host one = { .threads = 1, .seed = 1 }, two = { .threads = 2, .seed = 1 };

/* n points of d floats about `planted` centres that are far apart, point i about centre i % planted. */
static float *points(size_t n, size_t d, size_t planted)
{
	float *x = malloc(n * d * sizeof *x), *centres = malloc(planted * d * sizeof *centres);
	struct wh_rng rng;
	assert_true(x && centres);
	wh_rng_init(&rng, 7);
	for (size_t i = 0; i < planted * d; i++)
		centres[i] = (float)(10 * wh_rng_real(&rng));
	for (size_t i = 0; i < n * d; i++)
		x[i] = centres[i / d % planted * d + i % d] + (float)(wh_rng_real(&rng) + wh_rng_real(&rng));
	free(centres);
	return x;
}

static double distance(const float *a, const float *b, size_t d)
{
	double sum = 0;
	for (size_t i = 0; i < d; i++)
		sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	return sum;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* Every row holds distances that are true of its points, each once, and as small as the k smallest of all. */
static void check_neighbours(const float *x, size_t n, const float *y, size_t m, size_t d, size_t k)
{
	uint32_t *neighbour = calloc(m * k + 1, sizeof *neighbour), *alone = calloc(m * k + 1, sizeof *alone);
	float *found = calloc(m * k + 1, sizeof *found);
	double *all = malloc((n + 1) * sizeof *all);
	struct wh_err err;
	const float *queries = y ? y : x;
	assert_int_equal(wh_knn(x, n, y, m, d, k, &one, alone, found, &err), WH_OK);
	assert_int_equal(wh_knn(x, n, y, m, d, k, &two, neighbour, found, &err), WH_OK);
	assert_memory_equal(neighbour, alone, m * k * sizeof *alone);
	for (size_t q = 0; q < m; q++) {
		size_t n_all = 0;
		for (size_t i = 0; i < n; i++)
			if (y || i != q)
				all[n_all++] = distance(x + i * d, queries + q * d, d);
		qsort(all, n_all, sizeof *all, by_value);
		for (size_t c = 0; c < k; c++) {
			const size_t at = q * k + c;
			double truly = distance(x + neighbour[at] * d, queries + q * d, d);
			assert_true(y || neighbour[at] != q);
			assert_true(fabs(found[at] - truly) <= 1e-5 * truly + 1e-12);
			assert_true(fabs(found[at] - all[c]) <= 1e-5 * all[c] + 1e-12);
			assert_true(!c || found[at - 1] < found[at] || (found[at - 1] == found[at] && neighbour[at - 1] < neighbour[at]));
		}
	}
	free(neighbour);
	free(alone);
	free(found);
	free(all);
}

static void neighbours_are_the_nearest(void **state)
{
	float *x = points(1500, 19, 5);
	check_neighbours(x, 1500, NULL, 1500, 19, 40);
	check_neighbours(x, 700, x + 700 * 19, 300, 19, 1);
	check_neighbours(x, 700, x + 700 * 19, 300, 19, 700);
	check_neighbours(x, 20, NULL, 20, 64, 19);
	check_neighbours(x, 600, NULL, 600, 1, 9);
	free(x);
}

/* Equal points are neighbours of each other, by number. */
static void ties_go_by_number(void **state)
{
	float x[60] = { 0 }, found[60 * 3];
	uint32_t neighbour[60 * 3];
	struct wh_err err;
	assert_int_equal(wh_knn(x, 60, NULL, 60, 1, 3, &one, neighbour, found, &err), WH_OK);
	for (size_t i = 0; i < 60; i++)
		for (size_t c = 0; c < 3; c++)
			assert_true(found[i * 3 + c] == 0 && neighbour[i * 3 + c] == c + (c >= i));
}

static void neighbours_refuse(void **state)
{
	float x[4] = { 1, 2, 3, NAN }, found[8];
	uint32_t neighbour[8];
	struct wh_err err;
	assert_int_equal(wh_knn(x, 3, NULL, 3, 1, 3, &one, neighbour, found, &err), WH_E_USAGE);
	assert_int_equal(wh_knn(x, 3, x, 1, 1, 4, &one, neighbour, found, &err), WH_E_USAGE);
	assert_int_equal(wh_knn(x, 4, NULL, 4, 1, 1, &one, neighbour, found, &err), WH_E_USAGE);
	assert_int_equal(wh_knn(x, 3, x + 3, 1, 1, 1, &one, neighbour, found, &err), WH_E_USAGE);
	x[3] = -INFINITY;
	assert_int_equal(wh_knn(x, 4, NULL, 4, 1, 1, &one, neighbour, found, &err), WH_E_USAGE);
	x[3] = 3e38f;
	assert_int_equal(wh_knn(x, 4, NULL, 4, 1, 1, &one, neighbour, found, &err), WH_E_USAGE);
	assert_int_equal(wh_knn(x, 3, x + 3, 1, 1, 1, &one, neighbour, found, &err), WH_E_USAGE);
	assert_int_equal(wh_knn(x, 0, NULL, 0, 1, 0, &one, neighbour, found, &err), WH_OK);
}

/* Rows sum to 1 before they are made symmetric: so the whole sums to 1; their entropy is that of the perplexity. */
static void affinities(void **state)
{
	enum { N = 300, D = 6 };
	float *x = points(N, D, 3);
	struct wh_affinity a;
	struct wh_err err;
	assert_int_equal(wh_affinity_init(&a, x, N, D, 20, &two, &err), WH_OK);
	double sum = 0, entropy = 0;
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(a.first[i] % WH_AFFINITY_LANES, 0);
		for (size_t e = a.first[i]; e < a.first[i + 1]; e++) {
			bool back = false;
			sum += a.p[e];
			entropy -= a.p[e] > 0 ? a.p[e] * log(a.p[e]) : 0;
			assert_true(a.p[e] == 0 || a.other[e] % 3 == i % 3); /* neighbours have the same centre */
			for (size_t f = a.first[a.other[e]]; f < a.first[a.other[e] + 1]; f++)
				back = back || (a.other[f] == i && a.p[f] == a.p[e]);
			assert_true(back || a.p[e] == 0);
		}
	}
	assert_true(fabs(sum - 1) < 1e-5 && fabs(entropy - a.entropy) < 1e-9);
	/* no less than that of the rows alone, with n of them */
	assert_true(a.entropy > log(20 * N) - 1e-3);
	wh_affinity_release(&a);
	assert_int_equal(wh_affinity_init(&a, x, N, D, 0.5, &two, &err), WH_E_USAGE);
	assert_int_equal(wh_affinity_init(&a, x, N, D, NAN, &two, &err), WH_E_USAGE);
	free(x);
}

static double divergence_of(const struct wh_affinity *a, const float *map, enum wh_repulsion_kind kind, float *gradient)
{
	struct wh_err err;
	double divergence;
	assert_int_equal(wh_tsne_divergence(a, map, kind, &two, &divergence, gradient, &err), WH_OK);
	return divergence;
}

/* KL(P || Q) by its definition, over all pairs, in doubles. */
static double by_definition(const struct wh_affinity *a, const float *map)
{
	double weights = 0, sum = 0;
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < a->n; j++)
			weights += i == j ? 0 : 1 / (1 + distance(map + 2 * i, map + 2 * j, 2));
	for (size_t i = 0; i < a->n; i++)
		for (size_t e = a->first[i]; e < a->first[i + 1]; e++)
			if (a->p[e] > 0)
				sum += a->p[e] * log(a->p[e] * weights * (1 + distance(map + 2 * i, map + 2 * a->other[e], 2)));
	return sum;
}

static void gradients_are_slopes(void **state)
{
	enum { N = 60, D = 4 };
	float *x = points(N, D, 2), map[2 * N], gradient[2 * N];
	struct wh_affinity a;
	struct wh_rng rng;
	struct wh_err err;
	assert_int_equal(wh_affinity_init(&a, x, N, D, 10, &one, &err), WH_OK);
	wh_rng_init(&rng, 3);
	for (size_t c = 0; c < 2 * N; c++)
		map[c] = (float)(6 * wh_rng_real(&rng) - 3);
	assert_true(fabs(divergence_of(&a, map, WH_REPULSION_EXACT, gradient) - by_definition(&a, map)) < 1e-5);
	for (size_t c = 0; c < 2 * N; c++) {
		const float at = map[c], h = 1.0f / 256;
		map[c] = at + h;
		double above = by_definition(&a, map);
		map[c] = at - h;
		double slope = (above - by_definition(&a, map)) / (2 * (double)h);
		map[c] = at;
		assert_true(fabs(4 * (double)gradient[c] - slope) < 1e-5 + 1e-3 * fabs(slope));
	}
	wh_affinity_release(&a);
	free(x);
}

static void grids_repel_as_pairs_do(void **state)
{
	enum { N = 2000, D = 5 };
	float *x = points(N, D, 4), map[2 * N], exact[2 * N], grid[2 * N];
	struct wh_affinity a;
	struct wh_err err;
	assert_int_equal(wh_affinity_init(&a, x, N, D, 10, &two, &err), WH_OK);
	/* of a start, of maps, and of one that is sparse: what counts there is the nearest point, which a grid blurs */
	static const struct { double extent, apart; } cases[] = { { 1e-4, 0.03 }, { 1, 1e-4 }, { 20, 6e-3 }, { 60, 2e-2 } };
	struct wh_rng rng;
	wh_rng_init(&rng, 3);
	for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
		for (size_t c = 0; c < 2 * N; c++)
			map[c] = (float)(cases[t].extent * wh_rng_real(&rng));
		double truly = divergence_of(&a, map, WH_REPULSION_EXACT, exact);
		assert_true(fabs(divergence_of(&a, map, WH_REPULSION_GRID, grid) - truly) < 1e-3 * truly);
		double apart = 0, force = 0;
		for (size_t c = 0; c < 2 * N; c++) {
			apart += pow((double)exact[c] - grid[c], 2);
			force += pow(exact[c], 2);
		}
		assert_true(sqrt(apart / force) < cases[t].apart);
	}
	wh_affinity_release(&a);
	free(x);
}

/* Whether every point's nearest neighbour in the map has the same centre; how many have not. */
static size_t strangers(const float *map, size_t n, size_t planted)
{
	uint32_t *neighbour = malloc(n * sizeof *neighbour);
	float *found = malloc(n * sizeof *found);
	size_t strange = 0;
	struct wh_err err;
	assert_int_equal(wh_knn(map, n, NULL, n, 2, 1, &one, neighbour, found, &err), WH_OK);
	for (size_t i = 0; i < n; i++)
		strange += neighbour[i] % planted != i % planted;
	free(neighbour);
	free(found);
	return strange;
}

static void planted_groups_part(void **state)
{
	enum { N = 400, D = 10, GROUPS = 5 };
	float *x = points(N, D, GROUPS), map[2 * N], alone[2 * N];
	struct wh_tsne_params params = wh_tsne_defaults;
	struct wh_err err;
	params.iterations = 400;
	params.exaggerated = 100;
	for (int kind = WH_REPULSION_EXACT; kind <= WH_REPULSION_GRID; kind++) {
		double divergence, again;
		params.repulsion = (enum wh_repulsion_kind)kind;
		assert_int_equal(wh_tsne(x, N, D, &params, &two, map, &divergence, &err), WH_OK);
		assert_int_equal(strangers(map, N, GROUPS), 0);
		assert_true(divergence > 0 && divergence < 1);
		assert_int_equal(wh_tsne(x, N, D, &params, &one, alone, &again, &err), WH_OK);
		assert_memory_equal(map, alone, sizeof map);
		assert_true(divergence == again);
	}
	free(x);
}

/* Thousands of points, so that the work is cut into pieces and shards: the same for any number of threads. */
static void threads_give_the_same(void **state)
{
	enum { N = 9000, D = 3 };
	float *x = points(N, D, 9), *map = malloc(2 * N * sizeof *map), *alone = malloc(2 * N * sizeof *alone);
	struct wh_tsne_params params = wh_tsne_defaults;
	struct wh_host three = { .threads = 3, .seed = 1 };
	double divergence, again;
	struct wh_err err;
	params.iterations = 40;
	params.exaggerated = 20;
	params.perplexity = 5;
	assert_int_equal(wh_tsne(x, N, D, &params, &three, map, &divergence, &err), WH_OK);
	assert_int_equal(wh_tsne(x, N, D, &params, &one, alone, &again, &err), WH_OK);
	assert_memory_equal(map, alone, 2 * N * sizeof *map);
	assert_true(divergence == again);
	free(x);
	free(map);
	free(alone);
}

static void more_points_join_a_map(void **state)
{
	enum { N = 400, OLD = 300, D = 10, GROUPS = 5 };
	float *x = points(N, D, GROUPS), map[2 * N], old[2 * OLD];
	struct wh_tsne_params params = wh_tsne_defaults;
	struct wh_err err;
	assert_int_equal(wh_tsne(x, OLD, D, &params, &two, map, NULL, &err), WH_OK);
	memcpy(old, map, sizeof old);
	params.placed = OLD;
	params.hold = true;
	params.iterations = 200;
	assert_int_equal(wh_tsne(x, N, D, &params, &two, map, NULL, &err), WH_OK);
	assert_memory_equal(map, old, sizeof old);
	assert_int_equal(strangers(map, N, GROUPS), 0);
	params.hold = false;
	assert_int_equal(wh_tsne(x, N, D, &params, &two, map, NULL, &err), WH_OK);
	assert_memory_not_equal(map, old, sizeof old);
	assert_int_equal(strangers(map, N, GROUPS), 0);
	params.placed = N + 1;
	assert_int_equal(wh_tsne(x, N, D, &params, &two, map, NULL, &err), WH_E_USAGE);
	params.placed = OLD;
	map[0] = NAN;
	assert_int_equal(wh_tsne(x, N, D, &params, &two, map, NULL, &err), WH_E_USAGE);
	free(x);
}

/* Finite, and not all in one place. */
static void assert_spread(const float *map, size_t n)
{
	bool spread = n < 2;
	for (size_t i = 0; i < n; i++) {
		assert_true(isfinite(map[2 * i]) && isfinite(map[2 * i + 1]));
		spread = spread || memcmp(map, map + 2 * i, 2 * sizeof *map) != 0;
	}
	assert_true(spread);
}

static void few_points_and_equal_ones(void **state)
{
	enum { MOST = 100 };
	float x[3 * MOST] = { 0 }, map[2 * MOST];
	struct wh_err err;
	for (size_t n = 0; n <= 12; n++) {
		double divergence;
		for (size_t i = 0; i < 3 * n; i++)
			x[i] = (float)(i * i % 7);
		assert_int_equal(wh_tsne(x, n, 3, &wh_tsne_defaults, &two, map, &divergence, &err), WH_OK);
		assert_spread(map, n);
		assert_true(divergence > -1e-5);
	}
	for (int kind = WH_REPULSION_EXACT; kind <= WH_REPULSION_GRID; kind++) {
		struct wh_tsne_params params = wh_tsne_defaults;
		params.repulsion = (enum wh_repulsion_kind)kind;
		memset(x, 0, sizeof x);
		assert_int_equal(wh_tsne(x, MOST, 3, &params, &two, map, NULL, &err), WH_OK);
		assert_spread(map, MOST);
		/* no dimensions at all: all are equal, too */
		assert_int_equal(wh_tsne(x, MOST, 0, &params, &two, map, NULL, &err), WH_OK);
		assert_spread(map, MOST);
	}
	/* more dimensions than points */
	assert_int_equal(wh_tsne(x, 5, 40, &wh_tsne_defaults, &two, map, NULL, &err), WH_OK);
	assert_spread(map, 5);
}

static void maps_refuse(void **state)
{
	float x[20] = { 0 }, map[20];
	double divergence;
	struct wh_affinity a;
	struct wh_err err;
	struct wh_tsne_params params = wh_tsne_defaults;
	x[7] = NAN;
	assert_int_equal(wh_tsne(x, 10, 2, &params, &one, map, NULL, &err), WH_E_USAGE);
	x[7] = 1;
	params.perplexity = 0;
	assert_int_equal(wh_tsne(x, 10, 2, &params, &one, map, NULL, &err), WH_E_USAGE);
	params = wh_tsne_defaults;
	params.learning_rate = -1;
	assert_int_equal(wh_tsne(x, 10, 2, &params, &one, map, NULL, &err), WH_E_USAGE);
	params.learning_rate = 1e30;
	params.repulsion = WH_REPULSION_GRID;
	assert_int_equal(wh_tsne(x, 10, 2, &params, &one, map, NULL, &err), WH_E_USAGE);
	params = wh_tsne_defaults;
	params.exaggeration = NAN;
	assert_int_equal(wh_tsne(x, 10, 2, &params, &one, map, NULL, &err), WH_E_USAGE);
	assert_int_equal(wh_affinity_init(&a, x, 10, 2, 3, &one, &err), WH_OK);
	map[3] = INFINITY;
	assert_int_equal(wh_tsne_divergence(&a, map, WH_REPULSION_AUTO, &one, &divergence, NULL, &err), WH_E_USAGE);
	wh_affinity_release(&a);
}

struct seen {
	size_t told, logged;
	uint64_t last;
	atomic_bool stop;
};

static void progress(void *user, const char *phase, uint64_t done, uint64_t total)
{
	struct seen *seen = user;
	if (strcmp(phase, "mapping"))
		return;
	seen->told++;
	seen->last = done;
	assert_true(done <= total);
	if (done == 60)
		atomic_store(&seen->stop, true);
}

static void talk(void *user, enum wh_level level, const char *text)
{
	struct seen *seen = user;
	size_t iteration;
	double divergence;
	assert_int_equal(sscanf(text, "iteration %zu: divergence %lf", &iteration, &divergence), 2);
	assert_true(divergence > 0 && divergence < 10);
	seen->logged++;
}

static void progress_and_an_end(void **state)
{
	enum { N = 80, D = 3 };
	float *x = points(N, D, 2), map[2 * N];
	struct seen seen = { 0 };
	struct wh_host host = { .threads = 1, .progress = progress, .log = talk, .user = &seen, .cancelled = &seen.stop };
	struct wh_err err;
	assert_int_equal(wh_tsne(x, N, D, &wh_tsne_defaults, &host, map, NULL, &err), WH_E_CANCELLED);
	assert_true(seen.told == 60 && seen.last == 60 && seen.logged == 2);
	free(x);
}

struct mapping {
	const float *x;
	size_t n, placed;
	enum wh_repulsion_kind repulsion;
};

static int map_once(const void *user, struct wh_err *err)
{
	const struct mapping *m = user;
	struct wh_tsne_params params = wh_tsne_defaults;
	float *map = (float[200]){ 0 };
	double divergence;
	params.iterations = 2;
	params.placed = m->placed;
	params.repulsion = m->repulsion;
	return wh_tsne(m->x, m->n, 3, &params, &one, map, &divergence, err);
}

static void memory_may_lack(void **state)
{
	float *x = points(100, 3, 2);
	assert_true(failing_each(map_once, &(struct mapping){ x, 100, 0, WH_REPULSION_EXACT }, NULL) > 20);
	assert_true(failing_each(map_once, &(struct mapping){ x, 100, 0, WH_REPULSION_GRID }, NULL) > 20);
	assert_true(failing_each(map_once, &(struct mapping){ x, 100, 60, WH_REPULSION_AUTO }, NULL) > 20);
	free(x);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_are_the_nearest),
		cmocka_unit_test(ties_go_by_number),
		cmocka_unit_test(neighbours_refuse),
		cmocka_unit_test(affinities),
		cmocka_unit_test(gradients_are_slopes),
		cmocka_unit_test(grids_repel_as_pairs_do),
		cmocka_unit_test(planted_groups_part),
		cmocka_unit_test(threads_give_the_same),
		cmocka_unit_test(more_points_join_a_map),
		cmocka_unit_test(few_points_and_equal_ones),
		cmocka_unit_test(maps_refuse),
		cmocka_unit_test(progress_and_an_end),
		cmocka_unit_test(memory_may_lack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
