/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of some series moved first, over the observations of a group (lib/learn/onset.h): when each begins to rise, in how many of them before the
 * others, and by how many steps it follows the one that is first. Order in time only: what comes first need not be the cause.
 */
#ifndef WHORL_PIPELINE_PRECEDENCE_H
#define WHORL_PIPELINE_PRECEDENCE_H

#include "learn/onset.h"
#include "pipeline/dataset.h"

enum {
	WH_PRECEDENCE_MOST = 256, /* observations of a group that are looked at, spread evenly */
	WH_PRECEDENCE_LAG = 50,   /* steps, at most */
};

struct wh_mover {
	const char *name;        /* the caller's */
	struct wh_precedence of;
	int lag;                 /* steps after the first mover, where their increments go together best; 0 of the first itself */
	double correlation;      /* of increments at that lag, mean over the observations that have both; NaN: none has */
};

/*
 * movers[m]: `name` is given, the rest is filled in, and those that rose first come first (by mean rank; ties by name). Signals without series have
 * none that rose. *asked: observations looked at. The same for any number of threads. WH_E_NOMEM, WH_E_LIMIT, WH_E_FORMAT, WH_E_CANCELLED.
 */
int wh_precede(const struct wh_dataset *, const uint32_t *records, size_t n, const struct wh_host *, struct wh_mover *movers, size_t m, size_t *asked,
	       struct wh_err *) WH_NODISCARD;

struct wh_str;
/* `app.Entry: begins to rise 62 steps before the end (half: 40 to 75), in 31 of 35 before the others`; of those that follow `…, goes 3 steps after
 * app.Entry (correlation 0.81)`. first: the first mover. */
void wh_mover_sentence(struct wh_str *, const struct wh_mover *, const struct wh_mover *first, size_t asked);

#endif
