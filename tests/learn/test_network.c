/* SPDX-License-Identifier: Apache-2.0 */
/* A step of the network against its loss written down plainly, in double and differentiated numerically; optimisers against their formulas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "learn/network.h"

enum { R = 5, H = 70, Z = 3, ROWS = 9, BATCH = 6, K = 4, MOST_WEIGHTS = 8 };

/* The weights of a network in double: in, code, from, out, then their biases. */
struct plain {
	bool variational;
	size_t codes;
	double *w[MOST_WEIGHTS];
	size_t n[MOST_WEIGHTS];
	const float *c;
	const uint32_t *rows;
	uint64_t noise;
	const struct wh_target *target;
	double centroids[K * Z];
};

static void copy_weights(void *user, struct wh_weights *weights)
{
	struct plain *plain = user;
	size_t i = 0;
	while (plain->w[i])
		i++;
	plain->n[i] = weights->rows * weights->columns;
	plain->w[i] = calloc(plain->n[i], sizeof(double));
	assert_non_null(plain->w[i]);
	for (size_t j = 0; j < plain->n[i]; j++)
		plain->w[i][j] = weights->w[j];
}

static void release(struct plain *plain)
{
	for (size_t i = 0; i < MOST_WEIGHTS; i++)
		free(plain->w[i]);
}

static double kl_of_target(const struct plain *plain, size_t row, const double *mu)
{
	double q[K], total = 0, sum = 0;
	for (size_t j = 0; j < K; j++) {
		double square = 0;
		for (size_t l = 0; l < Z; l++)
			square += pow(mu[l] - plain->centroids[j * Z + l], 2);
		total += q[j] = 1 / (1 + square / plain->target->scale);
	}
	for (size_t j = 0; j < K; j++) {
		double p = plain->target->p[row * K + j];
		sum += p > 0 ? p * log(p * total / q[j]) : 0;
	}
	return plain->target->weight * sum;
}

/* The loss of the batch: a sum over its rows. */
static double loss_of(const struct plain *plain)
{
	double sum = 0;
	for (size_t i = 0; i < BATCH; i++) {
		const float *c = plain->c + plain->rows[i] * R;
		double h[H], code[2 * Z], z[Z];
		float noise[Z];
		wh_network_noise(plain->noise, i, Z, noise);
		for (size_t u = 0; u < H; u++) {
			h[u] = plain->w[4][u];
			for (size_t j = 0; j < R; j++)
				h[u] += plain->w[0][u * R + j] * c[j];
			h[u] = h[u] > 0 ? h[u] : 0;
		}
		for (size_t l = 0; l < plain->codes; l++) {
			code[l] = plain->w[5][l];
			for (size_t u = 0; u < H; u++)
				code[l] += h[u] * plain->w[1][u * plain->codes + l];
		}
		for (size_t l = 0; l < Z; l++) {
			z[l] = code[l];
			if (!plain->variational || plain->target)
				continue;
			double log_square = fmin(fmax(code[Z + l], -12), 8);
			sum += 0.5 * (code[l] * code[l] + exp(log_square) - 1 - log_square);
			z[l] += exp(log_square / 2) * noise[l];
		}
		if (plain->target)
			sum += kl_of_target(plain, plain->rows[i], code);
		if (plain->target && !plain->target->reconstruct)
			continue;
		double g[H];
		for (size_t u = 0; u < H; u++) {
			g[u] = plain->w[6][u];
			for (size_t l = 0; l < Z; l++)
				g[u] += plain->w[2][u * Z + l] * z[l];
			g[u] = g[u] > 0 ? g[u] : 0;
		}
		for (size_t j = 0; j < R; j++) {
			double y = plain->w[7][j] - c[j];
			for (size_t u = 0; u < H; u++)
				y += g[u] * plain->w[3][u * R + j];
			sum += 0.5 * y * y;
		}
	}
	return sum;
}

static double slope_of(const struct plain *plain, double *at)
{
	double keep = *at, h = 1e-6;
	*at = keep + h;
	double above = loss_of(plain);
	*at = keep - h;
	double below = loss_of(plain);
	*at = keep;
	return (above - below) / (2 * h) / BATCH;
}

struct comparison {
	struct plain *plain;
	size_t next;
};

