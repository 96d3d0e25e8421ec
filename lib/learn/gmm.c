/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/gmm.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "learn/kmeans.h"
#include "math/dense.h"

enum { ROWS = 256, ITERATIONS = 100 };

struct fit {
	struct wh_gmm *gmm;
	const float *x;
	size_t n;
	const uint32_t *weight;
	double total;           /* sum of weights */
	double regularisation;
	double *responsibility; /* n x k; between, logs of share times density */
	double *block;          /* of each worker: ROWS x d, twice */
	double *log_density;    /* n */
	uint32_t *label;        /* n */
};

static size_t covariance_size(const struct wh_gmm *gmm) { return gmm->diagonal ? gmm->d : gmm->d * gmm->d; }

static double weight_of(const struct fit *fit, size_t i) { return fit->weight ? fit->weight[i] : 1; }

static int gmm_init(struct wh_gmm *gmm, struct wh_err *err)
{
	size_t size = covariance_size(gmm);
	gmm->share = calloc(gmm->k, sizeof *gmm->share);
	gmm->mean = calloc(gmm->k * gmm->d, sizeof *gmm->mean);
	gmm->covariance = calloc(gmm->k * size, sizeof *gmm->covariance);
	gmm->whitening = calloc(gmm->k * size, sizeof *gmm->whitening);
	gmm->log_scale = calloc(gmm->k, sizeof *gmm->log_scale);
	if (gmm->share && gmm->mean && gmm->covariance && gmm->whitening && gmm->log_scale)
		return WH_OK;
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

void wh_gmm_release(struct wh_gmm *gmm)
{
	free(gmm->share);
	free(gmm->mean);
	free(gmm->covariance);
	free(gmm->whitening);
	free(gmm->log_scale);
	*gmm = (struct wh_gmm){ 0 };
}

/* x - mean of rows first … last-1. */
static void deviations(const struct fit *fit, size_t component, size_t first, size_t last, double *by)
{
	size_t d = fit->gmm->d;
	const double *mean = fit->gmm->mean + component * d;
	for (size_t i = first; i < last; i++)
		for (size_t c = 0; c < d; c++)
			by[(i - first) * d + c] = fit->x[i * d + c] - mean[c];
}

/* Inverts the lower triangle l[d x d] into out. */
static void invert_lower(const double *l, size_t d, double *out)
{
	memset(out, 0, d * d * sizeof *out);
	for (size_t i = 0; i < d; i++) {
		double *row = out + i * d;
		for (size_t j = 0; j < i; j++)
			for (size_t c = 0; c <= j; c++)
				row[c] -= l[i * d + j] * out[j * d + c];
		row[i] = 1;
		for (size_t c = 0; c <= i; c++)
			row[c] /= l[i * d + i];
	}
}

static int whiten(struct wh_gmm *gmm, size_t component, struct wh_err *err)
{
	size_t d = gmm->d, size = covariance_size(gmm);
	const double *covariance = gmm->covariance + component * size;
	double *whitening = gmm->whitening + component * size, log_determinant = 0;
	if (gmm->diagonal) {
		for (size_t c = 0; c < d; c++) {
			whitening[c] = 1 / sqrt(covariance[c]);
			log_determinant += log(whitening[c]);
		}
	} else {
		double *factor = malloc(size * sizeof *factor);
		if (!factor)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		memcpy(factor, covariance, size * sizeof *factor);
		int code = wh_cholesky(d, factor, err);
		if (code == WH_OK)
			invert_lower(factor, d, whitening);
		free(factor);
		if (code != WH_OK)
			return wh_err_wrap(err, code, "component %zu of a mixture is flat (more regularisation helps)", component);
		for (size_t c = 0; c < d; c++)
			log_determinant += log(whitening[c * d + c]);
	}
	gmm->log_scale[component] = log_determinant - (double)d / 2 * log(2 * M_PI) + log(gmm->share[component]);
	return WH_OK;
}

/* Share, mean and covariance of components first … last-1 from the responsibilities of all points. */
static int maximise_components(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct fit *fit = user;
	struct wh_gmm *gmm = fit->gmm;
	size_t n = fit->n, d = gmm->d, k = gmm->k, size = covariance_size(gmm);
	double *by = fit->block + worker * 2 * ROWS * d, *scaled = by + ROWS * d;
	for (size_t j = first; j < last; j++) {
		double *mean = gmm->mean + j * d, *covariance = gmm->covariance + j * size, sum = 10 * DBL_EPSILON;
		memset(mean, 0, d * sizeof *mean);
		memset(covariance, 0, size * sizeof *covariance);
		for (size_t i = 0; i < n; i++) {
			double part = fit->responsibility[i * k + j] * weight_of(fit, i);
			sum += part;
			for (size_t c = 0; part > 0 && c < d; c++)
				mean[c] += part * fit->x[i * d + c];
		}
		for (size_t c = 0; c < d; c++)
			mean[c] /= sum;
		for (size_t from = 0; from < n; from += ROWS) {
			size_t rows = n - from < ROWS ? n - from : ROWS;
			deviations(fit, j, from, from + rows, by);
			for (size_t i = 0; i < rows; i++) {
				double part = fit->responsibility[(from + i) * k + j] * weight_of(fit, from + i) / sum;
				for (size_t c = 0; c < d; c++) {
					scaled[i * d + c] = part * by[i * d + c];
					if (gmm->diagonal)
						covariance[c] += scaled[i * d + c] * by[i * d + c];
				}
			}
			if (!gmm->diagonal)
				wh_gemm_double(true, false, d, d, rows, 1, scaled, d, by, d, 1, covariance, d);
		}
		for (size_t c = 0; c < d; c++)
			covariance[gmm->diagonal ? c : c * d + c] += fit->regularisation;
		gmm->share[j] = sum / fit->total;
		WH_TRY(whiten(gmm, j, err));
	}
	return WH_OK;
}

/* Responsibilities, log densities and labels of rows first … last-1. */
static int expect_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct fit *fit = user;
	const struct wh_gmm *gmm = fit->gmm;
	size_t d = gmm->d, k = gmm->k, size = covariance_size(gmm);
	double *by = fit->block + worker * 2 * ROWS * d, *white = by + ROWS * d;
	for (size_t j = 0; j < k; j++) {
		const double *whitening = gmm->whitening + j * size;
		deviations(fit, j, first, last, by);
		if (!gmm->diagonal)
			wh_gemm_double(false, true, last - first, d, d, 1, by, d, whitening, d, 0, white, d);
		for (size_t i = first; i < last; i++) {
			double squares = 0;
			for (size_t c = 0; c < d; c++) {
				double value = gmm->diagonal ? by[(i - first) * d + c] * whitening[c] : white[(i - first) * d + c];
				squares += value * value;
			}
			fit->responsibility[i * k + j] = gmm->log_scale[j] - squares / 2;
		}
	}
	for (size_t i = first; i < last; i++) {
		double *row = fit->responsibility + i * k, sum = 0;
		size_t best = 0;
		for (size_t j = 1; j < k; j++)
			if (row[j] > row[best])
				best = j;
		double largest = row[best];
		for (size_t j = 0; j < k; j++)
			sum += exp(row[j] - largest);
		fit->log_density[i] = largest + log(sum);
		fit->label[i] = (uint32_t)best;
		for (size_t j = 0; j < k; j++)
			row[j] = exp(row[j] - fit->log_density[i]);
	}
	return WH_OK;
}

