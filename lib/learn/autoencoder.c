/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/autoencoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/autoencoder_parts.h"
#include "math/dense.h"

enum { CHUNK = 1024 }; /* rows that are projected and encoded at a time */

enum use { WEIGHTS, HOLDOUT, ORDER, NOISE };

static const double LOWER = 1e-4; /* by which share a loss must fall to count as better */

uint64_t wh_autoencoder_seed(const struct wh_autoencoder *model, uint64_t what, uint64_t number)
{
	struct wh_rng rng;
	wh_rng_init(&rng, model->seed + what * 0x9e3779b97f4a7c15u);
	wh_rng_init(&rng, wh_rng_next(&rng) + number);
	return wh_rng_next(&rng);
}

static int check(const struct wh_autoencoder_params *p, struct wh_err *err)
{
	const char *wrong = NULL;
	if (!(p->variance > 0 && p->variance <= 1))
		wrong = "variance";
	else if (!(p->energy >= 0 && isfinite(p->energy)))
		wrong = "energy";
	else if (!(p->rate >= 0 && isfinite(p->rate)))
		wrong = "rate";
	else if (!(p->momentum >= 0 && p->momentum < 1))
		wrong = "momentum";
	else if (!p->batch)
		wrong = "batch";
	else if (!(p->holdout >= 0 && p->holdout < 1))
		wrong = "holdout";
	else if (p->hidden > INT32_MAX || p->latent > INT32_MAX / 2)
		wrong = "width";
	return wrong ? wh_err_set(err, WH_E_USAGE, "an autoencoder's %s is out of range", wrong) : WH_OK;
}

/* To the mean square length that was asked for, the part outside the space included. */
static void scale_rows(struct wh_autoencoder *model)
{
	size_t n = model->space.n * model->space.r;
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (double)model->c[i] * model->c[i];
	double mean = sum / model->space.kept / (double)model->space.n;
	model->scale = model->params.energy > 0 && mean > 0 ? sqrt(model->params.energy / mean) : 1;
	for (size_t i = 0; i < n; i++)
		model->c[i] *= (float)model->scale;
}

int wh_autoencoder_new(const struct wh_matrix *rows, const struct wh_autoencoder_params *params, const struct wh_host *host,
		       struct wh_autoencoder **result, struct wh_err *err)
{
	*result = NULL;
	WH_TRY(check(params, err));
	struct wh_autoencoder *model = calloc(1, sizeof *model);
	if (!model)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	model->params = *params;
	model->seed = host ? host->seed : 0;
	model->loss = NAN;
	model->best = INFINITY;
	struct wh_autoencoder_params *p = &model->params;
	int code = wh_rowspace_fit(rows, p->variance, host, &model->space, &model->c, err);
	if (code == WH_OK) {
		size_t d = rows->d;
		p->hidden = p->hidden ? p->hidden : d / 8 ? d / 8 : 1;
		p->latent = p->latent ? p->latent : p->variational ? 256 : d / 64 ? d / 64 : 1;
		if (p->rate == 0)
			p->rate = 3e-4 * (p->hidden > 1024 ? pow(1024 / (double)p->hidden, 0.56) : 1);
		p->compute = p->compute ? p->compute : wh_compute_find(NULL);
		scale_rows(model);
		model->network = (struct wh_network){ .inputs = d, .rank = model->space.r, .hidden = p->hidden, .latent = p->latent,
						      .variational = p->variational, .optimiser = p->optimiser, .compute = p->compute };
		code = wh_network_init(&model->network, err);
	}
	if (code == WH_OK) {
		struct wh_rng rng;
		wh_rng_init(&rng, wh_autoencoder_seed(model, WEIGHTS, 0));
		wh_network_draw(&model->network, &rng);
		*result = model;
	} else {
		wh_autoencoder_free(model);
	}
	return code;
}

void wh_autoencoder_free(struct wh_autoencoder *model)
{
	if (!model)
		return;
	wh_rowspace_release(&model->space);
	wh_network_release(&model->network);
	free(model->c);
	free(model);
}

/* ---- training ---- */

struct training {
	struct wh_autoencoder *model;
	struct wh_pass *pass;
	uint32_t *order; /* of the rows: those to learn from, then those held out */
	uint32_t *batch; /* the same rows in the order of this epoch */
	float *held_out; /* coordinates of those */
	size_t n, n_held_out;
};

static int prepare(struct training *training, const struct wh_host *host, struct wh_err *err)
{
	struct wh_autoencoder *model = training->model;
	size_t n = model->space.n, r = model->space.r, held_out = (size_t)(model->params.holdout * (double)n);
	training->n_held_out = held_out < n ? held_out : n - 1;
	training->n = n - training->n_held_out;
	training->order = malloc(n * sizeof *training->order);
	training->batch = malloc(n * sizeof *training->batch);
	training->held_out = malloc(training->n_held_out * r * sizeof(float) + 1);
	if (!training->order || !training->batch || !training->held_out)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		training->order[i] = (uint32_t)i;
	struct wh_rng rng;
	wh_rng_init(&rng, wh_autoencoder_seed(model, HOLDOUT, 0));
	wh_rng_shuffle(&rng, training->order, training->n_held_out ? n : 0);
	for (size_t i = 0; i < training->n_held_out; i++)
		memcpy(training->held_out + i * r, model->c + training->order[training->n + i] * r, r * sizeof(float));
	return wh_pass_new(&model->network, model->params.batch < training->n ? model->params.batch : training->n, 0, host, &training->pass, err);
}

