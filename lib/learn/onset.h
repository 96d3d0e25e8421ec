/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What moved first? When a series began to rise, which of several did so before the others, and by how many steps one runs ahead of another.
 * Order in time: what comes first need not be the cause.
 *
 *   onset        where a line that fits the series turns upwards: least squares of y = a + b t + c max(0, t - onset), c > 0 and b + c > 0, over
 *                all steps (segmented regression, Hudson 1966: Fitting segmented curves whose join points have to be estimated)
 *   correlation  of the increments of two series at lag k, over the whole length: sum of x'(t) y'(t + k), both about their means and of length 1
 *
 * Why not where the mean changes: that lies in the middle of every ramp, the later the longer it is.
 */
#ifndef WHORL_LEARN_ONSET_H
#define WHORL_LEARN_ONSET_H

#include <stddef.h>

#include <whorl/error.h>

enum { WH_ONSET_LEAST = 5 }; /* known readings, to say anything */

/*
 * value[n], NaN: not known. A step: the last one before the rise; 0: it rises throughout; NaN: it does not rise, or too few readings are known.
 * Between a level, a line that rises and one that turns upwards decides Schwarz's criterion (BIC), the last two with one and three parameters more, for as
 * many readings as the n known ones are worth: n (1 - r) / (1 + r), four at least, with r the correlation of neighbouring residuals, where
 * positive. O(n).
 */
double wh_onset(const double *value, size_t n);

/* change[n - 1]: the increments of value[n], about their mean and of length 1; 0 where one of the two readings is not known, all 0 where it
 * does not change or n < 2. Finite for any finite values. */
void wh_increments(const double *value, size_t n, double *change);
/* correlation[2 most + 1], of what wh_increments gives of two series of n values: the one at most + k tells how well the second follows the first k steps
 * later; 0 where so few steps are left. As scipy.signal.correlate(second, first), cut to these lags. O(n most). */
void wh_lagged_correlation(const double *first, const double *second, size_t n, size_t most, double *correlation);

/* Of one of several series that were seen in several sessions. */
struct wh_precedence {
	size_t rose;                 /* sessions in which it rose */
	size_t first;                /* of these, in which none of the others rose earlier */
	double lower, median, upper; /* steps before the end at which it rose: quartiles of the sessions in which it did; NaN: none */
	double rank;                 /* 1: always the first of all; mean over the sessions in which any rose, ties shared, those that did not rise last */
};

/* before[n x m], a session each row: how many steps before its end each of m series rose, NaN: it did not. WH_E_NOMEM. */
int wh_precedence(const double *before, size_t n, size_t m, struct wh_precedence *, struct wh_err *) WH_NODISCARD;

#endif
