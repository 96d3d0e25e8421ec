/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/dec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "learn/autoencoder_parts.h"

enum { ROWS = 256, ORDER = 64 }; /* ORDER: a use of the seed that autoencoder.c does not have */

struct dec {
	struct wh_autoencoder *model;
	const struct wh_dec_params *params;
	struct wh_target target;
	size_t n, k;
	float *code, *q; /* n x latent, n x k; the latter becomes P */
	double *nearest, *mass; /* n: squared distance to the nearest centroid; k: f */
	uint32_t *group, *before; /* n */
	uint32_t *order;
	struct wh_pass *pass;
};

static int check(const struct wh_dec_params *p, size_t k, struct wh_err *err)
{
	const char *wrong = !k ? "number of centroids" : !p->batch ? "batch" : !(p->rate >= 0 && isfinite(p->rate)) ? "rate" :
			    !(p->centroid_rate >= 0 && isfinite(p->centroid_rate)) ? "rate of centroids" :
			    !(p->gamma >= 0 && isfinite(p->gamma)) ? "gamma" : NULL;
	return wrong ? wh_err_set(err, WH_E_USAGE, "the %s of a deep embedded clustering is out of range", wrong) : WH_OK;
}

/* q of rows first … last-1, and their nearest centroid. */
static int assign(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct dec *dec = user;
	size_t latent = dec->model->network.latent;
	for (size_t i = first; i < last; i++) {
		float *q = dec->q + i * dec->k;
		double total = 0;
		dec->nearest[i] = INFINITY;
		for (size_t j = 0; j < dec->k; j++) {
			const float *z = dec->code + i * latent, *m = dec->target.centroids.w + j * latent;
			double square = 0;
			for (size_t l = 0; l < latent; l++)
				square += (double)(z[l] - m[l]) * (z[l] - m[l]);
			if (square < dec->nearest[i]) {
				dec->nearest[i] = square;
				dec->group[i] = (uint32_t)j;
			}
			q[j] = (float)(1 / (1 + square / dec->target.scale));
			total += q[j];
		}
		for (size_t j = 0; j < dec->k; j++)
			q[j] = (float)(q[j] / total);
	}
	return WH_OK;
}

/* Codes, q and nearest centroids of all rows as the network is now. */
static int place(struct dec *dec, const struct wh_host *host, struct wh_err *err)
{
	struct wh_host quiet = host ? *host : (struct wh_host){ 0 };
	quiet.progress = NULL;
	WH_TRY(wh_autoencoder_codes(dec->model, dec->code, &quiet, err));
	return wh_parallel(&quiet, NULL, dec->n, ROWS, assign, dec, err);
}

