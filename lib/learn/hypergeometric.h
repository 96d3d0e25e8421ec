/* SPDX-License-Identifier: Apache-2.0 */
#ifndef WHORL_LEARN_HYPERGEOMETRIC_H
#define WHORL_LEARN_HYPERGEOMETRIC_H

#include <stddef.h>

/*
 * Probability that of `drawn` items out of `total`, of which `marked` are marked, k are marked. By Loader's saddle-point expansion
 * (2000, "Fast and accurate computation of binomial probabilities"): differences of log-gammas lose digits as totals grow, this
 * does not. 0 where k is impossible; marked, drawn <= total.
 */
double wh_hypergeometric(size_t k, size_t marked, size_t drawn, size_t total);

/* Log of the probability of k of n at rate p, q = 1 - p, by the same expansion; whole numbers 0 <= k <= n, n > 0, 0 < p < 1. */
double wh_log_binomial(double k, double n, double p, double q);

#endif