static int epoch(struct training *training, const struct wh_host *host, struct wh_err *err)
{
	struct wh_autoencoder *model = training->model;
	const struct wh_autoencoder_params *p = &model->params;
	struct wh_rng rng;
	memcpy(training->batch, training->order, training->n * sizeof *training->batch);
	wh_rng_init(&rng, wh_autoencoder_seed(model, ORDER, model->epochs));
	wh_rng_shuffle(&rng, training->batch, training->n);
	double sum = 0;
	for (size_t first = 0; first < training->n; first += p->batch) {
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
		struct wh_lesson lesson = { .c = model->c, .rows = training->batch + first,
					    .n = training->n - first < p->batch ? training->n - first : p->batch,
					    .noise = wh_autoencoder_seed(model, NOISE, model->steps),
					    .step = { p->optimiser, p->rate, p->momentum, model->steps + 1, p->compute } };
		double loss;
		WH_TRY(wh_network_step(&model->network, training->pass, &lesson, host, &loss, err));
		model->steps++;
		sum += loss;
	}
	model->loss = sum / (double)training->n;
	if (training->n_held_out) {
		WH_TRY(wh_network_encode(&model->network, training->held_out, training->n_held_out, 1, NULL, &sum, host, err));
		model->loss = sum / (double)training->n_held_out;
	}
	if (!isfinite(model->loss))
		return wh_err_set(err, WH_E_USAGE, "the loss is not finite after %zu epochs: a rate below %g is needed", model->epochs + 1, p->rate);
	model->epochs++;
	return WH_OK;
}

static void watch(struct wh_autoencoder *model)
{
	if (model->loss < model->best * (1 - LOWER)) {
		model->best = model->loss;
		model->since = 0;
	} else {
		model->since++;
	}
	model->stopped = model->params.patience && model->since >= model->params.patience;
}

/* Kernels that the environment named, or that are older than the processor, are the commonest reason for training to take twice as long. */
static void say_kernels(const struct wh_autoencoder *model, const struct wh_host *host)
{
	struct wh_kernels kernels = wh_math_kernels();
	if (model->params.compute != wh_compute_find(NULL) || kernels.fit)
		return;
	wh_host_log(host, WH_WARNING, "OpenBLAS runs its kernels for %s, which do not use this processor's %s: training takes longer than it need "
		    "(OPENBLAS_CORETYPE in the environment, or an OpenBLAS older than the processor)", kernels.name, kernels.widest);
}

int wh_autoencoder_train(struct wh_autoencoder *model, size_t epochs, const struct wh_host *host, struct wh_err *err)
{
	if (!model->c)
		return wh_err_set(err, WH_E_USAGE, "an autoencoder that was kept without its rows cannot be trained on");
	struct training training = { .model = model };
	say_kernels(model, host);
	int code = prepare(&training, host, err);
	while (code == WH_OK && model->epochs < epochs && !model->stopped) {
		code = epoch(&training, host, err);
		if (code != WH_OK)
			break;
		watch(model);
		wh_host_log(host, WH_DEBUG, "epoch %zu of %zu: loss %.6g", model->epochs, epochs, model->loss);
		wh_host_progress(host, "training", model->stopped ? epochs : model->epochs, epochs);
	}
	wh_pass_free(training.pass);
	free(training.order);
	free(training.batch);
	free(training.held_out);
	return code;
}

int wh_autoencoder_fit(const struct wh_matrix *rows, const struct wh_autoencoder_params *params, const struct wh_host *host,
		       struct wh_autoencoder **result, struct wh_err *err)
{
	WH_TRY(wh_autoencoder_new(rows, params, host, result, err));
	int code = wh_autoencoder_train(*result, params->epochs, host, err);
	if (code != WH_OK) {
		wh_autoencoder_free(*result);
		*result = NULL;
	}
	return code;
}

struct wh_autoencoder_facts wh_autoencoder_facts(const struct wh_autoencoder *model)
{
	const struct wh_network *network = &model->network;
	return (struct wh_autoencoder_facts){ .inputs = network->inputs, .rank = network->rank, .hidden = network->hidden,
					      .latent = network->latent, .rows = model->space.n, .variational = network->variational,
					      .epochs = model->epochs, .loss = model->loss, .stopped = model->stopped,
					      .kept = model->space.kept, .scale = model->scale };
}

/* ---- codes ---- */

int wh_autoencoder_encode(const struct wh_autoencoder *model, const struct wh_matrix *rows, float *code, double *outside,
			  const struct wh_host *host, struct wh_err *err)
{
	size_t r = model->space.r, latent = model->network.latent;
	float *c = malloc((rows->n < CHUNK ? rows->n + 1 : CHUNK) * r * sizeof *c);
	if (!c)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int status = WH_OK;
	for (size_t first = 0; status == WH_OK && first < rows->n; first += CHUNK) {
		size_t n = rows->n - first < CHUNK ? rows->n - first : CHUNK;
		struct wh_matrix chunk = { n, rows->d, rows->dense ? rows->dense + first * rows->d : NULL,
					   rows->dense ? NULL : rows->start + first, rows->column, rows->value };
		status = wh_rowspace_project(&model->space, &chunk, c, outside ? outside + first : NULL, host, err);
		if (status == WH_OK)
			status = wh_network_encode(&model->network, c, n, (float)model->scale, code + first * latent, NULL, host, err);
		for (size_t i = first; status == WH_OK && outside && i < first + n; i++)
			outside[i] *= model->scale * model->scale;
	}
	free(c);
	return status;
}

int wh_autoencoder_codes(const struct wh_autoencoder *model, float *code, const struct wh_host *host, struct wh_err *err)
{
	if (!model->c)
		return wh_err_set(err, WH_E_USAGE, "the autoencoder was kept without its rows");
	return wh_network_encode(&model->network, model->c, model->space.n, 1, code, NULL, host, err);
}
