/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Autoencoders, plain and variational, with one hidden layer on either side: D -> hidden -> latent -> hidden -> D, rectified hidden units,
 * linear code and output (KabOOM, ICSE-SEIP 2022, section 2.2; Kingma and Welling 2014).
 *
 * Loss of a row: 0.5 ||x - x'||^2, and with a variational code + KL(N(mu, sigma^2) || N(0, 1)), which is its negative evidence lower bound
 * with unit variance of the observation; so the data's scale is the prior's weight, and rows are scaled to a stated mean square length.
 * The code of a row is mu. log sigma^2 is held within [-12, 8].
 *
 * The network is trained in the row space of the data (learn/rowspace.h): n rows of D >> n columns lie in r <= n dimensions, and
 * with W1 = A V', W4 = V C the network on r coordinates makes the same steps as the one on D. That holds for gradient descent with
 * momentum, and for Adam where one second moment is shared along the rotated axis (WH_ADAM_SHARED: one for each row of W1 and W4, which are
 * stored by hidden unit, and one for the output's bias); Adam with a moment for each weight (WH_ADAM) is not equivariant
 * under rotation and trains another network.
 *
 * The same data, parameters and seed give the same bits for any number of threads on one kind of processor.
 */
#ifndef WHORL_LEARN_AUTOENCODER_H
#define WHORL_LEARN_AUTOENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>
#include <whorl/observation.h>

#include "base/str.h"
#include "math/compute.h"
#include "math/matrix.h"

enum wh_optimiser { WH_ADAM_SHARED, WH_ADAM, WH_SGD };

struct wh_autoencoder_params {
	bool variational;
	size_t hidden;  /* 0: D / 8, at least 1 */
	size_t latent;  /* 0: the paper's: 256 for a variational code, D / 64 for a plain one, at least 1 */
	double variance; /* share of the rows' square length that the row space keeps, (0, 1]; 1: all of it, exact */
	double energy;  /* mean ||x||^2 that rows are scaled to; 0: as they are */
	enum wh_optimiser optimiser;
	double rate;     /* of learning; 0: 3e-4 up to 1,024 hidden units, falling with their number ^ -0.56 (1e-4 at 7,400) */
	double momentum; /* WH_SGD */
	size_t batch;
	size_t epochs;   /* at most */
	double holdout;  /* share of the rows, [0, 1), whose loss is watched instead of the training's */
	size_t patience; /* stop after so many epochs without a loss lower by 0.01 %; 0: never */
	const struct wh_compute *compute; /* NULL: the reference */
};

/* The paper's network. */
#define WH_AUTOENCODER_PARAMS                                                                                                  \
	(struct wh_autoencoder_params){ .variational = true, .variance = 1, .energy = 200, .optimiser = WH_ADAM_SHARED,        \
					.momentum = 0.9, .batch = 256, .epochs = 200 }

struct wh_autoencoder;

/*
 * The network before its first epoch: reduces the rows, draws weights by the host's seed (uniform in +-1/sqrt(inputs) of a layer, as of the
 * unreduced network). The rows are copied. Errors: WH_E_NOMEM, WH_E_LIMIT, WH_E_CANCELLED; WH_E_USAGE: parameters out of range, no
 * rows, no columns, values that are not finite.
 */
int wh_autoencoder_new(const struct wh_matrix *rows, const struct wh_autoencoder_params *, const struct wh_host *,
		       struct wh_autoencoder **, struct wh_err *) WH_NODISCARD;
void wh_autoencoder_free(struct wh_autoencoder *);

/*
 * Trains until `epochs` epochs have been made in all (those before a save and load included) or patience ends; says the loss to the
 * host's log each epoch (and once where OpenBLAS's kernels do not fit the processor), progress under "training". WH_E_CANCELLED leaves whole steps made; WH_E_USAGE: the loss is not finite
 * any more (too high a rate).
 */
int wh_autoencoder_train(struct wh_autoencoder *, size_t epochs, const struct wh_host *, struct wh_err *) WH_NODISCARD;

/* new, then train for params->epochs. */
int wh_autoencoder_fit(const struct wh_matrix *rows, const struct wh_autoencoder_params *, const struct wh_host *,
		       struct wh_autoencoder **, struct wh_err *) WH_NODISCARD;

struct wh_autoencoder_facts {
	size_t inputs, rank, hidden, latent; /* D, r, … */
	size_t rows;       /* trained on */
	bool variational;
	size_t epochs;     /* made */
	double loss;       /* of the last epoch, mean of a row; NaN before the first */
	bool stopped;      /* patience ended */
	double kept;       /* share of square length in the row space */
	double scale;      /* that rows are multiplied by */
};
struct wh_autoencoder_facts wh_autoencoder_facts(const struct wh_autoencoder *);

/*
 * Codes of any rows of D columns: code[n x latent]; outside[n] (NULL: not wanted): the square length of a row that is outside the row
 * space, as a row is after scaling. On the host's threads. Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE: another D.
 */
int wh_autoencoder_encode(const struct wh_autoencoder *, const struct wh_matrix *rows, float *code, double *outside,
			  const struct wh_host *, struct wh_err *) WH_NODISCARD;
/* Codes of the rows it was trained on: code[rows x latent]; cheaper. */
int wh_autoencoder_codes(const struct wh_autoencoder *, float *code, const struct wh_host *, struct wh_err *) WH_NODISCARD;

/*
 * As bytes, appended. checkpoint: with the optimiser's state, so that training goes on with the same numbers; else what encode needs
 * (training on from it begins a new optimiser). Load: compute of the parameters is not saved; NULL: the reference.
 * Errors: WH_E_NOMEM; load: WH_E_FORMAT where the bytes are none of save's.
 */
int wh_autoencoder_save(const struct wh_autoencoder *, bool checkpoint, struct wh_str *, struct wh_err *) WH_NODISCARD;
int wh_autoencoder_load(struct wh_bytes, const struct wh_compute *, struct wh_autoencoder **, struct wh_err *) WH_NODISCARD;

#endif
