/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "learn/network_pass.h"
#include "math/clones.h"

/* ---- the network ---- */

void wh_network_each(struct wh_network *network, void (*f)(void *user, struct wh_weights *), void *user)
{
	struct wh_weights *all[] = { &network->in,	&network->code,	     &network->from,	  &network->out,
				     &network->in_bias, &network->code_bias, &network->from_bias, &network->out_bias };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		f(user, all[i]);
}

static void release(void *user, struct wh_weights *weights)
{
	wh_weights_release(weights);
}

int wh_network_init(struct wh_network *network, struct wh_err *err)
{
	size_t r = network->rank, h = network->hidden, z = network->latent, d = network->inputs;
	const struct wh_compute *c = network->compute;
	enum wh_optimiser o = network->optimiser;
	network->codes = network->variational ? 2 * z : z;
	struct wh_weights *all[] = { &network->in,	&network->code,	     &network->from,	  &network->out,
				     &network->in_bias, &network->code_bias, &network->from_bias, &network->out_bias };
	const struct {
		size_t rows, columns;
		bool rotated, operand;
	} shape[] = { { h, r, true, true },  { h, network->codes, false, true },  { h, z, false, true },  { h, r, true, true },
		      { 1, h, false, false }, { 1, network->codes, false, false }, { 1, h, false, false }, { 1, r, true, false } };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		*all[i] = (struct wh_weights){ 0 };
	int code = WH_OK;
	for (size_t i = 0; code == WH_OK && i < sizeof all / sizeof *all; i++)
		code = wh_weights_init(all[i], shape[i].rows, shape[i].columns, shape[i].rotated ? d : 0, shape[i].rotated, o,
				       shape[i].operand ? c : NULL, err);
	if (code != WH_OK)
		wh_network_release(network);
	return code;
}

void wh_network_release(struct wh_network *network)
{
	wh_network_each(network, release, NULL);
}

void wh_network_draw(struct wh_network *network, struct wh_rng *rng)
{
	double in = 1 / sqrt((double)network->inputs), hidden = 1 / sqrt((double)network->hidden), latent = 1 / sqrt((double)network->latent);
	wh_weights_draw(&network->in, in, rng);
	wh_weights_draw(&network->in_bias, in, rng);
	wh_weights_draw(&network->code, hidden, rng);
	wh_weights_draw(&network->code_bias, hidden, rng);
	wh_weights_draw(&network->from, latent, rng);
	wh_weights_draw(&network->from_bias, latent, rng);
	wh_weights_draw(&network->out, hidden, rng);
	wh_weights_draw(&network->out_bias, hidden, rng);
	wh_weights_round(&network->in, network->compute);
	wh_weights_round(&network->code, network->compute);
	wh_weights_round(&network->from, network->compute);
	wh_weights_round(&network->out, network->compute);
}

/* Box and Muller 1958. */
void wh_network_noise(uint64_t noise, size_t i, size_t latent, float *out)
{
	struct wh_rng rng;
	wh_rng_init(&rng, noise ^ (i + 1) * 0x9e3779b97f4a7c15u);
	for (size_t j = 0; j < latent; j += 2) {
		double radius = sqrt(-2 * log(1 - wh_rng_real(&rng))), angle = 6.283185307179586 * wh_rng_real(&rng);
		out[j] = (float)(radius * cos(angle));
		if (j + 1 < latent)
			out[j + 1] = (float)(radius * sin(angle));
	}
}

/* ---- loops over floats ---- */

WH_CLONES void wh_floats_rectify(size_t n, float *restrict x, const float *restrict bias)
{
	for (size_t i = 0; i < n; i++) {
		float v = x[i] + bias[i];
		x[i] = v > 0 ? v : 0;
	}
}

WH_CLONES void wh_floats_add(size_t n, float *restrict x, const float *restrict y)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

WH_CLONES void wh_floats_multiply(size_t n, float *restrict x, float factor)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= factor;
}

/* ---- codes without learning ---- */

struct encoding {
	const struct wh_network *network;
	const float *c;
	float scale, *code;
	double *loss; /* by piece; NULL: not wanted */
};

