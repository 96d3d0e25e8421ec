/* SPDX-License-Identifier: Apache-2.0 */
#include "math/distance.h"

#include <math.h>
#include <stdlib.h>

#include "base/thread.h"
#include "math/dense.h"

enum { LANES = 8, ROWS = 64 };

/* Sums run in lanes: the compiler may not reorder a sum by itself, and in one chain every addition would wait for the one before. */
static double lanes_sum(const double *sum)
{
	return (sum[0] + sum[2] + sum[4] + sum[6]) + (sum[1] + sum[3] + sum[5] + sum[7]);
}

double wh_norm2(const float *a, size_t d)
{
	double sum[LANES] = { 0 }, rest = 0;
	size_t i = 0;
	for (; i + LANES <= d; i += LANES)
		for (int l = 0; l < LANES; l++)
			sum[l] += (double)a[i + l] * a[i + l];
	for (; i < d; i++)
		rest += (double)a[i] * a[i];
	return lanes_sum(sum) + rest;
}

#define DEFINE_DISTANCE2(name, left, right)                                    \
	double name(const left *a, const right *b, size_t d)                   \
	{                                                                      \
		double sum[LANES] = { 0 }, rest = 0;                           \
		size_t i = 0;                                                  \
		for (; i + LANES <= d; i += LANES)                             \
			for (int l = 0; l < LANES; l++) {                      \
				double by = (double)a[i + l] - b[i + l];       \
				sum[l] += by * by;                             \
			}                                                      \
		for (; i < d; i++)                                             \
			rest += ((double)a[i] - b[i]) * ((double)a[i] - b[i]); \
		return lanes_sum(sum) + rest;                                  \
	}

DEFINE_DISTANCE2(wh_distance2, float, float)
DEFINE_DISTANCE2(wh_distance2_mean, float, double)
DEFINE_DISTANCE2(wh_distance2_means, double, double)

void wh_mean_row(const float *x, size_t n, size_t d, const uint32_t *weight, double *mean)
{
	double total = 0;
	for (size_t j = 0; j < d; j++)
		mean[j] = 0;
	for (size_t i = 0; i < n; i++) {
		double w = weight ? weight[i] : 1;
		total += w;
		for (size_t j = 0; j < d; j++)
			mean[j] += w * x[i * d + j];
	}
	for (size_t j = 0; j < d; j++)
		mean[j] /= total;
}

void wh_centre_rows(const float *x, size_t n, size_t d, const uint32_t *order, const double *mean, double *centred, double *norm)
{
	for (size_t i = 0; i < n; i++) {
		const float *from = x + (order ? order[i] : i) * d;
		norm[i] = 0;
		for (size_t j = 0; j < d; j++) {
			double value = from[j] - mean[j];
			centred[i * d + j] = value;
			norm[i] += value * value;
		}
	}
}

void wh_distances2(const double *a, const double *norm_a, size_t n_a, const double *b, const double *norm_b, size_t n_b, size_t d,
		   double *out)
{
	size_t lead = d ? d : 1;
	wh_gemm_double(false, true, n_a, n_b, d, -2, a, lead, b, lead, 0, out, n_b);
	for (size_t i = 0; i < n_a; i++)
		for (size_t j = 0; j < n_b; j++) {
			double sum = norm_a[i] + norm_b[j], *distance2 = &out[i * n_b + j];
			*distance2 += sum;
			if (*distance2 < sum * 1e-6)
				*distance2 = wh_distance2_means(a + i * d, b + j * d, d);
		}
}

struct condensed {
	const double *centred, *norm;
	size_t n, d;
	double *blocks; /* ROWS x n of each worker */
	float *distance;
};

/* Rows first … last-1 against all that come after them. */
static int condensed_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct condensed *work = user;
	size_t n = work->n, d = work->d, width = n - first;
	double *block = work->blocks + worker * ROWS * n;
	wh_distances2(work->centred + first * d, work->norm + first, last - first, work->centred + first * d, work->norm + first, width, d,
		      block);
	for (size_t i = first; i < last; i++) {
		float *row = work->distance + (n * i - i * (i + 1) / 2);
		for (size_t j = i + 1; j < n; j++)
			row[j - i - 1] = (float)sqrt(block[(i - first) * width + (j - first)]);
	}
	return WH_OK;
}

int wh_distances_condensed(const float *x, size_t n, size_t d, float *distance, const struct wh_host *host, struct wh_err *err)
{
	if (n < 2)
		return WH_OK;
	double *mean = malloc((d + 1) * sizeof *mean), *centred = malloc((n * d + 1) * sizeof *centred), *norm = malloc(n * sizeof *norm);
	double *blocks = malloc(wh_host_threads(host) * ROWS * n * sizeof *blocks);
	int code = WH_OK;
	if (!mean || !centred || !norm || !blocks) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		wh_mean_row(x, n, d, NULL, mean);
		wh_centre_rows(x, n, d, NULL, mean, centred, norm);
		struct condensed work = { centred, norm, n, d, blocks, distance };
		code = wh_parallel(host, NULL, n, ROWS, condensed_rows, &work, err);
	}
	free(mean);
	free(centred);
	free(norm);
	free(blocks);
	return code;
}
