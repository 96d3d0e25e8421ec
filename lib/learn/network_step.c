/* SPDX-License-Identifier: Apache-2.0 */
/* A step of training: seven loops, each over pieces of what it writes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "learn/network_pass.h"
#include "math/clones.h"

/* ---- pieces of a step ---- */

/* About `pieces` of n, each a multiple of 16 and 64 at least: a matter of the shape alone. */
static size_t piece(size_t n, size_t pieces)
{
	size_t each = (n + pieces - 1) / pieces;
	each = (each + 15) / 16 * 16;
	return each < 64 ? 64 : each;
}

static size_t hidden_piece(const struct wh_network *network)
{
	return piece(network->hidden, 16);
}

static void *operand(const struct wh_pass *pass, const struct wh_plane *plane, size_t row, size_t column)
{
	size_t at = row * plane->columns + column;
	return pass->compute->round ? (char *)plane->rounded + at * pass->compute->operand : (void *)(plane->x + at);
}

/* Rounds rows first … last-1, columns left … right-1. */
static void round_plane(const struct wh_pass *pass, const struct wh_plane *plane, size_t first, size_t last, size_t left, size_t right)
{
	for (size_t i = first; pass->compute->round && i < last; i++)
		pass->compute->round(right - left, plane->x + i * plane->columns + left, operand(pass, plane, i, left));
}

/* x = 0 where the unit that it is the gradient of was off. */
WH_CLONES static void mask(size_t n, float *restrict x, const float *restrict unit)
{
	for (size_t i = 0; i < n; i++)
		x[i] = unit[i] > 0 ? x[i] : 0;
}

/* x = (x + bias - target); returns sum x^2. */
WH_CLONES static double residual(size_t n, float *restrict x, const float *restrict bias, const float *restrict target)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++) {
		x[i] = x[i] + bias[i] - target[i];
		sum += (double)x[i] * x[i];
	}
	return sum;
}

/* out[right - left] = sums of the columns of n rows */
static void sum_columns(const float *x, size_t n, size_t ld, size_t columns, float *out)
{
	memset(out, 0, columns * sizeof *out);
	for (size_t i = 0; i < n; i++)
		wh_floats_add(columns, out, x + i * ld);
}

/* h, or g: units first … last-1 of all rows. */
static int rectified(const struct wh_pass *pass, const struct wh_plane *from, const struct wh_weights *weights, const struct wh_weights *bias,
		     const struct wh_plane *to, size_t first, size_t last, struct wh_err *err)
{
	const struct wh_compute *compute = pass->compute;
	WH_TRY(compute->gemm(false, true, pass->n, last - first, weights->columns, operand(pass, from, 0, 0), from->columns,
			     wh_weights_row(weights, first, compute), weights->columns, false, to->x + first, to->columns, err));
	for (size_t i = 0; i < pass->n; i++)
		wh_floats_rectify(last - first, to->x + i * to->columns + first, bias->w + first);
	round_plane(pass, to, 0, pass->n, first, last);
	return WH_OK;
}

static int encode_hidden(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct wh_pass *pass = user;
	return rectified(pass, &pass->c, &pass->network->in, &pass->network->in_bias, &pass->h, first, last, err);
}

static int decode_hidden(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct wh_pass *pass = user;
	return rectified(pass, &pass->z, &pass->network->from, &pass->network->from_bias, &pass->g, first, last, err);
}

