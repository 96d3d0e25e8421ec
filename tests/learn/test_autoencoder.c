/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failing.h"
#include "learn/autoencoder_parts.h"
#include "learn/dec.h"
#include "math/dense.h"

enum { N = 40, D = 150, K = 4 };

/* Rows of K kinds: each kind has columns of its own, and all have noise. */
static float values[N * D];
static const struct wh_matrix ROWS = { .n = N, .d = D, .dense = values };
static uint32_t kind[N];

static int make(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 21);
	for (size_t i = 0; i < N; i++) {
		kind[i] = (uint32_t)(i % K);
		for (size_t j = 0; j < D; j++)
			values[i * D + j] = (float)(0.25 * wh_rng_real(&rng) + (j % 7 == kind[i] ? 0.5 + wh_rng_real(&rng) : 0));
	}
	return 0;
}

static struct wh_autoencoder_params small(bool variational)
{
	struct wh_autoencoder_params params = WH_AUTOENCODER_PARAMS;
	params.variational = variational;
	params.hidden = 24;
	params.latent = 5;
	params.batch = 16;
	params.epochs = 6;
	params.rate = 1e-3;
	params.energy = 50;
	return params;
}

static struct wh_autoencoder *fit(const struct wh_autoencoder_params *params, const struct wh_host *host)
{
	struct wh_autoencoder *model;
	struct wh_err err;
	assert_int_equal(wh_autoencoder_fit(&ROWS, params, host, &model, &err), WH_OK);
	return model;
}

/* The network that is the reduced one seen from D dimensions: W1 = In V', W4 = Out V', b4 = V b. basis: V', r x D. */
static void unreduce(const struct wh_network *small_one, const float *basis, struct wh_network *full)
{
	struct wh_err err;
	size_t h = small_one->hidden, r = small_one->rank;
	*full = *small_one;
	full->rank = D;
	assert_int_equal(wh_network_init(full, &err), WH_OK);
	wh_gemm(false, false, h, D, r, 1, small_one->in.w, r, basis, D, 0, full->in.w, D);
	wh_gemm(false, false, h, D, r, 1, small_one->out.w, r, basis, D, 0, full->out.w, D);
	wh_gemm(false, false, 1, D, r, 1, small_one->out_bias.w, r, basis, D, 0, full->out_bias.w, D);
	memcpy(full->in_bias.w, small_one->in_bias.w, h * sizeof(float));
	memcpy(full->code.w, small_one->code.w, h * full->codes * sizeof(float));
	memcpy(full->code_bias.w, small_one->code_bias.w, full->codes * sizeof(float));
	memcpy(full->from.w, small_one->from.w, h * full->latent * sizeof(float));
	memcpy(full->from_bias.w, small_one->from_bias.w, h * sizeof(float));
}

/* How far the codes of both networks are apart after some steps on the same batches, in units of the codes' spread; *loss: the same of their
 * losses. */
