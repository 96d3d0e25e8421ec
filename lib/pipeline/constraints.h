/* SPDX-License-Identifier: Apache-2.0 */
/* What people said about pairs, where training wants classes. */
#ifndef WHORL_PIPELINE_CONSTRAINTS_H
#define WHORL_PIPELINE_CONSTRAINTS_H

#include "pipeline/group.h"

/*
 * Adds the store's pairs to truth[n records] (WH_NO_LABEL: none): observations held together get one class, that of a labelled one among
 * them if there is one; those held apart and still without a class get one of their own. Labels win over pairs.
 */
int wh_constraints_as_labels(const struct wh_call *, const struct wh_dataset *, uint32_t *truth, size_t *n_classes, struct wh_err *) WH_NODISCARD;

#endif