/* KL(N(mu, sigma^2) || N(0, 1)) of a row, with its gradient / n, and z. */
static double variational_row(const struct wh_pass *pass, size_t i)
{
	const struct wh_network *network = pass->network;
	size_t latent = network->latent;
	float *code = pass->code.x + i * network->codes, *slope = pass->slope.x + i * network->codes, *z = pass->z.x + i * latent;
	float *noise = pass->noise + i * latent, each = 1 / (float)pass->n;
	double sum = 0;
	wh_network_noise(pass->lesson->noise, i, latent, noise);
	for (size_t j = 0; j < latent; j++) {
		float raw = code[latent + j], mu = code[j], clamped = fminf(fmaxf(raw, LEAST_LOG), MOST_LOG);
		float sigma = expf(clamped / 2), square = sigma * sigma;
		bool inside = raw >= LEAST_LOG && raw <= MOST_LOG;
		sum += 0.5 * ((double)mu * mu + square - 1 - clamped);
		z[j] = mu + sigma * noise[j];
		slope[j] = mu * each;
		slope[latent + j] = inside ? 0.5f * (square - 1) * each : 0;
		noise[j] = inside ? 0.5f * sigma * noise[j] : 0; /* what dz counts for in d log sigma^2 */
	}
	return sum;
}

/* KL(p_i || q_i) of a row, and its gradient / n by mu and by the centroids: wh_target's weight apart. */
static double target_row(const struct wh_pass *pass, size_t i)
{
	const struct wh_network *network = pass->network;
	const struct wh_target *target = pass->lesson->target;
	const float *p = target->p + (size_t)pass->lesson->rows[i] * target->k, *mu = pass->code.x + i * network->codes;
	float *slope = pass->slope.x + i * network->codes, *pull = pass->pull + i * target->k;
	double total = 0, sum = 0;
	for (size_t j = 0; j < target->k; j++) {
		const float *centroid = target->centroids.w + j * network->latent;
		double square = 0;
		for (size_t l = 0; l < network->latent; l++)
			square += (double)(mu[l] - centroid[l]) * (mu[l] - centroid[l]);
		pull[j] = (float)(1 / (1 + square / target->scale));
		total += pull[j];
	}
	memset(slope, 0, network->codes * sizeof *slope);
	for (size_t j = 0; j < target->k; j++) {
		const float *centroid = target->centroids.w + j * network->latent;
		double q = pull[j] / total;
		sum += p[j] > 0 ? p[j] * log(p[j] / q) : 0;
		pull[j] = (float)(target->weight * 2 / target->scale * pull[j] * (p[j] - q) / (double)pass->n);
		for (size_t l = 0; l < network->latent; l++)
			slope[l] += pull[j] * (mu[l] - centroid[l]);
	}
	return target->weight * sum;
}

/* The code of rows first … last-1, z, and the code's own part of loss and gradient. */
static int encode_code(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct wh_pass *pass = user;
	const struct wh_network *network = pass->network;
	const struct wh_compute *compute = pass->compute;
	WH_TRY(compute->gemm(false, false, last - first, network->codes, network->hidden, operand(pass, &pass->h, first, 0), network->hidden,
			     wh_weights_row(&network->code, 0, compute), network->codes, false, pass->code.x + first * network->codes,
			     network->codes, err));
	for (size_t i = first; i < last; i++) {
		float *code = pass->code.x + i * network->codes, *slope = pass->slope.x + i * network->codes;
		wh_floats_add(network->codes, code, network->code_bias.w);
		pass->loss[i] = 0;
		if (pass->lesson->target)
			pass->loss[i] = target_row(pass, i);
		else if (network->variational)
			pass->loss[i] = variational_row(pass, i);
		else
			memset(slope, 0, network->codes * sizeof *slope);
		if (pass->lesson->target || !network->variational)
			memcpy(pass->z.x + i * network->latent, code, network->latent * sizeof *code);
	}
	round_plane(pass, &pass->z, first, last, 0, network->latent);
	return WH_OK;
}