static double apart(bool variational, enum wh_optimiser optimiser, double rate, double *loss)
{
	enum { STEPS = 60, BATCH = 16 };
	struct wh_autoencoder_params params = small(variational);
	params.optimiser = optimiser;
	struct wh_err err;
	struct wh_autoencoder *model;
	assert_int_equal(wh_autoencoder_new(&ROWS, &params, NULL, &model, &err), WH_OK);
	size_t r = model->space.r;
	float *basis = malloc(r * D * sizeof *basis), scaled[N * D];
	assert_non_null(basis);
	wh_gemm(false, false, r, D, N, 1, model->space.basis, N, values, D, 0, basis, D);
	for (size_t i = 0; i < N * D; i++)
		scaled[i] = (float)model->scale * values[i];
	struct wh_network full;
	unreduce(&model->network, basis, &full);
	struct wh_pass *pass, *full_pass;
	assert_int_equal(wh_pass_new(&model->network, BATCH, 0, NULL, &pass, &err), WH_OK);
	assert_int_equal(wh_pass_new(&full, BATCH, 0, NULL, &full_pass, &err), WH_OK);
	double loss_reduced = 0, loss_full = 0;
	for (uint64_t step = 1; step <= STEPS; step++) {
		uint32_t rows[BATCH];
		for (size_t i = 0; i < BATCH; i++)
			rows[i] = (uint32_t)((step * 11 + i * 7) % N);
		struct wh_lesson lesson = { .c = model->c, .rows = rows, .n = BATCH, .noise = step,
					    .step = { optimiser, rate, 0.9, step, params.compute ? params.compute : wh_compute_find(NULL) } };
		assert_int_equal(wh_network_step(&model->network, pass, &lesson, NULL, &loss_reduced, &err), WH_OK);
		lesson.c = scaled;
		assert_int_equal(wh_network_step(&full, full_pass, &lesson, NULL, &loss_full, &err), WH_OK);
	}
	float code[N * 5], full_code[N * 5];
	assert_int_equal(wh_network_encode(&model->network, model->c, N, 1, code, NULL, NULL, &err), WH_OK);
	assert_int_equal(wh_network_encode(&full, scaled, N, 1, full_code, NULL, NULL, &err), WH_OK);
	double most = 0, spread = 0;
	for (size_t i = 0; i < N * 5; i++) {
		most = fmax(most, fabs(code[i] - full_code[i]));
		spread = fmax(spread, fabs(code[i]));
	}
	*loss = fabs(loss_reduced - loss_full) / loss_full;
	wh_pass_free(pass);
	wh_pass_free(full_pass);
	wh_network_release(&full);
	wh_autoencoder_free(model);
	free(basis);
	return most / spread;
}

/* Training in the row space is training in D dimensions, up to rounding in float; with a moment of its own for each weight it is not. */
static void test_reduction_is_exact(void **state)
{
	for (int variational = 0; variational < 2; variational++) {
		double loss;
		assert_true(apart(variational, WH_SGD, 1e-3, &loss) < 1e-4 && loss < 1e-5);
		assert_true(apart(variational, WH_ADAM_SHARED, 1e-3, &loss) < 1e-4 && loss < 1e-5);
		assert_true(apart(variational, WH_ADAM, 1e-3, &loss) > 1e-2);
	}
}

static void test_training(void **state)
{
	for (int variational = 0; variational < 2; variational++)
		for (int optimiser = WH_ADAM_SHARED; optimiser <= WH_SGD; optimiser++) {
			struct wh_autoencoder_params params = small(variational);
			params.optimiser = (enum wh_optimiser)optimiser;
			params.epochs = 1;
			struct wh_err err;
			struct wh_autoencoder *model = fit(&params, NULL);
			struct wh_autoencoder_facts first = wh_autoencoder_facts(model);
			assert_true(first.epochs == 1 && first.inputs == D && first.rank == N && first.hidden == 24 && first.latent == 5);
			assert_int_equal(wh_autoencoder_train(model, 150, NULL, &err), WH_OK);
			assert_int_equal(wh_autoencoder_facts(model).epochs, 150);
			assert_true(wh_autoencoder_facts(model).loss < 0.8 * first.loss);
			float code[N * 5], again[N * 5];
			double outside[N];
			assert_int_equal(wh_autoencoder_codes(model, code, NULL, &err), WH_OK);
			assert_int_equal(wh_autoencoder_encode(model, &ROWS, again, outside, NULL, &err), WH_OK);
			for (size_t i = 0; i < N * 5; i++)
				assert_true(fabsf(code[i] - again[i]) < 1e-3f * (1 + fabsf(code[i])));
			for (size_t i = 0; i < N; i++)
				assert_true(outside[i] < 1e-2);
			wh_autoencoder_free(model);
		}
}

