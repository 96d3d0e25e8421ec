/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/kmeans.h"

enum { N = 700, D = 12, K = 9 };

static float points[N * D];

static double gauss(struct wh_rng *rng)
{
	return sqrt(-2 * log(1 - wh_rng_real(rng))) * cos(2 * M_PI * wh_rng_real(rng));
}

/* K blobs; point i is of blob i % K. */
static void make(double spread, double offset, uint64_t seed)
{
	struct wh_rng rng;
	wh_rng_init(&rng, seed);
	double centre[K][D];
	for (size_t j = 0; j < K; j++)
		for (size_t c = 0; c < D; c++)
			centre[j][c] = offset + 4 * gauss(&rng);
	for (size_t i = 0; i < N; i++)
		for (size_t c = 0; c < D; c++)
			points[i * D + c] = (float)(centre[i % K][c] + spread * gauss(&rng));
}

static double distance2(const float *a, const float *b, size_t d)
{
	double sum = 0;
	for (size_t c = 0; c < d; c++)
		sum += ((double)a[c] - b[c]) * ((double)a[c] - b[c]);
	return sum;
}

static struct wh_kmeans run(const struct wh_kmeans_params *params, const uint32_t *weight, unsigned threads, uint32_t *label)
{
	const struct wh_host host = { .threads = threads };
	struct wh_kmeans result;
	struct wh_err err;
	assert_int_equal(wh_kmeans(points, N, D, weight, params, &host, label, &result, &err), WH_OK);
	return result;
}

/* Labels are those of the nearest centroids, centroids the means of their points: a fixed point, and inertia says how far off. */
static void is_a_fixed_point(void **state)
{
	for (int round = 0; round < 6; round++) {
		make(round % 2 ? 0.5 : 3, round < 3 ? 0 : 1e4, (uint64_t)round);
		uint32_t label[N];
		const struct wh_kmeans_params params = { .k = K + (size_t)round, .starts = 2, .tolerance = -1, .seed = 3 };
		struct wh_kmeans result = run(&params, NULL, 1, label);
		double inertia = 0, sum[K + 6][D] = { 0 }, count[K + 6] = { 0 };
		uint32_t next = 0;
		for (size_t i = 0; i < N; i++) {
			double own = distance2(points + i * D, result.centroid + label[i] * D, D);
			for (size_t j = 0; j < result.k; j++)
				assert_true(own <= distance2(points + i * D, result.centroid + j * D, D) * (1 + 1e-6) + 1e-3 * (round >= 3));
			inertia += own;
			count[label[i]]++;
			for (size_t c = 0; c < D; c++)
				sum[label[i]][c] += points[i * D + c];
			assert_true(label[i] <= next); /* numbered by the smallest point */
			next += label[i] == next;
		}
		assert_int_equal(next, result.used);
		for (size_t j = 0; j < result.used; j++)
			for (size_t c = 0; c < D; c++) {
				double mean = sum[j][c] / count[j];
				assert_true(fabs(result.centroid[j * D + c] - mean) <= 1e-6 * (1 + fabs(mean)));
			}
		assert_true(fabs(inertia - result.inertia) <= (round < 3 ? 1e-5 : 1e-2) * inertia);
		wh_kmeans_release(&result);
	}
}

static void finds_blobs(void **state)
{
	make(0.3, 0, 5);
	uint32_t label[N];
	const struct wh_kmeans_params params = { .k = K };
	struct wh_kmeans result = run(&params, NULL, 2, label);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(label[i], i % K); /* blobs in the order of their smallest points */
	wh_kmeans_release(&result);
}

static void same_for_any_threads(void **state)
{
	make(4, 0, 7);
	float from[K * D];
	memcpy(from, points, sizeof from);
	for (int given = 0; given < 2; given++) {
		uint32_t label[N], again[N];
		const struct wh_kmeans_params params = { .k = K, .starts = 5, .seed = 11, .from = given ? from : NULL };
		struct wh_kmeans one = run(&params, NULL, 1, label), three = run(&params, NULL, 3, again);
		assert_memory_equal(label, again, sizeof label);
		assert_memory_equal(one.centroid, three.centroid, K * D * sizeof *one.centroid);
		assert_true(one.inertia == three.inertia && one.iterations == three.iterations);
		wh_kmeans_release(&one);
		wh_kmeans_release(&three);
	}
}

/* A point of weight w is w points in one place. */
static void weights_are_copies(void **state)
{
	make(2, 0, 9);
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	static float heavy[4 * N * D];
	uint32_t weight[N], label[N], labels[4 * N];
	size_t n = 0;
	for (size_t i = 0; i < N; i++) {
		weight[i] = 1 + (uint32_t)wh_rng_below(&rng, 4);
		for (uint32_t w = 0; w < weight[i]; w++)
			memcpy(heavy + n++ * D, points + i * D, D * sizeof *heavy);
	}
	const struct wh_kmeans_params params = { .k = K, .from = points, .tolerance = -1 };
	struct wh_kmeans result = run(&params, weight, 1, label), copies;
	struct wh_err err;
	assert_int_equal(wh_kmeans(heavy, n, D, NULL, &params, NULL, labels, &copies, &err), WH_OK);
	for (size_t i = 0, at = 0; i < N; i++)
		for (uint32_t w = 0; w < weight[i]; w++)
			assert_int_equal(labels[at++], label[i]);
	assert_true(fabs(result.inertia - copies.inertia) <= 1e-9 * copies.inertia);
	assert_int_equal(result.iterations, copies.iterations);
	wh_kmeans_release(&result);
	wh_kmeans_release(&copies);
}