/* P from Q, in place. Returns KL(P || Q), a mean over the rows. */
static double sharpen(struct dec *dec)
{
	double loss = 0;
	memset(dec->mass, 0, dec->k * sizeof *dec->mass);
	for (size_t i = 0; i < dec->n; i++)
		for (size_t j = 0; j < dec->k; j++)
			dec->mass[j] += dec->q[i * dec->k + j];
	for (size_t i = 0; i < dec->n; i++) {
		float *q = dec->q + i * dec->k;
		double total = 0;
		for (size_t j = 0; j < dec->k; j++)
			total += dec->mass[j] > 0 ? q[j] * (double)q[j] / dec->mass[j] : 0;
		for (size_t j = 0; j < dec->k; j++) {
			double p = dec->mass[j] > 0 ? q[j] * (double)q[j] / dec->mass[j] / total : 0;
			loss += p > 0 ? p * log(p / q[j]) : 0;
			q[j] = (float)p;
		}
	}
	return loss / (double)dec->n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The median squared distance to the nearest centroid; where it is 0, the mean; where that is, 1. */
static double scale_of(struct dec *dec)
{
	double sum = 0;
	for (size_t i = 0; i < dec->n; i++)
		sum += dec->nearest[i];
	qsort(dec->nearest, dec->n, sizeof *dec->nearest, by_value);
	double median = (dec->nearest[(dec->n - 1) / 2] + dec->nearest[dec->n / 2]) / 2;
	return median > 0 ? median : sum > 0 ? sum / (double)dec->n : 1;
}

static double rate_of(const struct dec *dec)
{
	double hidden = (double)dec->model->network.hidden;
	return dec->params->rate > 0 ? dec->params->rate : 1e-4 * (hidden > 512 ? pow(512 / hidden, 0.6) : 1);
}

static void forget(void *user, struct wh_weights *weights)
{
	wh_weights_forget(weights);
}

static int epoch(struct dec *dec, size_t number, uint64_t *steps, const struct wh_host *host, struct wh_err *err)
{
	struct wh_autoencoder *model = dec->model;
	struct wh_rng rng;
	for (size_t i = 0; i < dec->n; i++)
		dec->order[i] = (uint32_t)i;
	wh_rng_init(&rng, wh_autoencoder_seed(model, ORDER, number));
	wh_rng_shuffle(&rng, dec->order, dec->n);
	for (size_t first = 0; first < dec->n; first += dec->params->batch) {
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
		struct wh_lesson lesson = { .c = model->c, .rows = dec->order + first,
					    .n = dec->n - first < dec->params->batch ? dec->n - first : dec->params->batch,
					    .target = &dec->target,
					    .step = { model->params.optimiser, rate_of(dec), model->params.momentum, ++*steps, model->params.compute } };
		double loss;
		WH_TRY(wh_network_step(&model->network, dec->pass, &lesson, host, &loss, err));
		if (!isfinite(loss))
			return wh_err_set(err, WH_E_USAGE, "the loss is not finite: a rate below %g is needed", rate_of(dec));
	}
	return WH_OK;
}

static int run(struct dec *dec, struct wh_dec_facts *facts, const struct wh_host *host, struct wh_err *err)
{
	const struct wh_dec_params *p = dec->params;
	uint64_t steps = 0;
	dec->target.scale = 1;
	WH_TRY(place(dec, host, err));
	dec->target.scale = facts->scale = scale_of(dec);
	WH_TRY(wh_parallel(host, NULL, dec->n, ROWS, assign, dec, err));
	while (facts->epochs < p->most) {
		facts->loss = sharpen(dec);
		memcpy(dec->before, dec->group, dec->n * sizeof *dec->before);
		WH_TRY(epoch(dec, facts->epochs, &steps, host, err));
		WH_TRY(place(dec, host, err));
		size_t changed = 0;
		for (size_t i = 0; i < dec->n; i++)
			changed += dec->group[i] != dec->before[i];
		facts->changed = (double)changed / (double)dec->n;
		facts->epochs++;
		wh_host_log(host, WH_DEBUG, "epoch %zu: KL(P || Q) %.6g, %zu of %zu rows changed their group", facts->epochs, facts->loss, changed,
			    dec->n);
		wh_host_progress(host, "clustering", facts->epochs, p->most);
		if (facts->epochs >= p->least && facts->changed < p->tolerance)
			break;
	}
	return WH_OK;
}

int wh_dec_fit(struct wh_autoencoder *model, const struct wh_dec_params *params, size_t k, float *centroids, uint32_t *group,
	       struct wh_dec_facts *facts, const struct wh_host *host, struct wh_err *err)
{
	WH_TRY(check(params, k, err));
	if (!model->c)
		return wh_err_set(err, WH_E_USAGE, "the autoencoder was kept without its rows");
	size_t n = model->space.n, latent = model->network.latent;
	struct dec dec = { .model = model, .params = params, .n = n, .k = k };
	struct wh_dec_facts own = { 0 };
	/* centroids move in the code's own axes: each weight has its own moment */
	enum wh_optimiser optimiser = model->params.optimiser;
	dec.target = (struct wh_target){ .k = k, .weight = params->gamma > 0 ? params->gamma : 1, .reconstruct = params->gamma > 0,
					 .centroid_rate = params->centroid_rate };
	WH_TRY(wh_weights_init(&dec.target.centroids, k, latent, 0, false, optimiser, NULL, err));
	memcpy(dec.target.centroids.w, centroids, k * latent * sizeof *centroids);
	dec.code = malloc(n * latent * sizeof *dec.code);
	dec.q = malloc(n * k * sizeof *dec.q);
	dec.nearest = malloc(n * sizeof *dec.nearest);
	dec.mass = malloc(k * sizeof *dec.mass);
	dec.group = malloc(n * sizeof *dec.group);
	dec.before = malloc(n * sizeof *dec.before);
	dec.order = malloc(n * sizeof *dec.order);
	int code = dec.code && dec.q && dec.nearest && dec.mass && dec.group && dec.before && dec.order ?
			   WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_pass_new(&model->network, params->batch < n ? params->batch : n, k, host, &dec.pass, err);
	if (code == WH_OK) {
		dec.target.p = dec.q;
		wh_network_each(&model->network, forget, NULL);
		model->steps = 0;
		memset(dec.group, 0, n * sizeof *dec.group);
		code = run(&dec, &own, host, err);
		wh_network_each(&model->network, forget, NULL);
		memcpy(centroids, dec.target.centroids.w, k * latent * sizeof *centroids);
		if (group)
			memcpy(group, dec.group, n * sizeof *group);
		if (facts)
			*facts = own;
	}
	wh_weights_release(&dec.target.centroids);
	wh_pass_free(dec.pass);
	free(dec.code);
	free(dec.q);
	free(dec.nearest);
	free(dec.mass);
	free(dec.group);
	free(dec.before);
	free(dec.order);
	return code;
}
