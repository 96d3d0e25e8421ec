/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in a store: its model, its groups, what people said; and the ways of adding to it. */
#ifndef WHORL_PIPELINE_STANDING_H
#define WHORL_PIPELINE_STANDING_H

#include "pipeline/group.h"
#include "pipeline/models.h"
#include "store/store.h"

struct wh_standing {
	const struct wh_call *call;
	struct wh_store *store;
	struct wh_model model; /* --model, else the store's newest that can be read, else the shipped default */
	bool stored_model;     /* it is the store's newest, unchanged */
	struct wh_models models; /* what observations go under: that one, or the store's for values of attributes */
};

int wh_standing_open(struct wh_standing *, const struct wh_call *, enum wh_store_mode, struct wh_err *) WH_NODISCARD;
void wh_standing_close(struct wh_standing *);

/* The store's model for reading verbs that can do without a store: like wh_model_open, but where neither --model nor operands are given
 * and a store is there, the store's. */
int wh_standing_model(struct wh_model *, const struct wh_call *, struct wh_err *) WH_NODISCARD;

/* Adds the call's operands to the store, in transactions of bounded size; says what was added, known, skipped. */
struct wh_imported {
	size_t added, known, skipped, unknown_files, files;
};
int wh_standing_import(struct wh_standing *, struct wh_imported *, struct wh_err *) WH_NODISCARD;

/* Everything stored, with the groups it is in. */
int wh_standing_load(struct wh_standing *, unsigned flags, struct wh_dataset *, struct wh_err *) WH_NODISCARD;

struct wh_strtab;
/* Adds the ids of all groups that ever were: an id is never given twice. */
int wh_standing_group_ids(struct wh_standing *, struct wh_strtab *, struct wh_err *) WH_NODISCARD;

/* The pairs that people hold together or apart, as records of data. Pairs whose records are not in data are left out. */
int wh_standing_constraints(struct wh_standing *, const struct wh_dataset *, struct wh_constraints *, struct wh_err *) WH_NODISCARD;

/* Inside a transaction: keeps the model, if it is not the store's newest already, and the settings of the fingerprints. */
int wh_standing_keep_model(struct wh_standing *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;

/* Inside a transaction: notes what the stored fingerprints are made with. */
int wh_standing_keep_settings(struct wh_standing *, struct wh_err *) WH_NODISCARD;

#endif
