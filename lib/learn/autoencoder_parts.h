/* SPDX-License-Identifier: Apache-2.0 */
/* What an autoencoder is made of, for those who train or keep one: autoencoder.c, autoencoder_file.c, dec.c. */
#ifndef WHORL_LEARN_AUTOENCODER_PARTS_H
#define WHORL_LEARN_AUTOENCODER_PARTS_H

#include "learn/network.h"
#include "learn/rowspace.h"

struct wh_autoencoder {
	struct wh_autoencoder_params params; /* hidden and latent as they are */
	struct wh_rowspace space;
	struct wh_network network;
	float *c;      /* space.n x rank: the training rows, scaled; NULL: loaded without them */
	double scale;
	uint64_t seed; /* of weights, order and noise */
	uint64_t steps; /* of the optimiser, made */
	size_t epochs; /* made */
	double loss, best; /* of the last epoch, of the best */
	size_t since;  /* epochs since the best */
	bool stopped;
};

/* A seed of its own for every use (`what`) and number. */
uint64_t wh_autoencoder_seed(const struct wh_autoencoder *, uint64_t what, uint64_t number);

#endif