static void test_defaults(void **state)
{
	struct wh_autoencoder_params params = WH_AUTOENCODER_PARAMS;
	struct wh_err err;
	struct wh_autoencoder *model;
	params.variational = false;
	assert_int_equal(wh_autoencoder_new(&ROWS, &params, NULL, &model, &err), WH_OK);
	struct wh_autoencoder_facts facts = wh_autoencoder_facts(model);
	assert_true(facts.hidden == D / 8 && facts.latent == D / 64 && isnan(facts.loss) && facts.rows == N);
	double mean = 0;
	for (size_t i = 0; i < N * D; i++)
		mean += facts.scale * facts.scale * values[i] * values[i] / N;
	assert_true(fabs(mean - params.energy) < 1e-3 * params.energy);
	wh_autoencoder_free(model);
	params.variational = true;
	assert_int_equal(wh_autoencoder_new(&ROWS, &params, NULL, &model, &err), WH_OK);
	assert_int_equal(wh_autoencoder_facts(model).latent, 256);
	params.hidden = 7400;
	assert_true(model->params.rate == 3e-4);
	wh_autoencoder_free(model);
	assert_int_equal(wh_autoencoder_new(&ROWS, &params, NULL, &model, &err), WH_OK);
	assert_true(fabs(model->params.rate - 1e-4) < 2e-6);
	wh_autoencoder_free(model);
	params.hidden = 0;
	struct wh_autoencoder_params wrong[] = { params, params, params, params, params, params };
	wrong[0].variance = 0;
	wrong[1].rate = -1;
	wrong[2].batch = 0;
	wrong[3].holdout = 1;
	wrong[4].momentum = NAN;
	wrong[5].energy = INFINITY;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_int_equal(wh_autoencoder_new(&ROWS, &wrong[i], NULL, &model, &err), WH_E_USAGE);
	struct wh_matrix other = { .n = N, .d = D - 1, .dense = values };
	assert_int_equal(wh_autoencoder_new(&ROWS, &params, NULL, &model, &err), WH_OK);
	float code[N * 256];
	assert_int_equal(wh_autoencoder_encode(model, &other, code, NULL, NULL, &err), WH_E_USAGE);
	wh_autoencoder_free(model);
}

static void assert_same(const struct wh_autoencoder *a, const struct wh_autoencoder *b)
{
	struct wh_str one = { 0 }, two = { 0 };
	struct wh_err err;
	assert_int_equal(wh_autoencoder_save(a, true, &one, &err), WH_OK);
	assert_int_equal(wh_autoencoder_save(b, true, &two, &err), WH_OK);
	assert_int_equal(one.n, two.n);
	assert_memory_equal(one.data, two.data, one.n);
	wh_str_release(&one);
	wh_str_release(&two);
}

static void test_any_number_of_threads(void **state)
{
	struct wh_host one = { .threads = 1, .seed = 3 }, three = { .threads = 3, .seed = 3 }, other = { .threads = 1, .seed = 4 };
	for (size_t i = 0; wh_computes[i]; i++) {
		struct wh_autoencoder_params params = small(true);
		params.hidden = 2600; /* so much that threads are started */
		params.epochs = 2;
		params.compute = wh_compute_find(wh_computes[i]->name);
		if (!params.compute)
			continue;
		params.holdout = 0.2;
		struct wh_autoencoder *a = fit(&params, &one), *b = fit(&params, &three), *c = fit(&params, &other);
		assert_same(a, b);
		assert_true(wh_autoencoder_facts(a).loss != wh_autoencoder_facts(c).loss);
		float from[K * 5] = { 0 }, to[K * 5] = { 0 };
		for (size_t j = 0; j < K * 5; j++)
			from[j] = to[j] = (float)(j % 3);
		struct wh_dec_params dec = WH_DEC_PARAMS;
		dec.least = dec.most = 2;
		dec.batch = 16;
		struct wh_err err;
		assert_int_equal(wh_dec_fit(a, &dec, K, from, NULL, NULL, &one, &err), WH_OK);
		assert_int_equal(wh_dec_fit(b, &dec, K, to, NULL, NULL, &three, &err), WH_OK);
		assert_memory_equal(from, to, sizeof from);
		assert_same(a, b);
		wh_autoencoder_free(a);
		wh_autoencoder_free(b);
		wh_autoencoder_free(c);
	}
}

