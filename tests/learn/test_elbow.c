/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/elbow.h"

enum { N = 240, D = 8, MANY = 4500 };

static float points[N * D];

static double gauss(struct wh_rng *rng)
{
	return sqrt(-2 * log(1 - wh_rng_real(rng))) * cos(2 * M_PI * wh_rng_real(rng));
}

/* k blobs of unequal sizes; blob[N]. */
static void make(size_t k, double apart, uint64_t seed, uint32_t *blob)
{
	struct wh_rng rng;
	wh_rng_init(&rng, seed);
	double centre[16][D];
	for (size_t j = 0; j < k; j++)
		for (size_t c = 0; c < D; c++)
			centre[j][c] = apart * gauss(&rng);
	for (size_t i = 0; i < N; i++) {
		double u = wh_rng_real(&rng);
		blob[i] = (uint32_t)(pow(u, 1.3) * (double)k);
		for (size_t c = 0; c < D; c++)
			points[i * D + c] = (float)(centre[blob[i]][c] + gauss(&rng) * (c ? 1 : 3));
	}
}

static struct wh_elbow choose(const struct wh_elbow_params *params, unsigned threads, uint32_t *label)
{
	const struct wh_host host = { .threads = threads };
	struct wh_elbow elbow;
	struct wh_err err;
	assert_int_equal(wh_elbow(points, N, D, NULL, params, &host, label, &elbow, &err), WH_OK);
	return elbow;
}

static void finds_planted_clusters(void **state)
{
	static const size_t planted[] = { 2, 3, 5, 9 };
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
		uint32_t blob[N], label[N];
		const struct wh_elbow_params params = { .most = 14, .starts = 5, .references = 5, .halvings = 2, .every_gap = i == 1 };
		make(planted[i], 12, i, blob);
		struct wh_elbow elbow = choose(&params, 1, label);
		assert_int_equal(elbow.k, planted[i]);
		assert_int_equal(elbow.by_silhouette, planted[i]);
		assert_int_equal(elbow.by_davies_bouldin, planted[i]);
		assert_true(elbow.by_stability > 0 && elbow.by_stability <= planted[i]); /* halves may well agree on fewer */
		assert_int_equal(elbow.n, 14);
		assert_int_equal(elbow.kmeans.k, planted[i]);
		for (size_t a = 0; a < N; a++)
			for (size_t b = 0; b < a; b++)
				assert_int_equal(blob[a] == blob[b], label[a] == label[b]);
		for (size_t p = 0; p < elbow.n; p++) {
			const struct wh_elbow_point *point = &elbow.points[p];
			assert_int_equal(point->k, p + 1);
			assert_true(p == 0 || point->inertia < point[-1].inertia);
			assert_true(isnan(point->index.silhouette) == (p == 0) && isnan(point->stability) == (p == 0));
			assert_true(isnan(point->gap) == (i != 1 && p != 0 && point->k != elbow.k));
		}
		assert_true(i != 1 || elbow.by_gap > 0);
		wh_elbow_release(&elbow);
	}
}

/* A Gaussian longer in one direction than in others is one cluster, whatever silhouettes say. */
static void finds_one_cluster(void **state)
{
	for (uint64_t seed = 0; seed < 8; seed++) {
		uint32_t blob[N], label[N];
		const struct wh_elbow_params params = { .most = 8, .starts = 3, .seed = seed };
		make(1, 0, seed, blob);
		struct wh_elbow elbow = choose(&params, 2, label);
		assert_int_equal(elbow.k, 1);
		assert_true(elbow.by_silhouette > 1);
		assert_true(fabs(elbow.points[0].gap) <= 4 * elbow.points[0].gap_error);
		assert_int_equal(elbow.kmeans.k, 1);
		for (size_t i = 0; i < N; i++)
			assert_int_equal(label[i], 0);
		wh_elbow_release(&elbow);
	}
}

static void same_for_any_threads(void **state)
{
	uint32_t blob[N], label[N], again[N];
	const struct wh_elbow_params params = { .most = 6, .starts = 3, .references = 4, .halvings = 2, .every_gap = true, .seed = 5 };
	make(4, 3, 5, blob);
	struct wh_elbow one = choose(&params, 1, label), three = choose(&params, 3, again);
	assert_int_equal(one.n, three.n);
	assert_memory_equal(label, again, sizeof label);
	for (size_t i = 1; i < one.n; i++)
		assert_memory_equal(&one.points[i], &three.points[i], sizeof *one.points);
	wh_elbow_release(&one);
	wh_elbow_release(&three);
}

