/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math/clones.h"

static const double DECAY_MEAN = 0.9, DECAY_SQUARE = 0.999;
static const float EPSILON = 1e-8f;

static size_t squares(const struct wh_weights *weights)
{
	return !weights->v ? 0 : weights->shared ? weights->rows : weights->rows * weights->columns;
}

int wh_weights_init(struct wh_weights *weights, size_t rows, size_t columns, size_t length, bool shared, enum wh_optimiser optimiser,
		    const struct wh_compute *rounded, struct wh_err *err)
{
	*weights = (struct wh_weights){ .rows = rows, .columns = columns, .length = length, .shared = shared && optimiser == WH_ADAM_SHARED };
	size_t n, bytes;
	if (__builtin_mul_overflow(rows, columns, &n) || __builtin_mul_overflow(n, sizeof(double), &bytes))
		return wh_err_set(err, WH_E_LIMIT, "a layer of %zu x %zu weights is too large", rows, columns);
	weights->w = calloc(n, sizeof *weights->w);
	weights->m = calloc(n, sizeof *weights->m);
	if (optimiser != WH_SGD)
		weights->v = calloc(weights->shared ? rows : n, sizeof *weights->v);
	if (rounded && rounded->round)
		weights->rounded = calloc(n, rounded->operand);
	if (weights->w && weights->m && (weights->v || optimiser == WH_SGD) && (weights->rounded || !rounded || !rounded->round))
		return WH_OK;
	wh_weights_release(weights);
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

void wh_weights_release(struct wh_weights *weights)
{
	free(weights->w);
	free(weights->m);
	free(weights->v);
	free(weights->rounded);
	*weights = (struct wh_weights){ 0 };
}

void wh_weights_draw(struct wh_weights *weights, double bound, struct wh_rng *rng)
{
	for (size_t i = 0; i < weights->rows * weights->columns; i++)
		weights->w[i] = (float)(bound * (2 * wh_rng_real(rng) - 1));
}

void wh_weights_forget(struct wh_weights *weights)
{
	memset(weights->m, 0, weights->rows * weights->columns * sizeof *weights->m);
	if (weights->v)
		memset(weights->v, 0, squares(weights) * sizeof *weights->v);
}

static void round_rows(struct wh_weights *weights, size_t first, size_t n, const struct wh_compute *compute)
{
	if (weights->rounded)
		compute->round(n * weights->columns, weights->w + first * weights->columns,
			       (char *)weights->rounded + first * weights->columns * compute->operand);
}

void wh_weights_round(struct wh_weights *weights, const struct wh_compute *compute)
{
	round_rows(weights, 0, weights->rows, compute);
}

const void *wh_weights_row(const struct wh_weights *weights, size_t i, const struct wh_compute *compute)
{
	if (weights->rounded)
		return (const char *)weights->rounded + i * weights->columns * compute->operand;
	return weights->w + i * weights->columns;
}

WH_CLONES static void descend(size_t n, float *restrict w, float *restrict m, const float *restrict g, float momentum, float rate)
{
	for (size_t i = 0; i < n; i++) {
		m[i] = momentum * m[i] + g[i];
		w[i] -= rate * m[i];
	}
}

/* factor: 1 over what the mean gradient lacks; root: the same of the square. */
WH_CLONES static void adam(size_t n, float *restrict w, float *restrict m, float *restrict v, const float *restrict g, float rate, float root)
{
	const float b1 = (float)DECAY_MEAN, c1 = (float)(1 - DECAY_MEAN), b2 = (float)DECAY_SQUARE, c2 = (float)(1 - DECAY_SQUARE);
	for (size_t i = 0; i < n; i++) {
		m[i] = b1 * m[i] + c1 * g[i];
		v[i] = b2 * v[i] + c2 * g[i] * g[i];
		w[i] -= rate * m[i] / (sqrtf(v[i]) * root + EPSILON);
	}
}

WH_CLONES static void adam_shared(size_t n, float *restrict w, float *restrict m, const float *restrict g, float rate)
{
	const float b1 = (float)DECAY_MEAN, c1 = (float)(1 - DECAY_MEAN);
	for (size_t i = 0; i < n; i++) {
		m[i] = b1 * m[i] + c1 * g[i];
		w[i] -= rate * m[i];
	}
}

/* Sixteen sums, so that they add side by side. */
WH_CLONES static float square_length(size_t n, const float *g)
{
	float sums[16] = { 0 }, sum = 0;
	size_t i = 0;
	for (; i + 16 <= n; i += 16)
		for (size_t j = 0; j < 16; j++)
			sums[j] += g[i + j] * g[i + j];
	for (; i < n; i++)
		sum += g[i] * g[i];
	for (size_t j = 0; j < 16; j++)
		sum += sums[j];
	return sum;
}

void wh_weights_step(struct wh_weights *weights, size_t first, size_t n, const float *gradient, size_t ld, const struct wh_step *step)
{
	size_t columns = weights->columns;
	double lacks_mean = 1 - pow(DECAY_MEAN, (double)step->number), lacks_square = 1 - pow(DECAY_SQUARE, (double)step->number);
	float rate = (float)(step->rate / lacks_mean), root = (float)(1 / sqrt(lacks_square));
	for (size_t i = first; i < first + n; i++) {
		float *w = weights->w + i * columns, *m = weights->m + i * columns;
		const float *g = gradient + (i - first) * ld;
		if (step->optimiser == WH_SGD) {
			descend(columns, w, m, g, (float)step->momentum, (float)step->rate);
		} else if (!weights->shared) {
			adam(columns, w, m, weights->v + i * columns, g, rate, root);
		} else {
			double square = square_length(columns, g) / (double)weights->length;
			weights->v[i] = (float)(DECAY_SQUARE * weights->v[i] + (1 - DECAY_SQUARE) * square);
			adam_shared(columns, w, m, g, rate / (sqrtf(weights->v[i]) * root + EPSILON));
		}
		round_rows(weights, i, 1, step->compute);
	}
}

void wh_weights_pack(const struct wh_weights *weights, bool checkpoint, struct wh_str *out)
{
	wh_pack_floats(out, weights->w, weights->rows * weights->columns);
	if (!checkpoint)
		return;
	wh_pack_floats(out, weights->m, weights->rows * weights->columns);
	wh_pack_floats(out, weights->v, squares(weights));
}

void wh_weights_unpack(struct wh_unpack *in, bool checkpoint, struct wh_weights *weights, const struct wh_compute *compute)
{
	wh_unpack_floats_to(in, weights->w, weights->rows * weights->columns);
	if (checkpoint) {
		wh_unpack_floats_to(in, weights->m, weights->rows * weights->columns);
		wh_unpack_floats_to(in, weights->v, squares(weights));
		for (size_t i = 0; i < squares(weights); i++)
			in->failed |= weights->v[i] < 0;
	}
	wh_weights_round(weights, compute);
}
