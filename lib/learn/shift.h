/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did a series move from one window to another?
 *
 *   p_value  two-sided Mann-Whitney U test, normal approximation with ties and continuity corrected, of so many independent readings as each
 *            window is worth: n (1 - r) / (1 + r), r the autocorrelation of its ranks at lag 1 where that is positive. Neighbouring readings
 *            repeat each other; counted as they come, every series that wanders would have moved
 *   effect   Cliff's delta: the chance that a reading of now is larger than one of before, less the chance that it is smaller; [-1, 1]
 *   baro     the largest (reading of now - median of before) / interquartile range of before, a range of 0 taken as 1: RobustScorer of Pham,
 *            Ha, Zhang, BARO (FSE 2024), for comparison
 */
#ifndef WHORL_LEARN_SHIFT_H
#define WHORL_LEARN_SHIFT_H

#include <stddef.h>

#include <whorl/error.h>

struct wh_shift {
	double median_before, median_now; /* NaN without a known reading */
	double effect, baro, p_value;     /* 0, 0 and 1 where a window has fewer than two known readings */
	size_t n_before, n_now;           /* known readings */
};

/* before[n], now[m], NaN: not known. O((n + m) log(n + m)). Errors: WH_E_NOMEM. */
int wh_shift(const double *before, size_t n, const double *now, size_t m, struct wh_shift *, struct wh_err *) WH_NODISCARD;

#endif
