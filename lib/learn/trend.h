/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a series keep growing? A test for leaks, whose null hypothesis is not "noise around a level" but a series that goes up as easily as
 * down: a level with noise, a random walk, a sawtooth of a garbage collector seen over its periods. Ranks of the values (Mann-Kendall)
 * would call a random walk a trend more often than not.
 *
 *   increments   of the values at the ends of up to WH_TREND_BLOCKS equal blocks of the known values, and of WH_TREND_FEW where there are
 *                more: many blocks show a leak in bursts, few one under noise
 *   p_value      one-sided, that their mean is no more than 0: Student's t, at least 2^-blocks, which is what the signs of so many
 *                increments can show whatever their distribution; of two tests twice the smaller one
 *   slope        median of the slopes between all pairs of block ends (Theil 1950, Sen 1968), per step
 */
#ifndef WHORL_LEARN_TREND_H
#define WHORL_LEARN_TREND_H

#include <stddef.h>

enum { WH_TREND_BLOCKS = 64, WH_TREND_FEW = 16 };

struct wh_trend {
	double slope;   /* per step; 0 with fewer than two known values */
	double growth;  /* from the first known value to the last */
	double p_value; /* 1 with fewer than three known values */
	size_t blocks;  /* of the first test */
};

/* value[n], NaN: not known. */
void wh_trend(const double *value, size_t n, struct wh_trend *);

/* P(T >= t) for Student's t with so many degrees of freedom (> 0). */
double wh_student_upper(double t, double freedom);

#endif
