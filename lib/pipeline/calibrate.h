/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing the cut d on the user's own, unlabelled data, by how saturated they are.
 *
 * Let n be the observations with a fingerprint and f1 those whose fingerprint occurs once. U = f1 / n estimates the chance that the next
 * observation has a fingerprint never seen (Good 1953, Turing). In a corpus of one build under test (fuzzing, CI) U is small: a few
 * stacks come again and again, so one that differs is evidence of another fault, and the cut may be strict. In field data U is large
 * (0.4 to 0.9 on the sets we have): one fault has many faces, and the default cut stands.
 *
 *   d = default d * (1 - 0.4 max(0, 1 - U / 0.1))
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

/* Sets d of the model from the data, unless the user or a model said it. */
int wh_calibrate_default(struct wh_model *, const struct wh_call *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;

#endif