/* Every back end learns what the reference learns. */
static void test_back_ends(void **state)
{
	struct wh_autoencoder_params params = small(true);
	params.epochs = 40;
	struct wh_autoencoder *reference = fit(&params, NULL);
	double loss = wh_autoencoder_facts(reference).loss;
	for (size_t i = 1; wh_computes[i]; i++) {
		params.compute = wh_compute_find(wh_computes[i]->name);
		if (!params.compute)
			continue;
		struct wh_autoencoder *model = fit(&params, NULL);
		assert_true(fabs(wh_autoencoder_facts(model).loss - loss) < (params.compute->precision + 1e-4) * 2 * loss);
		wh_autoencoder_free(model);
	}
	wh_autoencoder_free(reference);
}

/* Three forms of the row space; a checkpoint goes on with the same numbers, and without one codes are the same. */
static void test_bytes(void **state)
{
	static float tall[D * N];
	struct wh_matrix forms[] = { ROWS, { .n = D, .d = N, .dense = tall }, { .n = D, .d = N, .dense = tall } };
	memcpy(tall, values, sizeof tall);
	struct wh_err err;
	for (size_t form = 0; form < 3; form++) {
		struct wh_autoencoder_params params = small(form != 1);
		params.variance = form == 2 ? 0.9 : 1;
		params.optimiser = form == 1 ? WH_SGD : form == 2 ? WH_ADAM : WH_ADAM_SHARED;
		params.patience = 50;
		struct wh_autoencoder *model, *back, *plain;
		assert_int_equal(wh_autoencoder_fit(&forms[form], &params, NULL, &model, &err), WH_OK);
		struct wh_str kept = { 0 }, bare = { 0 };
		assert_int_equal(wh_autoencoder_save(model, true, &kept, &err), WH_OK);
		assert_int_equal(wh_autoencoder_save(model, false, &bare, &err), WH_OK);
		assert_true(bare.n < kept.n);
		assert_int_equal(wh_autoencoder_load((struct wh_bytes){ kept.data, kept.n }, NULL, &back, &err), WH_OK);
		assert_int_equal(wh_autoencoder_load((struct wh_bytes){ bare.data, bare.n }, NULL, &plain, &err), WH_OK);
		assert_same(model, back);
		size_t n = forms[form].n;
		float *code = calloc(n * 5, sizeof *code), *again = calloc(n * 5, sizeof *again);
		assert_true(code && again);
		assert_int_equal(wh_autoencoder_encode(model, &forms[form], code, NULL, NULL, &err), WH_OK);
		assert_int_equal(wh_autoencoder_encode(plain, &forms[form], again, NULL, NULL, &err), WH_OK);
		assert_memory_equal(code, again, n * 5 * sizeof *code);
		if (form) /* no way back to the rows */
			assert_int_equal(wh_autoencoder_codes(plain, again, NULL, &err), WH_E_USAGE);
		else
			assert_int_equal(wh_autoencoder_codes(plain, again, NULL, &err), WH_OK);
		assert_int_equal(wh_autoencoder_train(model, 12, NULL, &err), WH_OK);
		assert_int_equal(wh_autoencoder_train(back, 12, NULL, &err), WH_OK);
		assert_same(model, back);
		assert_int_equal(wh_autoencoder_train(plain, 12, NULL, &err), form ? WH_E_USAGE : WH_OK);
		free(code);
		free(again);
		wh_str_release(&kept);
		wh_str_release(&bare);
		wh_autoencoder_free(model);
		wh_autoencoder_free(back);
		wh_autoencoder_free(plain);
	}
}

