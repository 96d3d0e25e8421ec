/* SPDX-License-Identifier: Apache-2.0 */
/* Where an observation is, as one record of a result: of cluster and assign alike. */
#ifndef WHORL_PIPELINE_GROUPED_H
#define WHORL_PIPELINE_GROUPED_H

#include <whorl/emit.h>

#include "pipeline/group.h"
#include "pipeline/models.h"

struct wh_grouped {
	const char *id, *group;
	double similarity;
	const struct wh_location *location; /* NULL: the method compares */
	bool is_new;
	const struct wh_models *models; /* that choice is of; NULL: there is but one */
	struct wh_choice choice;
};

/* Columns of a result of methods that place, or that compare. */
const char *const *wh_grouped_columns(const struct wh_method *);
int wh_grouped_emit(const struct wh_grouped *, struct wh_emit *, struct wh_err *) WH_NODISCARD;

#endif
