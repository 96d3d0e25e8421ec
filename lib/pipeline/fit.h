/* SPDX-License-Identifier: Apache-2.0 */
/* Making the model of a method that places: what is learned of how to embed, the groups, and the thresholds beyond which something is new. */
#ifndef WHORL_PIPELINE_FIT_H
#define WHORL_PIPELINE_FIT_H

#include "pipeline/standing.h"

/* The row of every verb that makes such a model. */
#define WH_OPTION_LEAST                                                                                    \
	{ .name = "least", .type = WH_PARAM_INT, .initial = "20", .lo = 2, .hi = 1e9, .metavar = "N",       \
	  .help = "refuse to make groups of fewer observations than N (methods that place)" }

/* WH_E_USAGE where data has fewer observations than --least says, 20 without that option. */
int wh_fit_check(const struct wh_call *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;

/* Fits the standing model to data, as wh_group does, with what people said in the store. Errors: those, and of wh_fit_check. */
int wh_fit(struct wh_standing *, struct wh_dataset *, struct wh_err *) WH_NODISCARD;

/* The F of the groups, of the observations that have a label, and how many labels there are; NaN where none has. */
int wh_fit_judge(const struct wh_dataset *, const struct wh_grouping *, size_t *n_classes, double *f, struct wh_err *) WH_NODISCARD;

#endif
