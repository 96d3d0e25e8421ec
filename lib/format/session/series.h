/* SPDX-License-Identifier: Apache-2.0 */
/* Series, as Prometheus and OpenTelemetry have them: a metric and labels. What they are called, and which labels are no part of that. */
#ifndef WHORL_FORMAT_SESSION_SERIES_H
#define WHORL_FORMAT_SESSION_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/observation.h>

#include "base/arena.h"
#include "base/str.h"

#define WH_SERIES_LABELS 64 /* at most; further ones are left out */

/* One that is called `__name__` is the metric's name. */
struct wh_label {
	struct wh_bytes name, value;
};

bool wh_label_is(const struct wh_label *, const char *name);
/* By name, and by value where that is equal. */
void wh_series_sort(struct wh_label *, size_t n);

/* The labels that all series of a text have with the same value: they say what it is of, and differ from text to text. Life: init, keep*, then
 * the rest; release. */
struct wh_series_common {
	struct wh_arena arena;
	struct wh_label labels[WH_SERIES_LABELS]; /* n: those that every series had so far */
	size_t n, series;
	bool failed; /* out of memory; sticks */
};

void wh_series_common_init(struct wh_series_common *);
void wh_series_common_release(struct wh_series_common *);
/* One more series. */
void wh_series_keep(struct wh_series_common *, const struct wh_label *, size_t n);
/* Up to WH_SERIES_LABELS attributes, as many as come back: those labels that are text. */
size_t wh_series_attributes(const struct wh_series_common *, struct wh_attribute *);

/* `metric{label="value",label="value"}` into name, which is cleared, with the labels in their order but for those in common (which may be NULL);
 * `value` where nothing is left. */
void wh_series_name(const struct wh_series_common *common, const struct wh_label *, size_t n, struct wh_str *name);

#endif
