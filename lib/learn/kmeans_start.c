/* SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/thread.h"
#include "learn/kmeans.h"
#include "math/dense.h"
#include "math/distance.h"

enum { ROWS = 256, MOST_CANDIDATES = 32 };

/* Every point's squared distance to the nearest row that was chosen, and what it would be with each candidate. */
struct draw {
	const float *x;
	size_t n, d, n_candidates;
	const uint32_t *weight;
	double *norm, *nearest; /* n */
	float *candidate;       /* n_candidates x d */
	double candidate_norm[MOST_CANDIDATES];
	double *with;           /* n x n_candidates */
	double *potential;      /* blocks x n_candidates: sums of with, times weights */
	float *product;         /* of each worker: ROWS x n_candidates */
};

static int try_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct draw *draw = user;
	size_t d = draw->d, m = draw->n_candidates;
	float *product = draw->product + worker * ROWS * m;
	double *potential = draw->potential + first / ROWS * m;
	memset(potential, 0, m * sizeof *potential);
	size_t lead = d ? d : 1;
	wh_gemm(false, true, last - first, m, d, 1, draw->x + first * d, lead, draw->candidate, lead, 0, product, m);
	for (size_t i = first; i < last; i++)
		for (size_t c = 0; c < m; c++) {
			double sum = draw->norm[i] + draw->candidate_norm[c];
			double distance2 = sum - 2.0 * product[(i - first) * m + c];
			/* of what is all but equal only rounding is left: let no point be drawn for that */
			if (distance2 < sum * 64 * FLT_EPSILON)
				distance2 = wh_distance2(draw->x + i * d, draw->candidate + c * d, d);
			double with = fmin(draw->nearest[i], distance2);
			draw->with[i * m + c] = with;
			potential[c] += (draw->weight ? draw->weight[i] : 1) * with;
		}
	return WH_OK;
}

/* A point, each with its chance of nearest times weight; any, where all are 0. */
static size_t draw_point(const struct draw *draw, double potential, struct wh_rng *rng)
{
	double left = wh_rng_real(rng) * potential;
	size_t last = SIZE_MAX;
	for (size_t i = 0; i < draw->n; i++) {
		double share = (draw->weight ? draw->weight[i] : 1) * draw->nearest[i];
		if (share <= 0)
			continue;
		if (left < share)
			return i;
		left -= share;
		last = i; /* rounding may leave something at the end */
	}
	return last != SIZE_MAX ? last : wh_rng_below(rng, draw->n);
}

/* Chooses the best of m drawn candidates. */
static int choose(struct draw *draw, size_t m, double *potential, struct wh_rng *rng, const struct wh_host *host, uint32_t *row,
		  struct wh_err *err)
{
	size_t drawn[MOST_CANDIDATES], d = draw->d, best = 0;
	draw->n_candidates = m;
	for (size_t c = 0; c < m; c++) {
		drawn[c] = draw_point(draw, *potential, rng);
		memcpy(draw->candidate + c * d, draw->x + drawn[c] * d, d * sizeof *draw->candidate);
		draw->candidate_norm[c] = draw->norm[drawn[c]];
	}
	WH_TRY(wh_parallel(host, NULL, draw->n, ROWS, try_rows, draw, err));
	double sum[MOST_CANDIDATES] = { 0 };
	for (size_t block = 0; block * ROWS < draw->n; block++)
		for (size_t c = 0; c < m; c++)
			sum[c] += draw->potential[block * m + c];
	for (size_t c = 1; c < m; c++)
		if (sum[c] < sum[best])
			best = c;
	for (size_t i = 0; i < draw->n; i++)
		draw->nearest[i] = draw->with[i * m + best];
	*potential = sum[best];
	*row = (uint32_t)drawn[best];
	return WH_OK;
}

int wh_kmeans_plus_plus(const float *x, size_t n, size_t d, const uint32_t *weight, size_t k, uint64_t seed, const struct wh_host *host,
			uint32_t *row, struct wh_err *err)
{
	if (!k || k > n)
		return wh_err_set(err, WH_E_USAGE, "%zu points cannot make %zu clusters", n, k);
	size_t m = 2 + (size_t)log((double)k), blocks = (n + ROWS - 1) / ROWS;
	if (m > MOST_CANDIDATES)
		m = MOST_CANDIDATES;
	struct draw draw = { .x = x, .n = n, .d = d, .weight = weight };
	draw.norm = malloc(n * sizeof *draw.norm);
	draw.nearest = malloc(n * sizeof *draw.nearest);
	draw.candidate = malloc((m * d + 1) * sizeof *draw.candidate);
	draw.with = malloc(n * m * sizeof *draw.with);
	draw.potential = malloc(blocks * m * sizeof *draw.potential);
	draw.product = malloc(wh_host_threads(host) * ROWS * m * sizeof *draw.product);
	int code = WH_OK;
	if (!draw.norm || !draw.nearest || !draw.candidate || !draw.with || !draw.potential || !draw.product) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		struct wh_rng rng;
		double potential = 0;
		wh_rng_init(&rng, seed);
		for (size_t i = 0; i < n; i++) {
			draw.norm[i] = wh_norm2(x + i * d, d);
			draw.nearest[i] = 1; /* so that the first is drawn by weight alone */
			potential += weight ? weight[i] : 1;
		}
		size_t first = draw_point(&draw, potential, &rng);
		row[0] = (uint32_t)first;
		potential = 0;
		for (size_t i = 0; i < n; i++) {
			draw.nearest[i] = wh_distance2(x + i * d, x + first * d, d);
			potential += (weight ? weight[i] : 1) * draw.nearest[i];
		}
		for (size_t j = 1; code == WH_OK && j < k; j++)
			code = choose(&draw, m, &potential, &rng, host, &row[j], err);
	}
	free(draw.norm);
	free(draw.nearest);
	free(draw.candidate);
	free(draw.with);
	free(draw.potential);
	free(draw.product);
	return code;
}