/* x[n x columns] = relu or not (from[n x inner] weights + bias) */
static int layer(const struct encoding *encoding, size_t n, const float *from, const struct wh_weights *weights, bool by_input, const float *bias,
		 bool rectify, float *to, void *rounded, struct wh_err *err)
{
	const struct wh_compute *compute = encoding->network->compute;
	size_t inner = by_input ? weights->rows : weights->columns, outer = by_input ? weights->columns : weights->rows;
	if (compute->round)
		compute->round(n * inner, from, rounded);
	WH_TRY(compute->gemm(false, !by_input, n, outer, inner, compute->round ? rounded : from, inner, wh_weights_row(weights, 0, compute),
			     weights->columns, false, to, outer, err));
	for (size_t i = 0; i < n; i++)
		if (rectify)
			wh_floats_rectify(outer, to + i * outer, bias);
		else
			wh_floats_add(outer, to + i * outer, bias);
	return WH_OK;
}

static int encode(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct encoding *encoding = user;
	const struct wh_network *network = encoding->network;
	size_t n = last - first, r = network->rank, h = network->hidden, z = network->latent, codes = network->codes;
	float *c = malloc(n * r * sizeof *c), *units = malloc(n * h * sizeof *units), *code = malloc(n * codes * sizeof *code);
	float *mu = malloc(n * z * sizeof *mu), *y = encoding->loss ? malloc(n * r * sizeof *y) : NULL;
	void *rounded = network->compute->round ? malloc(n * (r + h + z) * network->compute->operand) : NULL;
	int status = c && units && code && mu && (y || !encoding->loss) && (rounded || !network->compute->round) ?
			     WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (status == WH_OK) {
		memcpy(c, encoding->c + first * r, n * r * sizeof *c);
		wh_floats_multiply(n * r, c, encoding->scale);
		status = layer(encoding, n, c, &network->in, false, network->in_bias.w, true, units, rounded, err);
	}
	if (status == WH_OK)
		status = layer(encoding, n, units, &network->code, true, network->code_bias.w, false, code, rounded, err);
	for (size_t i = 0; status == WH_OK && i < n; i++) {
		memcpy(mu + i * z, code + i * codes, z * sizeof *mu);
		if (encoding->code)
			memcpy(encoding->code + (first + i) * z, mu + i * z, z * sizeof *mu);
	}
	if (status == WH_OK && encoding->loss) {
		double sum = 0;
		for (size_t i = 0; network->variational && i < n; i++)
			for (size_t j = 0; j < z; j++) {
				double raw = code[i * codes + z + j], m = mu[i * z + j], l = fmin(fmax(raw, LEAST_LOG), MOST_LOG);
				sum += 0.5 * (m * m + exp(l) - 1 - l);
			}
		status = layer(encoding, n, mu, &network->from, false, network->from_bias.w, true, units, rounded, err);
		if (status == WH_OK)
			status = layer(encoding, n, units, &network->out, true, network->out_bias.w, false, y, rounded, err);
		for (size_t i = 0; status == WH_OK && i < n * r; i++)
			sum += 0.5 * ((double)y[i] - c[i]) * ((double)y[i] - c[i]);
		encoding->loss[first / ENCODE_PIECE] = sum;
	}
	free(c);
	free(units);
	free(code);
	free(mu);
	free(y);
	free(rounded);
	return status;
}

int wh_network_encode(const struct wh_network *network, const float *c, size_t n, float scale, float *code, double *loss,
		      const struct wh_host *host, struct wh_err *err)
{
	size_t pieces = n / ENCODE_PIECE + 1;
	struct encoding encoding = { network, c, scale, code, loss ? calloc(pieces, sizeof(double)) : NULL };
	if (loss && !encoding.loss)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int status = wh_parallel(host, NULL, n, ENCODE_PIECE, encode, &encoding, err);
	if (loss)
		*loss = 0;
	for (size_t i = 0; loss && i < pieces; i++)
		*loss += encoding.loss[i];
	free(encoding.loss);
	return status;
}
