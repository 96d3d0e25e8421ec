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

/*
 * fold[n] in 0 … k-1: whole classes go to one fold, sizes as even as a greedy largest-first can make them, ties by seed. A class
 * is never split: what is learned on some classes is tested on others. With fewer classes than folds some folds are empty.
 * truth[n]: numbers below n. Errors: WH_E_NOMEM, WH_E_USAGE (no folds, a class beyond n).
 */
int wh_folds_by_class(size_t n, const uint32_t *truth, unsigned k, uint64_t seed, uint32_t *fold, struct wh_err *) WH_NODISCARD;

/*
 * Maximises score over the trained rows of a parameter table, those with a grid whose value nobody has given: every combination of
 * their grids (the last row fastest), then `rounds` of refinement: each row in turn tries the midpoints between the best value
 * and its neighbours on the grid, and they join the grid, which so halves every round. INT rows round; bounds hold; CHOICE and
 * FLAG rows run over their grid and are not refined. Ties: the earlier combination; a score that is NaN never wins. `best` is
 * initialised by the caller from the table and updated, its rows stay not given; after an error it holds the best so far. score
 * is called from one thread only (it may run threads itself). *best_score is NaN where nothing was scored. Errors: score's own,
 * WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (a grid with a value that its row does not take).
 */
typedef int wh_score_fn(void *user, const struct wh_values *, double *score, struct wh_err *);
int wh_grid_search(struct wh_values *best, unsigned rounds, wh_score_fn *score, void *user, const struct wh_host *,
		   double *best_score, struct wh_err *) WH_NODISCARD;

/*
 * The cut of a dendrogram that maximises ReBucket's F against truth. Candidates are no merge at all and all merge heights up to 1;
 * *d is set midway between the best height and the next one (1 at most). Heights too near each other for a cut between them (see
 * WH_CUT_SLACK) are one height; of cuts with equal F the one in the widest gap, then the lowest, is taken. *f is F at *d. truth[n]:
 * numbers below n. weight as in wh_hclust_dense: a point of weight w counts w times, all of them of its class. Time:
 * O(merges * classes of the merged clusters), and a rescan of a class's clusters when its best one grows. Errors:
 * WH_E_NOMEM, WH_E_USAGE (no points, a class beyond n).
 */
int wh_best_cut(size_t n, const struct wh_merge *merges, const uint32_t *truth, const uint32_t *weight, double *d, double *f,
		struct wh_err *) WH_NODISCARD;

/* F at each of m cuts, ascending: f[m]. */
int wh_cut_curve(size_t n, const struct wh_merge *merges, const uint32_t *truth, const uint32_t *weight, const double *d, size_t m,
		 double *f, struct wh_err *) WH_NODISCARD;

#endif
