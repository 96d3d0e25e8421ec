/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the observations of a store that have no group yet into one, in one transaction: what assign and record do. */
#ifndef WHORL_PIPELINE_PLACE_H
#define WHORL_PIPELINE_PLACE_H

#include "base/vec.h"
#include "pipeline/standing.h"

struct wh_placement {
	const struct wh_record *record;
	const char *group;
	double similarity;
	const struct wh_location *location; /* NULL: the method compares */
	struct wh_choice choice; /* the same: of the model */
	bool is_new; /* it opened the group; under a method that places: it is of no kind that is known */
};
/* Called for each, by time, then id, before the transaction is committed. What it is given is gone when it returns. */
typedef int wh_placement_fn(void *user, const struct wh_placement *, struct wh_err *);

struct wh_placing {
	bool dry; /* nothing is written */
	wh_placement_fn *take;
	void *user;
	/* set by wh_place_all */
	struct WH_VEC(double) seconds; /* that each took */
	size_t groups;                 /* at the end */
	size_t chosen[WH_CHOICE_OWN + 1]; /* observations by the choice of their model; NONE: they wait still */
};

/* Places all, and keeps the model in force if the store has none. What there is no model for stays without a group, and is counted. WH_E_NOTFOUND where the store is empty; WH_E_USAGE where the method places
 * and there are too few observations to make a model of. */
int wh_place_all(struct wh_placing *, struct wh_standing *, struct wh_err *) WH_NODISCARD;
/* Where the store has several models: how many went under which choice of them, and how many wait. */
void wh_place_say(const struct wh_placing *, const struct wh_standing *);
void wh_place_release(struct wh_placing *);

#endif
