/* SPDX-License-Identifier: Apache-2.0 */
/* Observations one by one, decoded again from their neutral form: for verbs that print them. */
#ifndef WHORL_PIPELINE_LISTING_H
#define WHORL_PIPELINE_LISTING_H

#include "pipeline/dataset.h"
#include "pipeline/model.h"

typedef int wh_listing_fn(void *user, const struct wh_record *, const struct wh_observation *, struct wh_arena *, struct wh_err *);

/* Every record of the call's operands, in order: paths are read, other operands are ids in the store (or groups: their members); without
 * operands the whole store. */
int wh_listing(const struct wh_call *, const struct wh_model *, wh_listing_fn *, void *user, struct wh_err *) WH_NODISCARD;

/* Whether an operand names a file, a folder or standard input. */
bool wh_operand_is_path(const char *);

#endif
