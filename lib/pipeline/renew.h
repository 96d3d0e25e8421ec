/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New groups in place of those that a model has, without losing their names: each that continues an old one keeps its id, also where the old
 * one is another version's. A group most of whose observations were new to the old model continues none.
 */
#ifndef WHORL_PIPELINE_RENEW_H
#define WHORL_PIPELINE_RENEW_H

#include "base/strtab.h"
#include "pipeline/regroup.h"

struct wh_renaming {
	struct wh_models *old;        /* that the observations were under so far */
	struct wh_models *since;      /* made since, for those that were under none; NULL: none */
	struct wh_standing *standing; /* whose groups those that are in one are in; NULL: only the models tell */
	struct wh_strtab names;       /* of old groups: what records point to */
	const struct wh_strtab *used; /* ids that no fresh group may bear */
};

/* Makes groups of data: under what the model has learned of how to embed, or where its state is empty of all. now: with the ids. The records'
 * `group` says where each was: NULL where nowhere. Errors: those of wh_group. */
int wh_renew(struct wh_renaming *, struct wh_dataset *data, struct wh_model *, const struct wh_constraints *, struct wh_grouping *now,
	     struct wh_err *) WH_NODISCARD;

/* One of the combinations of values. */
struct wh_renewed {
	struct wh_part *part;
	int64_t number, before; /* of its model, now and before; number 0: refused */
	enum wh_choice_of was;  /* what model before is to it; refused: what it goes by meanwhile */
	struct wh_str was_of;
	struct wh_grouping now;
	struct wh_move *moves;
	size_t n_moves, n_classes;
	double f; /* of those that have a label; NaN where none has */
	char why[160];
};

/* The models of all combinations of values that data has. */
struct wh_renewal {
	struct wh_standing *standing;
	bool learns;  /* how to embed, too */
	bool missing; /* only where there is no model yet; else, unless it learns, only where there is one */
	bool moves;   /* data is the store's: its observations go into the new groups */
	struct wh_models old; /* as they were before; standing->models is what is made */
	struct wh_strtab used;
	struct wh_part *parts;
	size_t n_parts;
	struct WH_VEC(struct wh_renewed) done;
	size_t n_made, n_refused;
};
/* Inside a transaction, after `old` was opened; the store then has the models, and their groups. WH_E_USAGE where all were refused, unless `missing` is set. */
int wh_renew_all(struct wh_renewal *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;
/* Emits the arrays `models` and `refused`. */
int wh_renewal_emit(const struct wh_renewal *, struct wh_emit *, struct wh_err *) WH_NODISCARD;
void wh_renewal_release(struct wh_renewal *);

/* train --per: a model for each combination of values, into the store. */
int wh_train_per(struct wh_call *, struct wh_emit *, struct wh_err *) WH_NODISCARD;

#endif
