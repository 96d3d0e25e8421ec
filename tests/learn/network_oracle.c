/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What torch_network.py asks: VARIATIONAL OPTIMISER(0 adam shared, 1 adam, 2 descent) TARGET(0 none, 1 DEC, 2 IDEC) SEED. Draws rows and a
 * network, trains some steps, and prints what a stranger needs to do the same and what came out: a name and numbers a line.
 * Not a test of its own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "learn/network.h"

enum { N = 48, R = 20, H = 80, Z = 6, BATCH = 16, STEPS = 25, K = 5, INPUTS = 90 };

static void put(const char *name, const float *x, size_t n)
{
	printf("%s", name);
	for (size_t i = 0; i < n; i++)
		printf(" %.9g", x[i]);
	printf("\n");
}

static const char *const NAMES[] = { "in", "code", "from", "out", "in_bias", "code_bias", "from_bias", "out_bias" };

struct listing {
	const char *when;
	size_t next;
};

static void put_weights(void *user, struct wh_weights *weights)
{
	struct listing *listing = user;
	char name[64];
	snprintf(name, sizeof name, "%s.%s", listing->when, NAMES[listing->next++]);
	put(name, weights->w, weights->rows * weights->columns);
}

int main(int n_words, char **words)
{
	if (n_words != 5)
		return 1;
	bool variational = atoi(words[1]);
	enum wh_optimiser optimiser = (enum wh_optimiser)atoi(words[2]);
	int kind = atoi(words[3]);
	struct wh_rng rng;
	wh_rng_init(&rng, strtoul(words[4], NULL, 10));
	struct wh_err err;
	struct wh_network network = { .inputs = INPUTS, .rank = R, .hidden = H, .latent = Z, .variational = variational, .optimiser = optimiser,
				      .compute = wh_compute_find(NULL) };
	struct wh_target target = { .k = K, .scale = 0.8, .weight = kind == 2 ? 0.3 : 1, .reconstruct = kind == 2, .centroid_rate = 10 };
	struct wh_pass *pass;
	if (wh_network_init(&network, &err) != WH_OK || wh_pass_new(&network, BATCH, K, NULL, &pass, &err) != WH_OK ||
	    wh_weights_init(&target.centroids, K, Z, 0, false, optimiser, NULL, &err) != WH_OK)
		return 1;
	wh_network_draw(&network, &rng);
	wh_weights_draw(&target.centroids, 0.5, &rng);
	float c[N * R], p[N * K], noise[BATCH * Z];
	for (size_t i = 0; i < N * R; i++)
		c[i] = (float)(4 * wh_rng_real(&rng) - 2);
	for (size_t i = 0; i < N; i++) {
		float total = 0;
		for (size_t j = 0; j < K; j++)
			total += p[i * K + j] = (float)wh_rng_real(&rng);
		for (size_t j = 0; j < K; j++)
			p[i * K + j] /= total;
	}
	target.p = p;
	put("c", c, N * R);
	put("p", p, N * K);
	put("before.centroids", target.centroids.w, K * Z);
	wh_network_each(&network, put_weights, &(struct listing){ "before", 0 });
	for (uint64_t step = 1; step <= STEPS; step++) {
		uint32_t rows[BATCH];
		float loss;
		double sum;
		printf("rows");
		for (size_t i = 0; i < BATCH; i++) {
			rows[i] = (uint32_t)wh_rng_below(&rng, N);
			printf(" %u", rows[i]);
			wh_network_noise(step, i, Z, noise + i * Z);
		}
		printf("\n");
		put("noise", noise, BATCH * Z);
		struct wh_lesson lesson = { .c = c, .rows = rows, .n = BATCH, .noise = step, .target = kind ? &target : NULL,
					    .step = { optimiser, optimiser == WH_SGD ? 1e-3 : 2e-3, 0.9, step, network.compute } };
		if (wh_network_step(&network, pass, &lesson, NULL, &sum, &err) != WH_OK)
			return 1;
		loss = (float)(sum / BATCH);
		put("loss", &loss, 1);
	}
	wh_network_each(&network, put_weights, &(struct listing){ "after", 0 });
	put("after.centroids", target.centroids.w, K * Z);
	wh_weights_release(&target.centroids);
	wh_network_release(&network);
	wh_pass_free(pass);
	return 0;
}