static void test_damaged_bytes(void **state)
{
	struct wh_autoencoder_params params = small(true);
	params.hidden = 6;
	params.latent = 2;
	params.epochs = 1;
	struct wh_matrix few = { .n = 5, .d = 30, .dense = values };
	struct wh_autoencoder *model, *back;
	struct wh_err err;
	assert_int_equal(wh_autoencoder_fit(&few, &params, NULL, &model, &err), WH_OK);
	struct wh_str bytes = { 0 };
	assert_int_equal(wh_autoencoder_save(model, true, &bytes, &err), WH_OK);
	for (size_t length = 0; length < bytes.n; length += length < 400 ? 1 : 7) {
		char *cut = malloc(length + 1);
		assert_non_null(cut);
		memcpy(cut, bytes.data, length);
		assert_int_equal(wh_autoencoder_load((struct wh_bytes){ cut, length }, NULL, &back, &err), WH_E_FORMAT);
		free(cut);
	}
	size_t accepted = 0, refused = 0;
	for (size_t at = 0; at < bytes.n; at += at < 400 ? 1 : 5)
		for (int bit = 0; bit < 8; bit++) {
			bytes.data[at] ^= (char)(1 << bit);
			int code = wh_autoencoder_load((struct wh_bytes){ bytes.data, bytes.n }, NULL, &back, &err);
			bytes.data[at] ^= (char)(1 << bit);
			if (code != WH_OK) {
				assert_int_equal(code, WH_E_FORMAT);
				refused++;
				continue;
			}
			accepted++; /* of another value; then it works */
			float out[10];
			if (wh_autoencoder_facts(back).latent == 2 && wh_autoencoder_facts(back).rows == 5)
				assert_int_equal(wh_autoencoder_codes(back, out, NULL, &err), WH_OK);
			wh_autoencoder_free(back);
		}
	assert_true(accepted && refused);
	wh_str_putc(&bytes, 0);
	assert_int_equal(wh_autoencoder_load((struct wh_bytes){ bytes.data, bytes.n }, NULL, &back, &err), WH_E_FORMAT);
	wh_str_release(&bytes);
	wh_autoencoder_free(model);
}

struct heard {
	size_t lines, warnings, calls;
	uint64_t done, total;
	atomic_bool *stop;
	size_t stop_at;
};

static void hear(void *user, enum wh_level level, const char *text)
{
	struct heard *heard = user;
	if (level == WH_WARNING) {
		assert_non_null(strstr(text, wh_math_kernels().name));
		heard->warnings++;
		return;
	}
	assert_non_null(strstr(text, "loss") ? strstr(text, "loss") : strstr(text, "KL"));
	heard->lines++;
}

static void see(void *user, const char *phase, uint64_t done, uint64_t total)
{
	struct heard *heard = user;
	if (strcmp(phase, "training") != 0)
		return;
	heard->calls++;
	heard->done = done;
	heard->total = total;
	if (heard->stop && heard->calls == heard->stop_at)
		atomic_store(heard->stop, true);
}

static void test_early_stopping(void **state)
{
	struct wh_autoencoder_params params = small(false);
	params.epochs = 3000;
	params.patience = 5;
	params.holdout = 0.25;
	params.rate = 5e-3;
	struct heard heard = { 0 };
	struct wh_host host = { .user = &heard, .log = hear, .progress = see };
	struct wh_autoencoder *model = fit(&params, &host);
	struct wh_autoencoder_facts facts = wh_autoencoder_facts(model);
	assert_true(facts.stopped && facts.epochs > 5 && facts.epochs < 3000);
	assert_int_equal(heard.warnings, !wh_math_kernels().fit);
	assert_true(heard.lines == facts.epochs && heard.calls == facts.epochs && heard.done == 3000 && heard.total == 3000);
	struct wh_err err;
	assert_int_equal(wh_autoencoder_train(model, 4000, NULL, &err), WH_OK); /* it stays stopped */
	assert_int_equal(wh_autoencoder_facts(model).epochs, facts.epochs);
	wh_autoencoder_free(model);
}