/* With a rate of 1 and no momentum a step takes the gradient away. */
static void compare(void *user, struct wh_weights *weights)
{
	struct comparison *comparison = user;
	size_t i = comparison->next++;
	bool any = false;
	for (size_t j = 0; j < comparison->plain->n[i]; j++) {
		double *w = &comparison->plain->w[i][j], slope = slope_of(comparison->plain, w), step = *w - weights->w[j];
		assert_true(fabs(step - slope) < 2e-5 * (1 + fabs(slope)));
		any |= slope != 0;
	}
	/* without the decoder it stays as it is */
	assert_int_equal(any, !(comparison->plain->target && !comparison->plain->target->reconstruct && (i == 2 || i == 3 || i == 6 || i == 7)));
}

static void make_network(struct wh_network *network, bool variational, enum wh_optimiser optimiser, struct wh_rng *rng)
{
	struct wh_err err;
	*network = (struct wh_network){ .inputs = R, .rank = R, .hidden = H, .latent = Z, .variational = variational, .optimiser = optimiser,
					.compute = wh_compute_find(NULL) };
	assert_int_equal(wh_network_init(network, &err), WH_OK);
	wh_network_draw(network, rng);
}

static void check_gradients(bool variational, struct wh_target *target, float spread)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 11);
	struct wh_network network;
	make_network(&network, variational, WH_SGD, &rng);
	float c[ROWS * R], p[ROWS * K];
	uint32_t rows[BATCH] = { 8, 0, 3, 3, 5, 1 };
	for (size_t i = 0; i < ROWS * R; i++)
		c[i] = (float)(spread * (2 * wh_rng_real(&rng) - 1));
	for (size_t i = 0; i < ROWS * K; i++)
		p[i] = i / K % 3 == 0 ? i % K == 1 : i % K == i / K % K ? 0.7f : 0.1f; /* each row adds up to 1, some with zeroes */
	struct plain plain = { .variational = variational, .codes = network.codes, .c = c, .rows = rows, .noise = 5, .target = target };
	wh_network_each(&network, copy_weights, &plain);
	struct wh_err err;
	if (target) {
		target->p = p;
		assert_int_equal(wh_weights_init(&target->centroids, K, Z, 0, false, WH_SGD, NULL, &err), WH_OK);
		wh_weights_draw(&target->centroids, 1, &rng);
		for (size_t i = 0; i < K * Z; i++)
			plain.centroids[i] = target->centroids.w[i];
	}
	struct wh_pass *pass;
	assert_int_equal(wh_pass_new(&network, BATCH, target ? K : 0, NULL, &pass, &err), WH_OK);
	struct wh_lesson lesson = { .c = c, .rows = rows, .n = BATCH, .noise = 5, .target = target,
				    .step = { WH_SGD, 1, 0, 1, network.compute } };
	double loss;
	assert_int_equal(wh_network_step(&network, pass, &lesson, NULL, &loss, &err), WH_OK);
	assert_true(fabs(loss - loss_of(&plain)) < 1e-4 * (1 + fabs(loss)));
	struct comparison comparison = { &plain, 0 };
	wh_network_each(&network, compare, &comparison);
	for (size_t i = 0; target && i < K * Z; i++) {
		double slope = slope_of(&plain, &plain.centroids[i]), step = plain.centroids[i] - target->centroids.w[i];
		assert_true(fabs(step - target->centroid_rate * slope) < 2e-5 * (1 + fabs(slope)));
	}
	if (target)
		wh_weights_release(&target->centroids);
	wh_pass_free(pass);
	wh_network_release(&network);
	release(&plain);
}

static void test_gradients(void **state)
{
	check_gradients(false, NULL, 1);
	check_gradients(true, NULL, 1);
	/* far enough out that log sigma^2 is clamped for some */
	check_gradients(true, NULL, 60);
	struct wh_target dec = { .k = K, .scale = 0.5, .weight = 1, .centroid_rate = 1 };
	check_gradients(false, &dec, 1);
	check_gradients(true, &dec, 1);
	struct wh_target idec = { .k = K, .scale = 2, .weight = 0.3, .reconstruct = true, .centroid_rate = 0.5 };
	check_gradients(false, &idec, 1);
	check_gradients(true, &idec, 1);
}

