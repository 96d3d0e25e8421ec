/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much observations have of what their signal measures (a metric's share of the growth), over a dataset, and what of it sets some
 * observations apart from the rest (lib/learn/contrast.h). Beside traits.h, which knows only who has what.
 */
#ifndef WHORL_PIPELINE_AMOUNTS_H
#define WHORL_PIPELINE_AMOUNTS_H

#include "base/strtab.h"
#include "learn/contrast.h"
#include "pipeline/dataset.h"

struct wh_amount_list WH_VEC(struct wh_amount);

struct wh_amounts {
	const struct wh_dataset *data;
	struct wh_strtab names;                  /* of the measures */
	struct WH_VEC(struct wh_amount_list) of; /* per measure: records in rising order of what they have */
	uint8_t *side;                           /* per record */
	struct WH_VEC(struct wh_contrast_measure) contrast;
};

/* Reads the measures of every record of data, which must outlive the amounts. Nothing where the signal has none. */
int wh_amounts_read(struct wh_amounts *, const struct wh_dataset *data, struct wh_err *) WH_NODISCARD;
void wh_amounts_release(struct wh_amounts *);

/* As wh_traits_contrast, into a->contrast; only what some of records has. */
int wh_amounts_contrast(struct wh_amounts *, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against,
			struct wh_err *) WH_NODISCARD;

const char *wh_amount_name(const struct wh_amounts *, uint32_t measure);

#endif