static void test_interruption_and_divergence(void **state)
{
	struct wh_autoencoder_params params = small(true);
	params.epochs = 50;
	atomic_bool stop = false;
	struct heard heard = { .stop = &stop, .stop_at = 3 };
	struct wh_host host = { .user = &heard, .progress = see, .cancelled = &stop };
	struct wh_err err;
	struct wh_autoencoder *model;
	assert_int_equal(wh_autoencoder_new(&ROWS, &params, NULL, &model, &err), WH_OK);
	assert_int_equal(wh_autoencoder_train(model, 50, &host, &err), WH_E_CANCELLED);
	assert_int_equal(wh_autoencoder_facts(model).epochs, 3);
	stop = false;
	heard.stop = NULL;
	assert_int_equal(wh_autoencoder_train(model, 5, &host, &err), WH_OK);
	float centroids[K * 5] = { 0 };
	struct wh_dec_params dec = WH_DEC_PARAMS;
	stop = true;
	assert_int_equal(wh_dec_fit(model, &dec, K, centroids, NULL, NULL, &host, &err), WH_E_CANCELLED);
	wh_autoencoder_free(model);
	params.optimiser = WH_SGD;
	params.rate = 1e6;
	assert_int_equal(wh_autoencoder_fit(&ROWS, &params, NULL, &model, &err), WH_E_USAGE);
	assert_null(model);
}

/* The mean code of each kind. */
static void means(const struct wh_autoencoder *model, float *centroids)
{
	float code[N * 5];
	struct wh_err err;
	assert_int_equal(wh_autoencoder_codes(model, code, NULL, &err), WH_OK);
	memset(centroids, 0, K * 5 * sizeof *centroids);
	for (size_t i = 0; i < N; i++)
		for (size_t l = 0; l < 5; l++)
			centroids[kind[i] * 5 + l] += code[i * 5 + l] * K / N;
}

/* Sum of squared distances to the kind's mean, over that of the means to each other. */
static double looseness(const struct wh_autoencoder *model)
{
	float code[N * 5], mean[K * 5];
	struct wh_err err;
	means(model, mean);
	assert_int_equal(wh_autoencoder_codes(model, code, NULL, &err), WH_OK);
	double within = 0, between = 0;
	for (size_t i = 0; i < N; i++)
		for (size_t l = 0; l < 5; l++)
			within += pow(code[i * 5 + l] - mean[kind[i] * 5 + l], 2);
	for (size_t i = 0; i < K; i++)
		for (size_t j = 0; j < K; j++)
			for (size_t l = 0; l < 5; l++)
				between += pow(mean[i * 5 + l] - mean[j * 5 + l], 2);
	return within / between;
}

static void test_dec(void **state)
{
	struct wh_err err;
	for (int variational = 0; variational < 2; variational++)
		for (int gamma = 0; gamma < 2; gamma++) {
			struct wh_autoencoder_params params = small(variational);
			params.epochs = 100;
			struct wh_autoencoder *model = fit(&params, NULL);
			float centroids[K * 5], before[K * 5];
			uint32_t group[N];
			means(model, centroids);
			memcpy(before, centroids, sizeof before);
			double loose = looseness(model), reconstruction, after;
			assert_int_equal(wh_network_encode(&model->network, model->c, N, 1, NULL, &reconstruction, NULL, &err), WH_OK);
			struct wh_weights *out = &model->network.out;
			float *decoder = malloc(out->rows * out->columns * sizeof *decoder);
			assert_non_null(decoder);
			memcpy(decoder, out->w, out->rows * out->columns * sizeof *decoder);
			struct wh_dec_params dec = WH_DEC_PARAMS;
			dec.rate = 1e-3;
			dec.batch = 16;
			dec.gamma = gamma ? 0.1 : 0;
			struct wh_dec_facts facts;
			assert_int_equal(wh_dec_fit(model, &dec, K, centroids, group, &facts, NULL, &err), WH_OK);
			assert_true(facts.epochs >= dec.least && facts.epochs <= dec.most && facts.scale > 0 && facts.loss >= 0);
			assert_true(memcmp(before, centroids, sizeof before) != 0);
			bool same = !memcmp(decoder, out->w, out->rows * out->columns * sizeof *decoder);
			assert_int_equal(same, !gamma);
			if (!gamma)
				assert_true(looseness(model) < 0.8 * loose);
			assert_int_equal(wh_network_encode(&model->network, model->c, N, 1, NULL, &after, NULL, &err), WH_OK);
			if (gamma && !variational)
				assert_true(after < reconstruction);
			for (size_t i = 0; i < N; i++)
				assert_int_equal(group[i], kind[i]);
			free(decoder);
			wh_autoencoder_free(model);
		}
}

