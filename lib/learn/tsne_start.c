/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/tsne_start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "learn/knn.h"
#include "math/dense.h"

static const double spread = 1e-4, jitter = 1e-6;

static void centre(const float *x, size_t n, size_t d, float *to)
{
	for (size_t i = 0; i < d; i++) {
		double mean = 0;
		for (size_t p = 0; p < n; p++)
			mean += x[p * d + i] / (double)n;
		for (size_t p = 0; p < n; p++)
			to[p * d + i] = (float)(x[p * d + i] - mean);
	}
}

/* The largest two eigenvectors' scores, from the covariance or from the products of rows, whichever is smaller. */
static int components(const float *centred, size_t n, size_t d, float *square, float *vectors, float *values, const struct wh_host *host,
		      float *map, struct wh_err *err)
{
	const size_t size = d < n ? d : n;
	if (d < n)
		wh_syrk(true, d, n, 1, centred, d, 0, square, d);
	else
		WH_TRY(wh_gram(centred, n, d, d, square, host, err));
	WH_TRY(wh_eigen_float(size, square, values, vectors, err));
	for (size_t c = 0; c < 2 && c < size; c++) {
		const float *v = vectors + (size - 1 - c) * size;
		const float length = sqrtf(fmaxf(values[size - 1 - c], 0));
		for (size_t p = 0; p < n; p++)
			map[2 * p + c] = d < n ? wh_dot(d, centred + p * d, v) : v[p] * length;
	}
	return WH_OK;
}

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
	const size_t size = d < n ? d : n;
	memset(map, 0, 2 * n * sizeof *map);
	if (size) {
		float *centred = malloc(n * d * sizeof *centred), *square = calloc(size * size, sizeof *square);
		float *vectors = malloc(size * size * sizeof *vectors), *values = malloc(size * sizeof *values);
		int code = WH_OK;
		if (!centred || !square || !vectors || !values) {
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		} else {
			centre(x, n, d, centred);
			code = components(centred, n, d, square, vectors, values, host, map, err);
		}
		free(centred);
		free(square);
		free(vectors);
		free(values);
		if (code != WH_OK)
			return code;
		scale_down(map, n);
	}
	shake(host, map, 0, n);
	return WH_OK;
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