static void few_different_points(void **state)
{
	const float same[] = { 7, 7, 7, 7, 7 }, three[] = { 1, 1, 5, 5, 9, 9, 9 }, two[] = { 3, 8 };
	const uint32_t often[] = { 50, 70 };
	const struct wh_elbow_params params = { 0 };
	uint32_t label[7];
	struct wh_elbow elbow;
	struct wh_err err;
	assert_int_equal(wh_elbow(same, 5, 1, NULL, &params, NULL, label, &elbow, &err), WH_OK);
	assert_int_equal(elbow.k, 1);
	assert_int_equal(elbow.n, 1);
	wh_elbow_release(&elbow);
	assert_int_equal(wh_elbow(same, 1, 1, NULL, &params, NULL, label, &elbow, &err), WH_OK);
	assert_int_equal(elbow.k, 1);
	wh_elbow_release(&elbow);
	assert_int_equal(wh_elbow(two, 2, 1, NULL, &params, NULL, label, &elbow, &err), WH_OK);
	assert_int_equal(elbow.k, 1); /* two observations are no clusters */
	wh_elbow_release(&elbow);
	assert_int_equal(wh_elbow(two, 2, 1, often, &params, NULL, label, &elbow, &err), WH_OK);
	assert_int_equal(elbow.k, 2); /* many in two places are */
	wh_elbow_release(&elbow);
	assert_int_equal(wh_elbow(three, 7, 1, NULL, &params, NULL, label, &elbow, &err), WH_OK);
	assert_int_equal(elbow.k, 3);
	assert_int_equal(elbow.n, 3);
	assert_true(isinf(elbow.points[2].gap));
	wh_elbow_release(&elbow);
}

/* Blobs whose points come in tight pairs: pairs have larger silhouettes, but not even halves of the points agree on which. */
static void clusters_come_again(void **state)
{
	enum { BLOBS = 6, PAIRS = 3, ALL = 2 * PAIRS * BLOBS };
	struct wh_rng rng;
	uint32_t label[ALL];
	struct wh_err err;
	wh_rng_init(&rng, 11);
	for (size_t b = 0; b < BLOBS; b++) {
		double centre[D];
		for (size_t c = 0; c < D; c++)
			centre[c] = b == c ? 60 : 0;
		for (size_t p = 0; p < PAIRS; p++)
			for (size_t c = 0; c < D; c++) {
				double middle = centre[c] + 5 * gauss(&rng);
				for (size_t i = 0; i < 2; i++)
					points[((b * PAIRS + p) * 2 + i) * D + c] = (float)(middle + 0.1 * gauss(&rng));
			}
	}
	for (unsigned halvings = 0; halvings <= 8; halvings += 8) {
		const struct wh_elbow_params params = { .halvings = halvings };
		struct wh_elbow elbow;
		assert_int_equal(wh_elbow(points, ALL, D, NULL, &params, NULL, label, &elbow, &err), WH_OK);
		assert_true(elbow.by_silhouette > BLOBS);
		assert_int_equal(elbow.k, halvings ? BLOBS : elbow.by_silhouette);
		for (size_t i = 0; halvings && i < ALL; i++)
			assert_int_equal(label[i] == label[0], i < 2 * PAIRS);
		wh_elbow_release(&elbow);
	}
}

/* Where there are too many points to compare all, samples of them tell. */
static void samples_of_many(void **state)
{
	static float x[MANY];
	static uint32_t label[MANY];
	struct wh_rng rng;
	wh_rng_init(&rng, 3);
	for (size_t i = 0; i < MANY; i++)
		x[i] = (float)(gauss(&rng) + 20 * (double)(i % 3));
	const struct wh_elbow_params params = { .most = 4, .starts = 2, .references = 2, .halvings = 1 };
	const struct wh_host host = { .threads = 2 };
	struct wh_elbow elbow;
	struct wh_err err;
	assert_int_equal(wh_elbow(x, MANY, 1, NULL, &params, &host, label, &elbow, &err), WH_OK);
	assert_int_equal(elbow.k, 3);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(label[i], i % 3);
	wh_elbow_release(&elbow);
}

static void refuses_nonsense(void **state)
{
	float x[] = { 1, NAN, 3 };
	uint32_t label[3];
	struct wh_elbow elbow;
	struct wh_err err;
	assert_int_equal(wh_elbow(x, 3, 1, NULL, &(struct wh_elbow_params){ 0 }, NULL, label, &elbow, &err), WH_E_USAGE);
	wh_elbow_release(&elbow);
	assert_int_equal(wh_elbow(x, 0, 1, NULL, &(struct wh_elbow_params){ 0 }, NULL, label, &elbow, &err), WH_E_USAGE);
	wh_elbow_release(&elbow);
	assert_int_equal(wh_elbow(x, 3, 1, NULL, &(struct wh_elbow_params){ .least = 3, .most = 2 }, NULL, label, &elbow, &err), WH_E_USAGE);
	wh_elbow_release(&elbow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_planted_clusters),
		cmocka_unit_test(clusters_come_again),
		cmocka_unit_test(finds_one_cluster),
		cmocka_unit_test(same_for_any_threads),
		cmocka_unit_test(few_different_points),
		cmocka_unit_test(samples_of_many),
		cmocka_unit_test(refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
