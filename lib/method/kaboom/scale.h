/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the readings of a gauge lie, and how far apart: over all known readings of all training sessions their median, and the distance of their
 * quartiles / 1.349; where that is 0 the standard deviation, where that is 0 as well 1. Quantiles by linear interpolation.
 */
#ifndef WHORL_METHOD_KABOOM_SCALE_H
#define WHORL_METHOD_KABOOM_SCALE_H

#include <whorl/host.h>

#include "method/kaboom/vocabulary.h"

/* middle, spread: a column of the vocabulary each; 0 and 1 where nothing is known. scratch: an arena of each thread's. Readings of some columns are
 * held at a time, 2^25 (256 MiB) or those of one column. WH_E_NOMEM, WH_E_LIMIT, WH_E_FORMAT, WH_E_CANCELLED. */
int wh_scales_fit(const struct wh_vocabulary *, const struct wh_bytes *sessions, size_t n, double *middle, double *spread, struct wh_arena *scratch,
		  const struct wh_host *, struct wh_err *) WH_NODISCARD;

/* The q-th quantile (0 … 1) of n > 0 numbers, which are put in another order; in linear time but for orders made to be slow, n log n then. */
double wh_quantile(double *v, size_t n, double q);

#endif
