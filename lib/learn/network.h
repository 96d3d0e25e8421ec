/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of an autoencoder on coordinates: r -> hidden -> code -> hidden -> r. Every matrix is stored by hidden unit (a row each), so
 * that a step is a sequence of loops over pieces of hidden units, rows of the batch, or outputs, whose products write what no other
 * piece does.
 *
 *   h = relu(c In' + in_bias)         code = h Code + code_bias: mu, and where variational log sigma^2 after it
 *   z = mu + sigma noise              (mu where plain)
 *   g = relu(z From' + from_bias)     c' = g Out + out_bias
 *
 * Loss, a mean over the rows of the batch: 0.5 ||c - c'||^2, + KL where variational; or with a target (DEC) gamma KL(P || Q), with the
 * reconstruction of mu beside it where the target says so.
 */
#ifndef WHORL_LEARN_NETWORK_H
#define WHORL_LEARN_NETWORK_H

#include "learn/weights.h"

struct wh_network {
	size_t inputs; /* D: of the unreduced network */
	size_t rank;   /* r */
	size_t hidden, latent, codes; /* codes: latent, or twice that */
	bool variational;
	enum wh_optimiser optimiser;
	const struct wh_compute *compute;
	struct wh_weights in, code, from, out; /* hidden x rank, codes, latent, rank */
	struct wh_weights in_bias, code_bias, from_bias, out_bias; /* a row each */
};

int wh_network_init(struct wh_network *, struct wh_err *) WH_NODISCARD; /* sizes, optimiser and compute are set; weights are 0 */
void wh_network_release(struct wh_network *);
void wh_network_draw(struct wh_network *, struct wh_rng *);
/* Calls f on each of its weights in turn. */
void wh_network_each(struct wh_network *, void (*f)(void *user, struct wh_weights *), void *user);

/* What DEC pulls codes towards. */
struct wh_target {
	size_t k;
	const float *p;  /* rows of the data x k */
	double scale;    /* s */
	double weight;   /* of KL(P || Q) */
	bool reconstruct; /* 0.5 ||c - c'||^2, too */
	struct wh_weights centroids; /* k x latent */
	double centroid_rate; /* times the step's */
};

/* Memory of a step over at most `batch` rows, for the host's threads. */
struct wh_pass;
int wh_pass_new(const struct wh_network *, size_t batch, size_t k, const struct wh_host *, struct wh_pass **, struct wh_err *) WH_NODISCARD;
void wh_pass_free(struct wh_pass *);

/*
 * One step on rows[n] of c[… x rank], n at most the batch of the pass. noise: the seed of sigma's noise, which depends on it and the place of a row
 * in the batch alone. *loss: before the step, a sum over the rows. target: NULL, or of DEC.
 */
struct wh_lesson {
	const float *c;
	const uint32_t *rows;
	size_t n;
	uint64_t noise;
	struct wh_target *target;
	struct wh_step step;
};
int wh_network_step(struct wh_network *, struct wh_pass *, const struct wh_lesson *, const struct wh_host *, double *loss,
		    struct wh_err *) WH_NODISCARD;

/* Normal numbers of row i of a batch: latent of them. */
void wh_network_noise(uint64_t noise, size_t i, size_t latent, float *out);

/* mu of n rows of coordinates: code[n x latent], on the host's threads. scale: rows are multiplied by it. loss (NULL: not wanted): the sum over
 * the rows of 0.5 ||c - c'||^2 of mu, + KL where variational. */
int wh_network_encode(const struct wh_network *, const float *c, size_t n, float scale, float *code, double *loss, const struct wh_host *,
		      struct wh_err *) WH_NODISCARD;

#endif