static double log_likelihood(const struct fit *fit)
{
	double sum = 0;
	for (size_t i = 0; i < fit->n; i++)
		sum += weight_of(fit, i) * fit->log_density[i];
	return sum;
}

static int run(struct fit *fit, const struct wh_gmm_params *params, const struct wh_host *host, struct wh_err *err)
{
	struct wh_gmm *gmm = fit->gmm;
	size_t n = fit->n, k = gmm->k, d = gmm->d;
	double tolerance = params->tolerance > 0 ? params->tolerance : 1e-3, before = -INFINITY;
	unsigned most = params->iterations ? params->iterations : ITERATIONS;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < k; j++)
			fit->responsibility[i * k + j] = fit->label[i] == j;
	WH_TRY(wh_parallel(host, NULL, k, 1, maximise_components, fit, err));
	while (gmm->iterations < most && !gmm->converged) {
		WH_TRY(wh_parallel(host, NULL, n, ROWS, expect_rows, fit, err));
		double now = log_likelihood(fit) / fit->total;
		WH_TRY(wh_parallel(host, NULL, k, 1, maximise_components, fit, err));
		gmm->converged = fabs(now - before) < tolerance;
		before = now;
		gmm->iterations++;
	}
	WH_TRY(wh_parallel(host, NULL, n, ROWS, expect_rows, fit, err));
	double numbers = (double)k * (gmm->diagonal ? (double)d : (double)d * ((double)d + 1) / 2) + (double)k * (double)d + (double)k - 1;
	gmm->log_likelihood = log_likelihood(fit);
	gmm->bic = numbers * log(fit->total) - 2 * gmm->log_likelihood;
	return WH_OK;
}