/* Outputs first … last-1 of all rows: the residual / n. Losses by piece, so that they add up in one order. */
static int decode_output(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct wh_pass *pass = user;
	const struct wh_network *network = pass->network;
	const struct wh_compute *compute = pass->compute;
	size_t r = network->rank;
	double sum = 0;
	WH_TRY(compute->gemm(false, false, pass->n, last - first, network->hidden, operand(pass, &pass->g, 0, 0), network->hidden,
			     (const char *)wh_weights_row(&network->out, 0, compute) + first * compute->operand, r, false,
			     pass->y.x + first, r, err));
	for (size_t i = 0; i < pass->n; i++) {
		float *y = pass->y.x + i * r + first;
		sum += residual(last - first, y, network->out_bias.w + first, pass->c.x + i * r + first);
		wh_floats_multiply(last - first, y, 1 / (float)pass->n);
	}
	round_plane(pass, &pass->y, 0, pass->n, first, last);
	pass->residual[first / pass->output_piece] = 0.5 * sum;
	return WH_OK;
}

/* The gradient by g of units first … last-1, then the step of their output weights and bias. */
static int learn_output(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct wh_pass *pass = user;
	struct wh_network *network = pass->network;
	const struct wh_compute *compute = pass->compute;
	size_t r = network->rank, h = network->hidden, n = last - first;
	float *gradient = pass->gradient + worker * pass->gradient_each, *slope = pass->g_slope.x + first;
	WH_TRY(compute->gemm(false, true, pass->n, n, r, operand(pass, &pass->y, 0, 0), r, wh_weights_row(&network->out, first, compute), r,
			     false, slope, h, err));
	for (size_t i = 0; i < pass->n; i++)
		mask(n, slope + i * h, pass->g.x + i * h + first);
	round_plane(pass, &pass->g_slope, 0, pass->n, first, last);
	WH_TRY(compute->gemm(true, false, n, r, pass->n, operand(pass, &pass->g, 0, first), h, operand(pass, &pass->y, 0, 0), r, false, gradient,
			     r, err));
	wh_weights_step(&network->out, first, n, gradient, r, &pass->lesson->step);
	sum_columns(slope, pass->n, h, n, pass->from_slope + first);
	return WH_OK;
}

/* What of the loss comes to the code of rows first … last-1 through z. */
static int back_to_code(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct wh_pass *pass = user;
	const struct wh_network *network = pass->network;
	const struct wh_compute *compute = pass->compute;
	size_t latent = network->latent;
	float *dz = pass->z_slope + first * latent;
	WH_TRY(compute->gemm(false, false, last - first, latent, network->hidden, operand(pass, &pass->g_slope, first, 0), network->hidden,
			     wh_weights_row(&network->from, 0, compute), latent, false, dz, latent, err));
	for (size_t i = first; i < last; i++, dz += latent) {
		float *slope = pass->slope.x + i * network->codes;
		wh_floats_add(latent, slope, dz);
		if (network->variational && !pass->lesson->target)
			for (size_t j = 0; j < latent; j++)
				slope[latent + j] += dz[j] * pass->noise[i * latent + j];
	}
	return WH_OK;
}

/* Units first … last-1 on both sides of the code: gradients and steps. */
static int learn_hidden(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct wh_pass *pass = user;
	struct wh_network *network = pass->network;
	const struct wh_compute *compute = pass->compute;
	const struct wh_step *step = &pass->lesson->step;
	size_t h = network->hidden, r = network->rank, n = last - first, latent = network->latent, codes = network->codes;
	float *gradient = pass->gradient + worker * pass->gradient_each, *slope = pass->h_slope.x + first;
	if (pass->decoder) {
		WH_TRY(compute->gemm(true, false, n, latent, pass->n, operand(pass, &pass->g_slope, 0, first), h, operand(pass, &pass->z, 0, 0),
				     latent, false, gradient, latent, err));
		wh_weights_step(&network->from, first, n, gradient, latent, step);
	}
	WH_TRY(compute->gemm(false, true, pass->n, n, codes, operand(pass, &pass->slope, 0, 0), codes,
			     wh_weights_row(&network->code, first, compute), codes, false, slope, h, err));
	for (size_t i = 0; i < pass->n; i++)
		mask(n, slope + i * h, pass->h.x + i * h + first);
	round_plane(pass, &pass->h_slope, 0, pass->n, first, last);
	sum_columns(slope, pass->n, h, n, pass->in_slope + first);
	WH_TRY(compute->gemm(true, false, n, codes, pass->n, operand(pass, &pass->h, 0, first), h, operand(pass, &pass->slope, 0, 0), codes,
			     false, gradient, codes, err));
	wh_weights_step(&network->code, first, n, gradient, codes, step);
	WH_TRY(compute->gemm(true, false, n, r, pass->n, operand(pass, &pass->h_slope, 0, first), h, operand(pass, &pass->c, 0, 0), r, false,
			     gradient, r, err));
	wh_weights_step(&network->in, first, n, gradient, r, step);
	return WH_OK;
}

