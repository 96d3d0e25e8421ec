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

enum {
	WH_AMOUNTS_TOP = 10,    /* of each record, what it has most of */
	WH_AMOUNTS_TOPMOST = 3,
};

/* Of what: how much of the whole (wh_signal.measures), or what features are like where they are there (wh_signal.levels). */
enum wh_amounts_of { WH_AMOUNTS_MEASURES, WH_AMOUNTS_LEVELS };

struct wh_amounts {
	const struct wh_dataset *data;
	enum wh_amounts_of kind;
	struct wh_strtab names;                  /* of the measures */
	struct WH_VEC(struct wh_amount_list) of; /* per measure: records in rising order of what they have */
	uint8_t *side;                           /* per record */
	uint32_t (*top)[WH_AMOUNTS_TOP];         /* per record: measures, most first, ties by name; UINT32_MAX: no more. NULL of levels */
	struct WH_VEC(struct wh_contrast_measure) contrast;
};

/* Reads them of every record of data, which must outlive the amounts. Nothing where the signal has none. */
int wh_amounts_read(struct wh_amounts *, enum wh_amounts_of, const struct wh_dataset *data, struct wh_err *) WH_NODISCARD;
void wh_amounts_release(struct wh_amounts *);

/* As wh_traits_contrast, into a->contrast; only what some of records has. Levels: of what less than `least` of records has the score is 0. */
#define WH_AMOUNTS_LEAST 0.05 /* KabOOM 4.3 */
int wh_amounts_contrast(struct wh_amounts *, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against,
			struct wh_err *) WH_NODISCARD;

/* How many of records[n] have the measure among the `most` (up to WH_AMOUNTS_TOP) that they have most of. */
size_t wh_amounts_among(const struct wh_amounts *, uint32_t measure, const uint32_t *records, size_t n, size_t most);

const char *wh_amount_name(const struct wh_amounts *, uint32_t measure);

#endif