static void test_codes(void **state)
{
	struct wh_rng rng;
	wh_rng_init(&rng, 4);
	enum { N = 700 };
	static float c[N * R], code[N * Z], again[N * Z], one[Z];
	for (size_t i = 0; i < N * R; i++)
		c[i] = (float)(2 * wh_rng_real(&rng) - 1);
	struct wh_host two = { .threads = 2 };
	struct wh_err err;
	for (int variational = 0; variational < 2; variational++) {
		struct wh_network network;
		make_network(&network, variational, WH_ADAM, &rng);
		double loss, sum = 0, each;
		assert_int_equal(wh_network_encode(&network, c, N, 2, code, &loss, NULL, &err), WH_OK);
		assert_int_equal(wh_network_encode(&network, c, N, 2, again, NULL, &two, &err), WH_OK);
		assert_memory_equal(code, again, sizeof code);
		for (size_t i = 0; i < N; i++) {
			assert_int_equal(wh_network_encode(&network, c + i * R, 1, 2, one, &each, NULL, &err), WH_OK);
			for (size_t l = 0; l < Z; l++)
				assert_true(fabsf(one[l] - code[i * Z + l]) < 1e-5f);
			sum += each;
		}
		assert_true(loss > 0 && fabs(sum - loss) < 1e-5 * loss);
		wh_network_release(&network);
	}
}

/* Against the formulas, in double. Shared: a row's one second moment is of ||g||^2 over the length that was said. */
static void test_optimisers(void **state)
{
	enum { M = 3, N = 37, LENGTH = 50, STEPS = 30 };
	struct wh_rng rng;
	wh_rng_init(&rng, 9);
	struct wh_err err;
	for (int kind = 0; kind < 4; kind++) {
		enum wh_optimiser optimiser = kind == 3 ? WH_ADAM_SHARED : (enum wh_optimiser)kind;
		bool shared = kind != 3; /* the last: the shared kind on a matrix that is not rotated is plain Adam */
		struct wh_weights weights;
		assert_int_equal(wh_weights_init(&weights, M, N, LENGTH, shared, optimiser, NULL, &err), WH_OK);
		wh_weights_draw(&weights, 1, &rng);
		double w[M * N], m[M * N] = { 0 }, v[M * N] = { 0 };
		float g[M * (N + 2)];
		for (size_t i = 0; i < M * N; i++)
			w[i] = weights.w[i];
		for (uint64_t number = 1; number <= STEPS; number++) {
			for (size_t i = 0; i < M * (N + 2); i++)
				g[i] = (float)(2 * wh_rng_real(&rng) - 0.5);
			struct wh_step step = { optimiser, 0.01, 0.8, number, wh_compute_find(NULL) };
			wh_weights_step(&weights, 0, 1, g, N + 2, &step);
			wh_weights_step(&weights, 1, 2, g + N + 2, N + 2, &step);
			for (size_t i = 0; i < M; i++) {
				double square = 0;
				for (size_t j = 0; j < N; j++)
					square += (double)g[i * (N + 2) + j] * g[i * (N + 2) + j] / LENGTH;
				for (size_t j = 0; j < N; j++) {
					double slope = g[i * (N + 2) + j], *wij = &w[i * N + j], *mij = &m[i * N + j], *vij = &v[i * N + j];
					if (optimiser == WH_SGD) {
						*mij = 0.8 * *mij + slope;
						*wij -= 0.01 * *mij;
						continue;
					}
					*mij = 0.9 * *mij + 0.1 * slope;
					*vij = 0.999 * *vij + 0.001 * (optimiser == WH_ADAM_SHARED && shared ? square : slope * slope);
					*wij -= 0.01 * *mij / (1 - pow(0.9, (double)number)) /
						(sqrt(*vij / (1 - pow(0.999, (double)number))) + 1e-8);
				}
			}
		}
		for (size_t i = 0; i < M * N; i++)
			assert_true(fabs(weights.w[i] - w[i]) < 1e-5);
		wh_weights_release(&weights);
	}
}

/* Normal, each row its own, the same for the same seed. */
static void test_noise(void **state)
{
	enum { N = 20000 };
	static float x[N], y[N];
	wh_network_noise(3, 0, N, x);
	wh_network_noise(3, 0, N, y);
	assert_memory_equal(x, y, sizeof x);
	wh_network_noise(3, 1, N, y);
	double mean = 0, square = 0, fourth = 0, cross = 0;
	for (size_t i = 0; i < N; i++) {
		mean += x[i];
		square += (double)x[i] * x[i];
		fourth += pow(x[i], 4);
		cross += (double)x[i] * y[i];
	}
	assert_true(fabs(mean / N) < 0.03 && fabs(square / N - 1) < 0.04 && fabs(fourth / N - 3) < 0.3 && fabs(cross / N) < 0.03);
	wh_network_noise(3, 0, 5, y); /* odd: no more than asked for */
	assert_memory_equal(x, y, 5 * sizeof *x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_optimisers),
		cmocka_unit_test(test_noise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
