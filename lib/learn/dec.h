/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deep embedded clustering (Xie, Girshick, Farhadi, ICML 2016; KabOOM, section 2.3): the encoder and k centroids are trained together, so
 * that codes move towards the centroids they are already near.
 *
 *   q_ij = (1 + ||z_i - m_j||^2 / s)^-1, normalised over j      Student's t with one degree of freedom
 *   p_ij = q_ij^2 / f_j, normalised over j,  f_j = sum_i q_ij   over all rows, once an epoch
 *   loss = KL(P || Q), a mean over rows
 *
 * s is the median of the squared distances from codes to their nearest centroid at the beginning: codes of hundreds of dimensions are far
 * from everything on the scale of 1, and q would be flat or all at one centroid.
 * With gamma > 0 the decoder stays: 0.5 ||x - x'||^2 + gamma KL (IDEC, Guo et al., IJCAI 2017); with 0 it is left as it is.
 */
#ifndef WHORL_LEARN_DEC_H
#define WHORL_LEARN_DEC_H

#include "learn/autoencoder.h"

struct wh_dec_params {
	double rate;     /* of the encoder; 0: 1e-4 up to 512 hidden units, falling with their number ^ -0.6 (2e-5 at 7,400) */
	double centroid_rate; /* times rate */
	size_t batch;
	size_t least, most; /* epochs, each with a new P */
	double tolerance; /* stop, after `least`, where fewer than this share of the rows changed their nearest centroid in an epoch */
	double gamma;
};

#define WH_DEC_PARAMS (struct wh_dec_params){ .centroid_rate = 10, .batch = 256, .least = 20, .most = 100, .tolerance = 0.001 }

struct wh_dec_facts {
	size_t epochs;
	double scale;    /* s */
	double loss;     /* KL(P || Q), of the last epoch */
	double changed;  /* share of the rows, in the last epoch */
};

/*
 * Trains the encoder of a trained autoencoder, in place, on the rows it was trained on, from centroids[k x latent] (k-means of its codes),
 * which move along. group[n], NULL: not wanted: each row's nearest centroid in the end. facts may be NULL. The optimiser begins anew; the same
 * seed gives the same bits for any number of threads. Progress under "clustering", loss to the log.
 * Errors: WH_E_NOMEM, WH_E_CANCELLED (whole steps made), WH_E_USAGE: parameters out of range, k = 0, the loss is not finite any more.
 */
int wh_dec_fit(struct wh_autoencoder *, const struct wh_dec_params *, size_t k, float *centroids, uint32_t *group,
	       struct wh_dec_facts *facts, const struct wh_host *, struct wh_err *) WH_NODISCARD;

#endif
