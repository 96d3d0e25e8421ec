/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters of embedded sessions by each algorithm: planted ones are found, their means are right; weights, noise, few and equal rows; every
 * allocation fails once. That the algorithms are what their names say is proved in tests/learn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "failing.h"
#include "method/kaboom/clustering.h"

enum { BLOBS = 4, EACH = 15, N = BLOBS * EACH, D = 3 };
static const enum wh_clustering all[] = { WH_CLUSTERING_KMEANS, WH_CLUSTERING_GMM, WH_CLUSTERING_WARD, WH_CLUSTERING_HDBSCAN };
enum { ALGORITHMS = sizeof all / sizeof *all };

static float z[N * D];
static uint32_t weight[N];

/* Row i is of blob i % BLOBS. */
static struct wh_clustering_rows make(void)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 4);
	for (size_t i = 0; i < N; i++) {
		weight[i] = 1 + (uint32_t)(i % 7 == 0);
		for (size_t c = 0; c < D; c++)
			z[i * D + c] = (float)(20.0 * (double)(i % BLOBS == c) + wh_rng_real(&rng) + wh_rng_real(&rng) - wh_rng_real(&rng));
	}
	return (struct wh_clustering_rows){ .z = z, .n = N, .width = D, .weight = weight };
}

static void finds_planted_clusters(void **state)
{
	struct wh_clustering_rows rows = make();
	const struct wh_host host = { .threads = 2 };
	bool held[N];
	(void)state;
	for (size_t i = 0; i < N; i++)
		held[i] = i < N / 2;
	for (size_t a = 0; a < ALGORITHMS; a++)
		for (int way = 0; way < 3; way++) { /* k given; found; found on half of the rows */
			uint32_t label[N];
			struct wh_clusters clusters;
			struct wh_err err;
			rows.held = way == 2 ? held : NULL;
			assert_int_equal(wh_cluster(all[a], way ? 0 : BLOBS, &rows, &host, label, &clusters, &err), WH_OK);
			assert_int_equal(clusters.k, BLOBS);
			for (size_t i = 0; i < N; i++)
				assert_int_equal(label[i], i % BLOBS); /* numbered by their first rows */
			for (size_t k = 0; k < BLOBS; k++)
				for (size_t c = 0; c < D; c++) {
					double sum = 0, total = 0;
					for (size_t i = k; i < N; i += BLOBS) {
						sum += weight[i] * (double)z[i * D + c];
						total += weight[i];
					}
					assert_true(fabs(clusters.centroid[k * D + c] - sum / total) < 1e-5);
				}
			wh_clusters_release(&clusters);
		}
}

/* A row in the middle of nowhere is noise to HDBSCAN*, and goes to the nearest cluster. */
static void noise_has_a_place(void **state)
{
	struct wh_clustering_rows rows = make();
	uint32_t label[N];
	struct wh_clusters clusters;
	struct wh_err err;
	(void)state;
	z[5 * D] = 5;
	z[5 * D + 1] = -30;
	z[5 * D + 2] = 0;
	weight[5] = 1;
	assert_int_equal(wh_cluster(WH_CLUSTERING_HDBSCAN, 0, &rows, NULL, label, &clusters, &err), WH_OK);
	assert_int_equal(clusters.k, BLOBS);
	assert_int_equal(label[5], label[3]); /* the blob about 0 is nearest */
	wh_clusters_release(&clusters);
}

static void few_rows(void **state)
{
	static const float same[] = { 3, 3, 3, 3 };
	static const uint32_t often[] = { 1, 9, 1, 1 };
	(void)state;
	for (size_t a = 0; a < ALGORITHMS; a++)
		for (size_t n = 1; n <= 4; n++) {
			const struct wh_clustering_rows rows = { .z = same, .n = n, .width = 1, .weight = often };
			uint32_t label[4];
			struct wh_clusters clusters;
			struct wh_err err;
			assert_int_equal(wh_cluster(all[a], 0, &rows, NULL, label, &clusters, &err), WH_OK);
			assert_int_equal(clusters.k, 1);
			assert_true(clusters.centroid[0] == 3);
			for (size_t i = 0; i < n; i++)
				assert_int_equal(label[i], 0);
			wh_clusters_release(&clusters);
		}
}

static void too_many_to_compare(void **state)
{
	static const float row[] = { 1, 2 };
	static const uint32_t often[] = { 1000000, 3000000 };
	const struct wh_clustering_rows rows = { .z = row, .n = 2, .width = 1, .weight = often };
	uint32_t label[2];
	struct wh_clusters clusters;
	struct wh_err err;
	(void)state;
	assert_int_equal(wh_cluster(WH_CLUSTERING_HDBSCAN, 0, &rows, NULL, label, &clusters, &err), WH_E_LIMIT);
	wh_clusters_release(&clusters);
}

static int whole(const void *user, struct wh_err *err)
{
	struct wh_clustering_rows rows = make();
	uint32_t label[N];
	struct wh_clusters clusters;
	int code = wh_cluster(*(const enum wh_clustering *)user, BLOBS, &rows, NULL, label, &clusters, err);
	wh_clusters_release(&clusters);
	return code;
}

static void allocations_fail(void **state)
{
	(void)state;
	for (size_t a = 0; a < ALGORITHMS; a++)
		assert_true(failing_each(whole, &all[a], NULL) > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_planted_clusters), cmocka_unit_test(noise_has_a_place), cmocka_unit_test(few_rows),
		cmocka_unit_test(too_many_to_compare),    cmocka_unit_test(allocations_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
