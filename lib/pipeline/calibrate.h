/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing the cut d on the user's own, unlabelled data, by how often fingerprints come again.
 *
 * Let n be the observations with a fingerprint and f1 those whose fingerprint occurs once. U = f1 / n estimates the chance that the next
 * observation has a fingerprint never seen (Good 1953, Turing). Both ends speak for a strict cut:
 *
 *   U small   one build under test (fuzzing, CI): few stacks come again and again, so one that differs is evidence of another fault
 *   U large   hardly anything comes twice, so few of the observations have a twin at all, and a weak likeness is chance
 *   between   the field: one fault has many faces, and the default cut stands
 *
 *   strict = max(0, 1 - U / 0.1) or min(1, max(0, (U - 0.6) / 0.15));      d = default d * (1 - 0.4 strict)
 *
 * What it gains and costs is measured in docs/results/stack.md.
 */
#ifndef WHORL_PIPELINE_CALIBRATE_H
#define WHORL_PIPELINE_CALIBRATE_H

#include "pipeline/model.h"

struct wh_saturation {
	size_t n, once; /* observations with a fingerprint, and those alone with theirs */
	double unseen;  /* U */
	double d;
};

/* What the data say. Fewer than 20 observations say nothing: the default stands. */
void wh_saturation(const struct wh_dataset *, double default_d, struct wh_saturation *);

/* Sets d of the model from the data, unless the user or a model said it, or the method places. */
int wh_calibrate_default(struct wh_model *, const struct wh_call *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;

#endif
