/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A matrix of weights that is learnt, with its optimiser's state: the unit of what a network and its checkpoints are made of. Pieces of rows may
 * be updated by several threads at once.
 */
#ifndef WHORL_LEARN_WEIGHTS_H
#define WHORL_LEARN_WEIGHTS_H

#include <stdint.h>

#include "base/rng.h"
#include "learn/autoencoder.h"
#include "learn/pack.h"

struct wh_weights {
	size_t rows, columns;
	float *w, *m; /* rows x columns: weights, mean gradient */
	float *v;     /* mean square gradient: rows x columns, one a row where shared, NULL: none */
	void *rounded; /* operands of products; NULL: w itself */
	bool shared;
	/* WH_ADAM_SHARED: one mean square a row, over the length that the row has in the unreduced network */
	size_t length;
};

/* Zeroed. shared: this is a matrix whose rows lie in a rotated space of `length` dimensions (only under WH_ADAM_SHARED is it different
 * from the others). rounded: the matrix is an operand of large products. */
int wh_weights_init(struct wh_weights *, size_t rows, size_t columns, size_t length, bool shared, enum wh_optimiser, const struct wh_compute *rounded,
		    struct wh_err *) WH_NODISCARD;
void wh_weights_release(struct wh_weights *);
/* Uniform in (-bound, bound); optimiser's state zeroed by init, or by forget. */
void wh_weights_draw(struct wh_weights *, double bound, struct wh_rng *);
void wh_weights_forget(struct wh_weights *);
void wh_weights_round(struct wh_weights *, const struct wh_compute *);
/* Row i as an operand. */
const void *wh_weights_row(const struct wh_weights *, size_t i, const struct wh_compute *);

/*
 * A step of an optimiser, of rows first … first + n - 1, against gradient[n x columns], n rows of `ld` floats.
 *   WH_SGD: m = momentum m + g; w -= rate m
 *   WH_ADAM: m, v: means of g and g^2 with decays 0.9 and 0.999, divided by what they lack in the first steps; w -= rate m / (sqrt(v) + 1e-8)
 *            (Kingma and Ba 2015)
 *   WH_ADAM_SHARED: v is the mean of ||g||^2 / length of a row
 */
struct wh_step {
	enum wh_optimiser optimiser;
	double rate, momentum;
	uint64_t number; /* from 1 */
	const struct wh_compute *compute;
};
void wh_weights_step(struct wh_weights *, size_t first, size_t n, const float *gradient, size_t ld, const struct wh_step *);

void wh_weights_pack(const struct wh_weights *, bool checkpoint, struct wh_str *);
/* Into what init made; rounds. */
void wh_weights_unpack(struct wh_unpack *, bool checkpoint, struct wh_weights *, const struct wh_compute *);

#endif
