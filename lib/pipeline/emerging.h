/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether more observations are new to a model than may be expected of what it knows, over windows of time (KabOOM 2.5, 4.2): something emerges,
 * or what comes has drifted away from what was learned.
 */
#ifndef WHORL_PIPELINE_EMERGING_H
#define WHORL_PIPELINE_EMERGING_H

#include "pipeline/dataset.h"
#include "pipeline/model.h"

/* Where each record of a dataset lies under a model that places, and the records by time. */
struct wh_emerging {
	const struct wh_model *model;
	const struct wh_dataset *data;
	struct wh_space space;
	struct wh_location *at; /* per point */
	uint32_t *order;        /* records, by time, then id */
};

/* WH_E_USAGE where the method compares or the model has no groups. Keeps references to both. */
int wh_emerging_open(struct wh_emerging *, const struct wh_model *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;
void wh_emerging_close(struct wh_emerging *);

struct wh_emerging_window {
	size_t n, n_new;
	double p_value; /* that so many or more are new while all of them belong to what is known; NaN: the model cannot tell */
};
/* Of the records order[first … end). Errors: those of the method. */
int wh_emerging_judge(const struct wh_emerging *, size_t first, size_t end, struct wh_emerging_window *, struct wh_err *) WH_NODISCARD;

#endif