/* ---- a step ---- */

static void learn_biases(struct wh_pass *pass)
{
	struct wh_network *network = pass->network;
	const struct wh_step *step = &pass->lesson->step;
	float *sum = pass->bias_slope;
	if (pass->decoder) {
		sum_columns(pass->y.x, pass->n, network->rank, network->rank, sum);
		wh_weights_step(&network->out_bias, 0, 1, sum, network->rank, step);
		wh_weights_step(&network->from_bias, 0, 1, pass->from_slope, network->hidden, step);
	}
	sum_columns(pass->slope.x, pass->n, network->codes, network->codes, sum);
	wh_weights_step(&network->code_bias, 0, 1, sum, network->codes, step);
	wh_weights_step(&network->in_bias, 0, 1, pass->in_slope, network->hidden, step);
}

static void learn_centroids(struct wh_pass *pass)
{
	struct wh_target *target = pass->lesson->target;
	size_t latent = pass->network->latent;
	float *sum = pass->centroid_slope;
	memset(sum, 0, target->k * latent * sizeof *sum);
	for (size_t i = 0; i < pass->n; i++)
		for (size_t j = 0; j < target->k; j++) {
			const float *mu = pass->code.x + i * pass->network->codes, *centroid = target->centroids.w + j * latent;
			float pull = pass->pull[i * target->k + j];
			for (size_t l = 0; l < latent; l++)
				sum[j * latent + l] -= pull * (mu[l] - centroid[l]);
		}
	struct wh_step step = pass->lesson->step;
	step.rate *= target->centroid_rate;
	wh_weights_step(&target->centroids, 0, target->k, sum, latent, &step);
}

int wh_network_step(struct wh_network *network, struct wh_pass *pass, const struct wh_lesson *lesson, const struct wh_host *host, double *loss,
		    struct wh_err *err)
{
	size_t units = hidden_piece(network), rows = ROWS_PIECE, n = lesson->n, h = network->hidden, r = network->rank;
	struct wh_host alone = host ? *host : (struct wh_host){ 0 };
	if ((double)n * (double)h * (double)r < SMALL)
		alone.threads = 1; /* not worth starting threads for */
	alone.progress = NULL;
	alone.cancelled = NULL; /* a step is made whole */
	pass->network = network;
	pass->lesson = lesson;
	pass->n = n;
	pass->decoder = !lesson->target || lesson->target->reconstruct;
	pass->output_piece = piece(r, 8);
	for (size_t i = 0; i < n; i++)
		memcpy(pass->c.x + i * r, lesson->c + (size_t)lesson->rows[i] * r, r * sizeof *pass->c.x);
	round_plane(pass, &pass->c, 0, n, 0, r);
	WH_TRY(wh_parallel(&alone, NULL, h, units, encode_hidden, pass, err));
	WH_TRY(wh_parallel(&alone, NULL, n, rows, encode_code, pass, err));
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += pass->loss[i];
	if (pass->decoder) {
		WH_TRY(wh_parallel(&alone, NULL, h, units, decode_hidden, pass, err));
		WH_TRY(wh_parallel(&alone, NULL, r, pass->output_piece, decode_output, pass, err));
		for (size_t i = 0; i * pass->output_piece < r; i++)
			sum += pass->residual[i];
		WH_TRY(wh_parallel(&alone, NULL, h, units, learn_output, pass, err));
		WH_TRY(wh_parallel(&alone, NULL, n, rows, back_to_code, pass, err));
	}
	round_plane(pass, &pass->slope, 0, n, 0, network->codes);
	WH_TRY(wh_parallel(&alone, NULL, h, units, learn_hidden, pass, err));
	learn_biases(pass);
	if (lesson->target)
		learn_centroids(pass);
	*loss = sum;
	return WH_OK;
}