static void more_clusters_than_places(void **state)
{
	const float x[] = { 1, 1, 5, 1, 5, 1 };
	const struct wh_kmeans_params params = { .k = 4 }, one = { .k = 1 }, all = { .k = 6 };
	uint32_t label[6];
	struct wh_kmeans result;
	struct wh_err err;
	assert_int_equal(wh_kmeans(x, 6, 1, NULL, &params, NULL, label, &result, &err), WH_OK);
	assert_int_equal(result.used, 2);
	assert_true(result.inertia == 0);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(label[i], x[i] == 5);
	wh_kmeans_release(&result);
	assert_int_equal(wh_kmeans(x, 6, 1, NULL, &one, NULL, label, &result, &err), WH_OK);
	assert_true(fabs(result.centroid[0] - 14. / 6) < 1e-6 && result.used == 1);
	wh_kmeans_release(&result);
	assert_int_equal(wh_kmeans(x, 6, 0, NULL, &all, NULL, label, &result, &err), WH_OK); /* six points without a value */
	assert_int_equal(result.used, 1);
	wh_kmeans_release(&result);
	const float apart[] = { 3, 1, 2, 9, 7, 30 };
	assert_int_equal(wh_kmeans(apart, 6, 1, NULL, &all, NULL, label, &result, &err), WH_OK);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(label[i], i);
	wh_kmeans_release(&result);
}

static void lost_clusters_get_the_farthest(void **state)
{
	const float x[] = { 0, 1, 2, 10, 11, 50 }, from[] = { 1, 1000, 2000 };
	const struct wh_kmeans_params params = { .k = 3, .from = from };
	uint32_t label[6];
	struct wh_kmeans result;
	struct wh_err err;
	assert_int_equal(wh_kmeans(x, 6, 1, NULL, &params, NULL, label, &result, &err), WH_OK);
	const uint32_t expected[] = { 0, 0, 0, 2, 2, 1 };
	assert_memory_equal(label, expected, sizeof expected);
	wh_kmeans_release(&result);
}

static void assigns_new_points(void **state)
{
	make(3, 100, 13);
	const float *centroid = points; /* the first K */
	uint32_t label[N], again[N];
	double distance[N];
	const struct wh_host two = { .threads = 2 };
	struct wh_err err;
	assert_int_equal(wh_kmeans_assign(points, N, D, centroid, K, NULL, label, distance, &err), WH_OK);
	assert_int_equal(wh_kmeans_assign(points, N, D, centroid, K, &two, again, NULL, &err), WH_OK);
	assert_memory_equal(label, again, sizeof label);
	for (size_t i = 0; i < N; i++) {
		size_t best = 0;
		for (size_t j = 1; j < K; j++)
			if (distance2(points + i * D, centroid + j * D, D) < distance2(points + i * D, centroid + best * D, D))
				best = j;
		assert_int_equal(label[i], best);
		assert_true(fabs(distance[i] - sqrt(distance2(points + i * D, centroid + best * D, D))) < 1e-9);
	}
}

/* Far candidates are likelier: with as many blobs as centroids each blob gets one nearly always. */
static void spreads_its_starts(void **state)
{
	make(0.01, 0, 15);
	for (uint64_t seed = 0; seed < 20; seed++) {
		uint32_t row[K], seen = 0;
		struct wh_err err;
		assert_int_equal(wh_kmeans_plus_plus(points, N, D, NULL, K, seed, NULL, row, &err), WH_OK);
		for (size_t j = 0; j < K; j++)
			seen |= 1u << row[j] % K;
		assert_int_equal(seen, (1u << K) - 1);
	}
}

static void refuses_nonsense(void **state)
{
	float x[] = { 1, NAN, 3 };
	uint32_t label[3];
	struct wh_kmeans result;
	struct wh_err err;
	assert_int_equal(wh_kmeans(x, 3, 1, NULL, &(struct wh_kmeans_params){ .k = 2 }, NULL, label, &result, &err), WH_E_USAGE);
	assert_string_equal(err.message, "point 1 has a value that is not finite");
	assert_null(result.centroid);
	x[1] = 2;
	assert_int_equal(wh_kmeans(x, 3, 1, NULL, &(struct wh_kmeans_params){ .k = 4 }, NULL, label, &result, &err), WH_E_USAGE);
	assert_int_equal(wh_kmeans(x, 3, 1, NULL, &(struct wh_kmeans_params){ .k = 0 }, NULL, label, &result, &err), WH_E_USAGE);
	assert_int_equal(wh_kmeans_plus_plus(x, 3, 1, NULL, 0, 0, NULL, label, &err), WH_E_USAGE);
	assert_int_equal(wh_kmeans_plus_plus(x, 3, 1, NULL, 4, 0, NULL, label, &err), WH_E_USAGE);
	atomic_bool cancelled = true;
	const struct wh_host host = { .cancelled = &cancelled };
	assert_int_equal(wh_kmeans(x, 3, 1, NULL, &(struct wh_kmeans_params){ .k = 2 }, &host, label, &result, &err), WH_E_CANCELLED);
	assert_null(result.centroid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_a_fixed_point),
		cmocka_unit_test(finds_blobs),
		cmocka_unit_test(same_for_any_threads),
		cmocka_unit_test(weights_are_copies),
		cmocka_unit_test(more_clusters_than_places),
		cmocka_unit_test(lost_clusters_get_the_farthest),
		cmocka_unit_test(assigns_new_points),
		cmocka_unit_test(spreads_its_starts),
		cmocka_unit_test(refuses_nonsense),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
