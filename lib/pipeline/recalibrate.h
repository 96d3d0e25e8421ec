/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb `calibrate` of methods that place (KabOOM 2.4): how to embed stays as it was learned; groups and thresholds are made anew from
 * the observations at hand, and each new group that continues an old one keeps its id.
 */
#ifndef WHORL_PIPELINE_RECALIBRATE_H
#define WHORL_PIPELINE_RECALIBRATE_H

#include "pipeline/standing.h"

/* model: as wh_model_open gives it, and the result; without operands the store's is taken instead, and the new one kept there. */
int wh_recalibrate(struct wh_call *, struct wh_model *, struct wh_emit *, struct wh_err *) WH_NODISCARD;

#endif