/* ---- memory of a step ---- */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t largest(size_t a, size_t b, size_t c) { return a > b ? (a > c ? a : c) : b > c ? b : c; }

static int plane(struct wh_pass *pass, struct wh_plane *plane, size_t rows, size_t columns)
{
	plane->columns = columns;
	plane->x = calloc(rows * columns, sizeof *plane->x);
	plane->rounded = pass->compute->round ? calloc(rows * columns, pass->compute->operand) : NULL;
	return plane->x && (plane->rounded || !pass->compute->round) ? 0 : 1;
}

static void *numbers(size_t n, size_t size, int *failed)
{
	void *x = calloc(n ? n : 1, size);
	*failed |= !x;
	return x;
}

int wh_pass_new(const struct wh_network *network, size_t batch, size_t k, const struct wh_host *host, struct wh_pass **result, struct wh_err *err)
{
	size_t r = network->rank, h = network->hidden, z = network->latent, codes = network->codes;
	struct wh_pass *pass = *result = calloc(1, sizeof *pass);
	if (!pass)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	pass->compute = network->compute;
	int failed = plane(pass, &pass->c, batch, r) | plane(pass, &pass->h, batch, h) | plane(pass, &pass->code, batch, codes) |
		     plane(pass, &pass->z, batch, z) | plane(pass, &pass->g, batch, h) | plane(pass, &pass->y, batch, r) |
		     plane(pass, &pass->slope, batch, codes) | plane(pass, &pass->g_slope, batch, h) | plane(pass, &pass->h_slope, batch, h);
	pass->gradient_each = smaller(hidden_piece(network), h) * largest(r, codes, z);
	pass->gradient = numbers(pass->gradient_each * wh_host_threads(host), sizeof(float), &failed);
	pass->noise = numbers(batch * z, sizeof(float), &failed);
	pass->z_slope = numbers(batch * z, sizeof(float), &failed);
	pass->pull = numbers(batch * k, sizeof(float), &failed);
	pass->centroid_slope = numbers(k * z, sizeof(float), &failed);
	pass->in_slope = numbers(h, sizeof(float), &failed);
	pass->from_slope = numbers(h, sizeof(float), &failed);
	pass->bias_slope = numbers(largest(r, codes, h), sizeof(float), &failed);
	pass->loss = numbers(batch, sizeof(double), &failed);
	pass->residual = numbers(r / 64 + 1, sizeof(double), &failed);
	if (!failed)
		return WH_OK;
	wh_pass_free(pass);
	*result = NULL;
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

void wh_pass_free(struct wh_pass *pass)
{
	if (!pass)
		return;
	struct wh_plane *planes[] = { &pass->c, &pass->h, &pass->code, &pass->z, &pass->g, &pass->y, &pass->slope, &pass->g_slope, &pass->h_slope };
	for (size_t i = 0; i < sizeof planes / sizeof *planes; i++) {
		free(planes[i]->x);
		free(planes[i]->rounded);
	}
	free(pass->gradient);
	free(pass->noise);
	free(pass->z_slope);
	free(pass->pull);
	free(pass->centroid_slope);
	free(pass->in_slope);
	free(pass->from_slope);
	free(pass->bias_slope);
	free(pass->loss);
	free(pass->residual);
	free(pass);
}
