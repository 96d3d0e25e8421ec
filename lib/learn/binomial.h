/* SPDX-License-Identifier: Apache-2.0 */
/* Exact binomial tests and intervals. Tails are summed from their near end while terms count: exact for any size, no approximation. */
#ifndef WHORL_LEARN_BINOMIAL_H
#define WHORL_LEARN_BINOMIAL_H

#include <stddef.h>

/* Probability that at least, or at most, k of n come true, each independently at rate p in [0, 1]. */
double wh_binomial_at_least(size_t k, size_t n, double p);
double wh_binomial_at_most(size_t k, size_t n, double p);

/* The interval of Clopper and Pearson (1934) for the rate at which k <= n of n came true: the true rate lies in it with at least the
 * given confidence (0.95), and beyond each end with at most half of what is left. */
void wh_binomial_interval(size_t k, size_t n, double confidence, double *low, double *high);

#endif
