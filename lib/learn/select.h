/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing parameters: folds, grids, refinement, and where to cut. */
#ifndef WHORL_LEARN_SELECT_H
#define WHORL_LEARN_SELECT_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/host.h>
#include <whorl/param.h>

#include "learn/hclust.h"
#include "learn/quality.h"

/* fold[n] in 0 … k-1: whole classes go to one fold, sizes as even as a greedy largest-first can make them, ties by seed. A class
 * is never split: what is learned on some classes is tested on others. */
int wh_folds_by_class(size_t n, const uint32_t *truth, unsigned k, uint64_t seed, uint32_t *fold, struct wh_err *) WH_NODISCARD;

/*
 * Maximises score over the trained rows of a parameter table: every combination of their grids, then `rounds` of refinement: around
 * the best, each row in turn tries the midpoints to its neighbours on the grid (which is halved every round). INT rows round; bounds
 * hold; CHOICE and FLAG rows run over their grid and are not refined. Ties: the earlier combination. `best` is initialised by the
 * caller from the table and updated; score may be called from one thread only (it may run threads itself).
 */
typedef int wh_score_fn(void *user, const struct wh_values *, double *score, struct wh_err *);
int wh_grid_search(struct wh_values *best, unsigned rounds, wh_score_fn *score, void *user, const struct wh_host *,
		   double *best_score, struct wh_err *) WH_NODISCARD;

/*
 * The cut of a dendrogram that maximises ReBucket's F against truth: all merge heights are candidates, and *d is set midway between
 * the best height and the next one (1 at most). weight as in wh_hclust_dense: truth is per point, a point of weight w counts w times.
 * O(n log n + number of merges * classes of the merged clusters).
 */
int wh_best_cut(size_t n, const struct wh_merge *merges, const uint32_t *truth, double *d, double *f, struct wh_err *) WH_NODISCARD;

/* F at each of m cuts, ascending: f[m]. */
int wh_cut_curve(size_t n, const struct wh_merge *merges, const uint32_t *truth, const double *d, size_t m, double *f,
		 struct wh_err *) WH_NODISCARD;

#endif