static void test_dec_limits(void **state)
{
	struct wh_err err;
	struct wh_autoencoder_params params = small(false);
	struct wh_autoencoder *model = fit(&params, NULL);
	float centroids[K * 5] = { 0 };
	struct wh_dec_params dec = WH_DEC_PARAMS, wrong = dec;
	assert_int_equal(wh_dec_fit(model, &dec, 0, centroids, NULL, NULL, NULL, &err), WH_E_USAGE);
	wrong.batch = 0;
	assert_int_equal(wh_dec_fit(model, &wrong, K, centroids, NULL, NULL, NULL, &err), WH_E_USAGE);
	wrong = dec;
	wrong.gamma = -1;
	assert_int_equal(wh_dec_fit(model, &wrong, K, centroids, NULL, NULL, NULL, &err), WH_E_USAGE);
	/* all centroids in one place, and one centroid alone: nothing to prefer, and nothing breaks */
	struct wh_dec_facts facts;
	dec.most = dec.least = 3;
	assert_int_equal(wh_dec_fit(model, &dec, K, centroids, NULL, &facts, NULL, &err), WH_OK);
	assert_true(facts.epochs == 3 && fabs(facts.loss) < 1e-6);
	assert_int_equal(wh_dec_fit(model, &dec, 1, centroids, NULL, &facts, NULL, &err), WH_OK);
	assert_true(fabs(facts.loss) < 1e-6 && facts.changed == 0);
	wh_autoencoder_free(model);
}

static int everything(const void *user, struct wh_err *err)
{
	struct wh_autoencoder_params params = *(const struct wh_autoencoder_params *)user;
	struct wh_matrix few = { .n = 6, .d = 20, .dense = values };
	struct wh_autoencoder *model = NULL, *back = NULL;
	struct wh_str bytes = { 0 };
	float code[6 * 5], centroids[2 * 5] = { 1 };
	struct wh_dec_params dec = WH_DEC_PARAMS;
	dec.least = dec.most = 1;
	int status = wh_autoencoder_fit(&few, &params, NULL, &model, err);
	if (status == WH_OK)
		status = wh_dec_fit(model, &dec, 2, centroids, NULL, NULL, NULL, err);
	if (status == WH_OK)
		status = wh_autoencoder_encode(model, &few, code, NULL, NULL, err);
	if (status == WH_OK)
		status = wh_autoencoder_save(model, true, &bytes, err);
	if (status == WH_OK)
		status = wh_autoencoder_load((struct wh_bytes){ bytes.data, bytes.n }, params.compute, &back, err);
	wh_str_release(&bytes);
	wh_autoencoder_free(model);
	wh_autoencoder_free(back);
	return status;
}

static void test_memory(void **state)
{
	for (size_t i = 0; wh_computes[i]; i++) {
		struct wh_autoencoder_params params = small(true);
		params.epochs = 1;
		params.holdout = 0.3;
		params.compute = wh_compute_find(wh_computes[i]->name);
		if (params.compute)
			assert_true(failing_each(everything, &params, NULL) > 60);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reduction_is_exact),
		cmocka_unit_test(test_training),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_any_number_of_threads),
		cmocka_unit_test(test_back_ends),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_damaged_bytes),
		cmocka_unit_test(test_early_stopping),
		cmocka_unit_test(test_interruption_and_divergence),
		cmocka_unit_test(test_dec),
		cmocka_unit_test(test_dec_limits),
		cmocka_unit_test(test_memory),
	};
	return cmocka_run_group_tests(tests, make, NULL);
}
