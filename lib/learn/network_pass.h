/* SPDX-License-Identifier: Apache-2.0 */
/* What a step of a network keeps from its first loop to its last; network.h has the names. */
#ifndef WHORL_LEARN_NETWORK_PASS_H
#define WHORL_LEARN_NETWORK_PASS_H

#include "learn/network.h"

enum {
	ROWS_PIECE = 64,    /* rows of a batch that are one piece of work */
	ENCODE_PIECE = 256, /* rows that are encoded together */
};
static const double SMALL = 2e6; /* multiplications of a layer below which threads cost more than they bring */

static const float LEAST_LOG = -12, MOST_LOG = 8; /* of sigma^2 */

/* x = max(0, x + bias), x += y, x *= factor */
void wh_floats_rectify(size_t n, float *restrict x, const float *restrict bias);
void wh_floats_add(size_t n, float *restrict x, const float *restrict y);
void wh_floats_multiply(size_t n, float *restrict x, float factor);

/* Rows of a batch, with operands beside them where the back end rounds. */
struct wh_plane {
	size_t columns;
	float *x;
	void *rounded;
};

struct wh_pass {
	const struct wh_compute *compute;
	struct wh_network *network;
	const struct wh_lesson *lesson;
	size_t n;            /* rows of this step */
	bool decoder;        /* it takes part */
	size_t output_piece;
	struct wh_plane c, h, code, z, g, y;     /* y: the residual / n */
	struct wh_plane slope, g_slope, h_slope; /* gradients by code, g, h */
	float *gradient;     /* of weights, gradient_each a worker */
	size_t gradient_each;
	float *noise, *z_slope; /* batch x latent */
	float *pull;            /* batch x k: what centroid j draws row i with */
	float *centroid_slope;  /* k x latent */
	float *in_slope, *from_slope, *bias_slope; /* of biases */
	double *loss;           /* by row */
	double *residual;       /* by piece of outputs */
};

#endif
