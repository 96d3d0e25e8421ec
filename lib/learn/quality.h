/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How good a grouping is. External measures compare it with true classes over the n points; every one is exact, in O(n) time
 * from the contingency table, and equal to scikit-learn's where that has it.
 */
#ifndef WHORL_LEARN_QUALITY_H
#define WHORL_LEARN_QUALITY_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>

struct wh_quality {
	size_t n, classes, groups;
	double f;              /* ReBucket's F: sum_i |L_i|/N max_j F1(L_i, C_j) */
	double purity;         /* sum_j max_i |L_i n C_j| / N */
	double inverse_purity; /* sum_i max_j |L_i n C_j| / N */
	double bcubed_precision, bcubed_recall, bcubed_f; /* Bagga and Baldwin 1998 */
	double ari;            /* Hubert and Arabie 1985 */
	double ami;            /* Vinh et al. 2010, arithmetic mean */
	double nmi;            /* arithmetic mean */
	size_t one_hit;        /* groups of one point */
	size_t second_bucket;  /* points outside the largest group of their class */
};

/* truth[n], group[n]: any numbers below n. */
int wh_quality(size_t n, const uint32_t *truth, const uint32_t *group, struct wh_quality *, struct wh_err *) WH_NODISCARD;

/* Ranking measures from pairwise similarities. */
struct wh_ranking {
	double pair_auc;  /* area under the ROC over all pairs: same class or not; ties count half. NaN: only one kind of pair */
	double rr1, rr5;  /* recall rate at 1 and 5: over points with an earlier one of their class, whether one of that class is
			   * among the first k *groups* retrieved, an earlier class counting once by its most similar member */
	double map;       /* mean average precision over the same points, one relevant item (the class): 1 / its rank */
	size_t queries;
};

/* order[n]: the points by time; similarity is symmetric and thread-safe. O(n^2) calls. */
int wh_ranking(size_t n, const uint32_t *truth, const uint32_t *order, double (*similarity)(void *user, size_t i, size_t j),
	       void *user, const struct wh_host *, struct wh_ranking *, struct wh_err *) WH_NODISCARD;

#endif
