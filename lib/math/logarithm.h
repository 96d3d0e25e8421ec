/* SPDX-License-Identifier: Apache-2.0 */
/* Logarithms of many numbers at once. */
#ifndef WHORL_MATH_LOGARITHM_H
#define WHORL_MATH_LOGARITHM_H

#include <stddef.h>

/* What lies further out counts as this, infinities too: 2^126. */
#define WH_LOG_FARTHEST 0x1p126f

/*
 * y[i] = sign(x[i]) log(1 + |x[i]|), to 2 units in the last place, also about 0 and of denormal numbers; of -0: -0, of NaN: NaN. y may be x.
 * By log(1 + |x|) = e log 2 + log(1 + f), f = 2^-e |x| + (2^-e - 1) between sqrt(1/2) - 1 and sqrt(2) - 1, whose remainder behind f - f^2/2 is
 * a polynomial (least largest relative error, by Lawson's iteration).
 */
void wh_signed_log1p(size_t n, const float *x, float *y);

#endif
