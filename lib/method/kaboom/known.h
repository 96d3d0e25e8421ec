/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course of a metric without gaps: a reading that is not known is the one before it; before the first known one, that one.
 */
#ifndef WHORL_METHOD_KABOOM_KNOWN_H
#define WHORL_METHOD_KABOOM_KNOWN_H

#include "observation/session.h"

/* Changes as those of a metric, but all known, the first at step 0; to: room for metric->n_changes + 1. Their number; 0: no step of n_steps is
 * known. */
size_t wh_known_changes(const struct wh_metric *, uint32_t n_steps, struct wh_change *to);
/* The readings at every step, to value (n_steps). How many were written: n_steps; only the first, 1, where all are the same; 0 where none is known. */
size_t wh_known_read(const struct wh_metric *, uint32_t n_steps, double *value);
/* At one step, or at steps first … first + n - 1; of no changes: 0. */
double wh_known_at(const struct wh_change *, size_t n_changes, uint32_t step);
void wh_known_expand(const struct wh_change *, size_t n_changes, uint32_t first, uint32_t n, double *value);

#endif
