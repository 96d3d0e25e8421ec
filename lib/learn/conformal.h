/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conformal p-values (Vovk, Gammerman, Shafer 2005), split: how strange is a new observation, beside observations that were held back
 * from training. p = (1 + #{held back that are at least as strange}) / (held back + 1). Where the new one is exchangeable with them,
 * P(p <= e) <= e for every e, whatever the score and the distribution.
 *
 * Held-back observations are compared within pools of groups (Mondrian: the guarantee then holds in each pool). Which groups have a pool
 * of their own follows from their sizes in training, never from the held-back observations: choosing by those would void it.
 */
#ifndef WHORL_LEARN_CONFORMAL_H
#define WHORL_LEARN_CONFORMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

struct wh_conformal {
	size_t n_groups, n_pools;
	uint32_t *pool; /* n_groups */
	size_t *end;    /* n_pools: where the scores of a pool end */
	double *score;  /* end[n_pools - 1]: of what was held back, ascending in each pool */
};

/*
 * From score[n] (larger is stranger) and group[n] of what was held back. share[n_groups]: sizes of the groups in training, in any unit.
 * A group that may expect `least` held-back observations (n times its share) is a pool, the others are one pool together, joined by the
 * smallest of the first while it may not expect as many itself. share NULL: one pool. With fewer than 1 / e - 1 observations in a pool
 * its p-values cannot fall to e: `least` should be no less. Released also after an error. Errors: WH_E_NOMEM, WH_E_USAGE (no groups, a
 * group beyond n_groups, a score that is NaN).
 */
int wh_conformal_fit(const double *score, const uint32_t *group, size_t n, const double *share, size_t n_groups, size_t least,
		     struct wh_conformal *, struct wh_err *) WH_NODISCARD;
void wh_conformal_release(struct wh_conformal *);

/* group < n_groups; in (0, 1]. NaN is stranger than all. */
double wh_conformal_p_value(const struct wh_conformal *, uint32_t group, double score);
/* The same, smoothed: (#{stranger} + u (1 + #{as strange})) / (held back + 1), u in (0, 1] drawn uniformly for the new one. P(p <= e) = e then,
 * where p_value has at most e, and in pools of some dozens much less. */
double wh_conformal_smoothed(const struct wh_conformal *, uint32_t group, double score, double u);

/*
 * Alarm on a window: the probability that so many or more of its observations have a smoothed p < e, while all of them belong;
 * count[n_groups]: how many of each group the window has. Flags of one window are not independent, since they look at the same held-back
 * observations: in a pool of N their number is beta-binomial with a = e (N + 1), b = N + 1 - a, over pools the sum of these. A binomial test
 * would ring too often wherever little was held back. Exact where e (N + 1) is a whole number and no two scores are equal; else a little
 * wider than the truth, of the same mean. Of p-values that are not smoothed there are no more. Errors: WH_E_NOMEM, WH_E_LIMIT (a window of
 * more than 16384).
 */
int wh_conformal_window(const struct wh_conformal *, const size_t *count, double e, size_t flagged, double *p_value,
			struct wh_err *) WH_NODISCARD;

#endif