static int fit_init(struct fit *fit, size_t workers, struct wh_err *err)
{
	size_t n = fit->n + 1;
	fit->responsibility = malloc(n * fit->gmm->k * sizeof *fit->responsibility);
	fit->block = malloc(workers * 2 * ROWS * fit->gmm->d * sizeof *fit->block);
	fit->log_density = malloc(n * sizeof *fit->log_density);
	fit->label = malloc(n * sizeof *fit->label);
	if (fit->responsibility && fit->block && fit->log_density && fit->label)
		return WH_OK;
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static void fit_release(struct fit *fit)
{
	free(fit->responsibility);
	free(fit->block);
	free(fit->log_density);
	free(fit->label);
}

static int start(struct fit *fit, const struct wh_gmm_params *params, const struct wh_host *host, struct wh_err *err)
{
	const struct wh_kmeans_params from = { .k = params->k, .starts = params->starts, .seed = params->seed };
	struct wh_kmeans kmeans;
	if (!params->label) {
		WH_TRY(wh_kmeans(fit->x, fit->n, fit->gmm->d, fit->weight, &from, host, fit->label, &kmeans, err));
		wh_kmeans_release(&kmeans);
		return WH_OK;
	}
	for (size_t i = 0; i < fit->n; i++) {
		if (params->label[i] >= params->k)
			return wh_err_set(err, WH_E_USAGE, "point %zu: component must be below %zu", i, params->k);
		fit->label[i] = params->label[i];
	}
	return WH_OK;
}

int wh_gmm_fit(const float *x, size_t n, size_t d, const uint32_t *weight, const struct wh_gmm_params *params, const struct wh_host *host,
	       uint32_t *label, struct wh_gmm *gmm, struct wh_err *err)
{
	*gmm = (struct wh_gmm){ .k = params->k, .d = d, .diagonal = params->diagonal };
	if (!params->k || params->k > n || !d)
		return wh_err_set(err, WH_E_USAGE, "%zu points of %zu values cannot make a mixture of %zu", n, d, params->k);
	for (size_t i = 0; i < n * d; i++)
		if (!isfinite(x[i]))
			return wh_err_set(err, WH_E_USAGE, "point %zu has a value that is not finite", i / d);
	struct fit fit = { .gmm = gmm, .x = x, .n = n, .weight = weight,
			   .regularisation = params->regularisation > 0 ? params->regularisation : 1e-6 };
	for (size_t i = 0; i < n; i++)
		fit.total += weight_of(&fit, i);
	int code = gmm_init(gmm, err);
	if (code == WH_OK)
		code = fit_init(&fit, wh_host_threads(host), err);
	if (code == WH_OK)
		code = start(&fit, params, host, err);
	if (code == WH_OK)
		code = run(&fit, params, host, err);
	if (code == WH_OK)
		memcpy(label, fit.label, n * sizeof *label);
	fit_release(&fit);
	return code;
}

int wh_gmm_assign(const struct wh_gmm *gmm, const float *x, size_t n, const struct wh_host *host, uint32_t *label, double *log_density,
		  struct wh_err *err)
{
	struct wh_gmm model = *gmm;
	struct fit fit = { .gmm = &model, .x = x, .n = n };
	int code = fit_init(&fit, wh_host_threads(host), err);
	if (code == WH_OK)
		code = wh_parallel(host, NULL, n, ROWS, expect_rows, &fit, err);
	if (code == WH_OK) {
		memcpy(label, fit.label, n * sizeof *label);
		if (log_density)
			memcpy(log_density, fit.log_density, n * sizeof *log_density);
	}
	fit_release(&fit);
	return code;
}
