/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/tsne_start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/knn.h"
#include "learn/pca.h"

static const double spread = 1e-4, jitter = 1e-6;

static void scale_down(float *map, size_t n)
{
	double square = 0;
	for (size_t p = 0; p < n; p++)
		square += (double)map[2 * p] * map[2 * p] / (double)n;
	const double scale = square > 0 ? spread / sqrt(square) : 0;
	for (size_t c = 0; c < 2 * n; c++)
		map[c] = (float)(map[c] * scale);
}

static void shake(const struct wh_host *host, float *map, size_t first, size_t last)
{
	struct wh_rng rng;
	wh_rng_init(&rng, host ? host->seed : 0);
	for (size_t c = 2 * first; c < 2 * last; c++)
		map[c] += (float)(jitter * (2 * wh_rng_real(&rng) - 1));
}

int wh_tsne_start(const float *x, size_t n, size_t d, const struct wh_host *host, float *map, struct wh_err *err)
{
	struct wh_pca pca = { 0 };
	float *scores = NULL;
	int code = WH_OK;
	memset(map, 0, 2 * n * sizeof *map);
	if (n && d)
		code = wh_pca_fit(x, n, d, NULL, 1, 2, host, &pca, err);
	if (code == WH_OK && pca.r && !(scores = malloc(n * pca.r * sizeof *scores)))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && pca.r)
		code = wh_pca_project(&pca, x, n, scores, NULL, host, err);
	if (code == WH_OK) {
		for (size_t p = 0; p < n; p++)
			for (size_t c = 0; c < pca.r; c++)
				map[2 * p + c] = scores[p * pca.r + c];
		scale_down(map, n);
		shake(host, map, 0, n);
	}
	free(scores);
	wh_pca_release(&pca);
	return code;
}

int wh_tsne_start_beside(const float *x, size_t n, size_t d, size_t placed, const struct wh_host *host, float *map, struct wh_err *err)
{
	const size_t m = n - placed;
	uint32_t *nearest = malloc((m + 1) * sizeof *nearest);
	float *distance = malloc((m + 1) * sizeof *distance);
	int code = nearest && distance ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_knn(x, placed, x + placed * d, m, d, 1, host, nearest, distance, err);
	if (code == WH_OK) {
		for (size_t p = 0; p < m; p++)
			memcpy(map + 2 * (placed + p), map + 2 * (size_t)nearest[p], 2 * sizeof *map);
		shake(host, map, placed, n);
	}
	free(nearest);
	free(distance);
	return code;
}
