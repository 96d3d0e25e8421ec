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

/*
 * truth[n], group[n]: any numbers below n; n > 0. Equal partitions have ari = ami = nmi = 1, whatever their shape.
 * Errors: WH_E_NOMEM, WH_E_LIMIT (n), WH_E_USAGE (nothing to score, a number too large).
 */
int wh_quality(size_t n, const uint32_t *truth, const uint32_t *group, struct wh_quality *, struct wh_err *) WH_NODISCARD;

/*
 * Ranking measures from pairwise similarities. Queries are the points that have an earlier one of their class; what they search
 * are all earlier points, every class counting once, by its most similar member; the rank of the own class is 1 and the number of
 * other classes at least as similar: ties count against.
 */
struct wh_ranking {
	double pair_auc;  /* area under the ROC over all pairs: same class or not; ties count half. NaN: only one kind of pair */
	double rr1, rr5;  /* recall rate at 1 and 5: queries whose rank is at most that. NaN: no queries */
	double map;       /* mean average precision, one relevant item a query: the mean of 1 / rank. NaN: no queries */
	size_t queries;
};

/*
 * order[n]: the points by time, each once; truth[n]: numbers below n; similarity is symmetric and thread-safe. n(n-1)/2 calls.
 * pair_auc is exact up to 12.5 million pairs of a kind (same class or not), which n <= 5000 cannot exceed; of a kind with more, a
 * sample of about that many, fixed by the positions of the pairs alone. Similarities are compared as floats there; NaN is less than
 * all.
 * Errors: WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE.
 */
int wh_ranking(size_t n, const uint32_t *truth, const uint32_t *order, double (*similarity)(void *user, size_t i, size_t j),
	       void *user, const struct wh_host *, struct wh_ranking *, struct wh_err *) WH_NODISCARD;

#endif
