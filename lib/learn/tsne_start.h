/* SPDX-License-Identifier: Apache-2.0 */
/* Where the points of a map are before it is made. */
#ifndef WHORL_LEARN_TSNE_START_H
#define WHORL_LEARN_TSNE_START_H

#include <stddef.h>

#include <whorl/error.h>
#include <whorl/host.h>

/* map[n x 2]: two principal components of x[n x d], so small (the first one's standard deviation is 1e-4) that no point repels another more
 * than it should, with a jitter that parts equal points. Errors: WH_E_NOMEM, WH_E_LIMIT, WH_E_USAGE, WH_E_CANCELLED. */
int wh_tsne_start(const float *x, size_t n, size_t d, const struct wh_host *, float *map, struct wh_err *) WH_NODISCARD;

/* Points from `placed` (> 0) on: beside the place of the nearest point before that. Errors: as wh_knn. */
int wh_tsne_start_beside(const float *x, size_t n, size_t d, size_t placed, const struct wh_host *, float *map, struct wh_err *) WH_NODISCARD;

#endif
