/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/pca.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "math/dense.h"
#include "math/distance.h"

enum { ROWS = 256 };

static const double rounding = 1e-6; /* of floats, squared and summed */

/* The rows about their mean, each times the root of its weight: n x d, or transposed. */
static void centre(const float *x, size_t n, size_t d, const uint32_t *weight, const double *mean, bool transposed, double *centred)
{
	for (size_t i = 0; i < n; i++) {
		double root = weight ? sqrt(weight[i]) : 1;
		for (size_t c = 0; c < d; c++)
			centred[transposed ? c * n + i : i * d + c] = (x[i * d + c] - mean[c]) * root;
	}
}

static size_t choose_rank(const double *value, size_t m, double total, double share, size_t most)
{
	size_t r = 0;
	double sum = 0;
	while (r < m && (!most || r < most) && value[m - 1 - r] > rounding * value[m - 1] && sum < share * total * (1 - 1e-12))
		sum += value[m - 1 - r++];
	return r;
}

/* Components from eigenvectors, which ascend: they are the components, or, of dot products, u' X has their direction. */
static void set_components(struct wh_pca *pca, const double *centred, const double *value, const double *vector, size_t m, bool of_rows,
			   double denominator, double *direction)
{
	size_t d = pca->d;
	for (size_t k = 0; k < pca->r; k++) {
		const double *from = vector + (m - 1 - k) * m;
		double length = 0;
		size_t largest = 0;
		pca->variance[k] = value[m - 1 - k] / denominator;
		if (of_rows)
			wh_gemm_double(false, false, 1, d, m, 1, from, m, centred, d, 0, direction, d);
		else
			memcpy(direction, from, d * sizeof *direction);
		for (size_t c = 0; c < d; c++) {
			length += direction[c] * direction[c];
			if (fabs(direction[c]) > fabs(direction[largest]))
				largest = c;
		}
		double scale = copysign(1 / sqrt(length), direction[largest]);
		for (size_t c = 0; c < d; c++)
			pca->component[k * d + c] = (float)(direction[c] * scale);
	}
}

struct products {
	const double *rows; /* m x length */
	size_t m, length;
	double *of;         /* m x m, its lower half */
};

static int multiply_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct products *products = user;
	size_t length = products->length;
	wh_gemm_double(false, true, last - first, last, length, 1, products->rows + first * length, length, products->rows, length, 0,
		       products->of + first * products->m, products->m);
	return WH_OK;
}

/* Of all dot products of m rows: eigenvalues and their vectors, as wh_eigen gives them, and the sum of the former. */
static int eigen(const double *rows, size_t m, size_t length, const struct wh_host *host, double *matrix, double *value, double *vector,
		 double *total, struct wh_err *err)
{
	struct products products = { rows, m, length, matrix };
	WH_TRY(wh_parallel(host, NULL, m, ROWS, multiply_rows, &products, err));
	*total = 0;
	for (size_t i = 0; i < m; i++) {
		for (size_t j = 0; j < i; j++)
			matrix[j * m + i] = matrix[i * m + j];
		*total += matrix[i * m + i];
	}
	return wh_eigen(m, matrix, value, vector, err);
}

static int decompose(struct wh_pca *pca, const float *x, size_t n, const uint32_t *weight, const double *mean, double weights, double share,
		     size_t most, const struct wh_host *host, struct wh_err *err)
{
	size_t d = pca->d, m = n < d ? n : d;
	bool of_rows = n < d;
	double *centred = malloc(n * d * sizeof *centred), *matrix = malloc(m * m * sizeof *matrix), *vector = malloc(m * m * sizeof *vector);
	double *value = malloc(m * sizeof *value), *direction = malloc(d * sizeof *direction), total = 0;
	int code = WH_OK;
	if (!centred || !matrix || !vector || !value || !direction) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else {
		centre(x, n, d, weight, mean, !of_rows, centred);
		code = eigen(centred, m, of_rows ? d : n, host, matrix, value, vector, &total, err);
	}
	if (code == WH_OK) {
		double denominator = weights > 1 ? weights - 1 : 1;
		pca->total = total / denominator;
		pca->r = choose_rank(value, m, total, share, most);
		pca->component = malloc((pca->r * d + 1) * sizeof *pca->component);
		pca->variance = malloc((pca->r + 1) * sizeof *pca->variance);
		if (pca->component && pca->variance)
			set_components(pca, centred, value, vector, m, of_rows, denominator, direction);
		else
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	free(centred);
	free(matrix);
	free(vector);
	free(value);
	free(direction);
	return code;
}

int wh_pca_fit(const float *x, size_t n, size_t d, const uint32_t *weight, double share, size_t most, const struct wh_host *host,
	       struct wh_pca *pca, struct wh_err *err)
{
	*pca = (struct wh_pca){ .d = d };
	if (!n || !d)
		return wh_err_set(err, WH_E_USAGE, "%zu points of %zu values have no principal components", n, d);
	double weights = 0;
	for (size_t i = 0; i < n; i++) {
		weights += weight ? weight[i] : 1;
		for (size_t c = 0; c < d; c++)
			if (!isfinite(x[i * d + c]))
				return wh_err_set(err, WH_E_USAGE, "point %zu has a value that is not finite", i);
	}
	double *mean = malloc(d * sizeof *mean);
	pca->mean = malloc(d * sizeof *pca->mean);
	int code;
	if (mean && pca->mean) {
		wh_mean_row(x, n, d, weight, mean);
		for (size_t c = 0; c < d; c++)
			pca->mean[c] = (float)mean[c];
		code = decompose(pca, x, n, weight, mean, weights, share, most, host, err);
	} else {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	free(mean);
	return code;
}

void wh_pca_release(struct wh_pca *pca)
{
	free(pca->mean);
	free(pca->component);
	free(pca->variance);
	*pca = (struct wh_pca){ 0 };
}

struct projection {
	const struct wh_pca *pca;
	const float *x;
	float *y, *centred; /* centred: of each worker, ROWS x d */
	double *outside;
};

static int project_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct projection *projection = user;
	const struct wh_pca *pca = projection->pca;
	size_t d = pca->d, r = pca->r;
	float *centred = projection->centred + worker * ROWS * d, *y = projection->y + first * r;
	for (size_t i = 0; i < last - first; i++)
		for (size_t c = 0; c < d; c++)
			centred[i * d + c] = projection->x[(first + i) * d + c] - pca->mean[c];
	if (r)
		wh_gemm(false, true, last - first, r, d, 1, centred, d, pca->component, d, 0, y, r);
	for (size_t i = 0; projection->outside && i < last - first; i++)
		projection->outside[first + i] = fmax(wh_norm2(centred + i * d, d) - wh_norm2(y + i * r, r), 0);
	return WH_OK;
}

int wh_pca_project(const struct wh_pca *pca, const float *x, size_t n, float *y, double *outside, const struct wh_host *host,
		   struct wh_err *err)
{
	struct projection projection = { pca, x, y, malloc(wh_host_threads(host) * ROWS * pca->d * sizeof(float)), outside };
	if (!projection.centred)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = wh_parallel(host, NULL, n, ROWS, project_rows, &projection, err);
	free(projection.centred);
	return code;
}
