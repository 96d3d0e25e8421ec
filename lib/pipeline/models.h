/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The models of a store under methods that place: one for all observations, or one for each combination of values that some attributes
 * have (`train --per platform,version`); and which of them an observation goes under. The store's state `models` says which they are.
 *
 * Own: the model of the observation's own values. Where there is none, of the models whose values differ in `version` alone, the one of the
 * newest version that is older; else of the oldest that is newer; an observation that does not say its version goes under the newest. Else
 * the model for all, if there was one before. Else none: the observation waits until there is one.
 *
 * Versions: runs of digits compare as numbers (1.10 after 1.9); 1.0-rc1 and 1.0~rc1 are before 1.0. What is not said is the empty value.
 */
#ifndef WHORL_PIPELINE_MODELS_H
#define WHORL_PIPELINE_MODELS_H

#include "base/arena.h"
#include "pipeline/model.h"
#include "store/store.h"

struct wh_held_model {
	int64_t number;              /* in the store; 0: not from there */
	const char *const *values;   /* n_per, never NULL inside; NULL: for all */
	const struct wh_model *model; /* NULL until it is wanted */
	struct wh_model own;
	struct wh_space space; /* without points; opened when something is located */
	bool unusable;         /* damaged, or without groups: said once, then passed over */
	struct WH_VEC(uint32_t) homes; /* the assigner's: per group of the model */
};

struct wh_models {
	const struct wh_call *call;
	struct wh_store *store;
	struct wh_arena arena; /* values */
	size_t n_per;          /* 0: one for all */
	size_t *per;           /* n_per indices in wh_signal.attributes */
	struct WH_VEC(struct wh_held_model *) held;
};

enum wh_choice_of { WH_CHOICE_NONE, WH_CHOICE_ALL, WH_CHOICE_NEWER, WH_CHOICE_OLDER, WH_CHOICE_OWN };

struct wh_choice {
	struct wh_held_model *held; /* NULL: none */
	enum wh_choice_of of;
};

/* What the store says; n_per 0 where it has one model for all or none. Keeps references to both. WH_E_FORMAT: made by another version. */
int wh_models_open(struct wh_models *, struct wh_store *, const struct wh_call *, struct wh_err *) WH_NODISCARD;
/* The same, and the store's model of that number for all where it has but one (0: none). */
int wh_models_open_all(struct wh_models *, struct wh_store *, const struct wh_call *, int64_t all, struct wh_err *) WH_NODISCARD;
/* Instead: this model, for all. It is the caller's, and may be fitted later. */
int wh_models_only(struct wh_models *, const struct wh_model *, const struct wh_call *, struct wh_err *) WH_NODISCARD;
void wh_models_close(struct wh_models *);

/* attributes: of an observation, in the order of wh_signal.attributes; NULL where there is one model for all. One that cannot be read is told of
 * once, as a warning, and the next best is taken. */
int wh_models_choose(struct wh_models *, const char *const *attributes, struct wh_choice *, struct wh_err *) WH_NODISCARD;
/* The next best after the one that was chosen. */
int wh_models_choose_next(struct wh_models *, const char *const *attributes, struct wh_choice *, struct wh_err *) WH_NODISCARD;
/* "own", "older", "newer", "all" or "none". */
const char *wh_choice_name(enum wh_choice_of);
/* Emits, where models are for values of attributes: model (its number), model_of (its values), model_choice. */
int wh_choice_emit(const struct wh_models *, const struct wh_choice *, struct wh_emit *, struct wh_err *) WH_NODISCARD;
/* "platform=jvm17,version=1.0"; "all" where values is NULL. Appended. */
void wh_models_text(const struct wh_models *, const char *const *values, struct wh_str *);
/* The same as the object `of`. */
void wh_models_emit_values(const struct wh_models *, const char *const *values, struct wh_emit *);

/* Where a fingerprint lies in the groups of a model that was chosen. */
int wh_held_locate(struct wh_held_model *, struct wh_bytes fingerprint, struct wh_location *, struct wh_err *) WH_NODISCARD;
/* Another instance of a stored model, the caller's. */
int wh_models_read(const struct wh_models *, int64_t number, struct wh_model *, struct wh_err *) WH_NODISCARD;
/* The newest that can be read: settings they have in common. */
int wh_models_read_any(const struct wh_models *, struct wh_model *, struct wh_err *) WH_NODISCARD;

/* ---- changing them ---- */

/* Models are from now on per these attributes, "platform,version"; where they were per others, or for all, that for all alone stays. WH_E_USAGE names the attributes that there are. */
int wh_models_divide(struct wh_models *, const char *per, struct wh_err *) WH_NODISCARD;
/* The model of these values is the store's of that number. */
int wh_models_put(struct wh_models *, const char *const *values, int64_t number, struct wh_err *) WH_NODISCARD;
/* Into the store's state. */
int wh_models_keep(const struct wh_models *, struct wh_err *) WH_NODISCARD;
/* The store's models are one for all again. */
int wh_models_forget(struct wh_store *, const struct wh_call *, struct wh_err *) WH_NODISCARD;

/* ---- observations by values ---- */

/* What an observation says for the i-th of `per`; "" where it does not. */
const char *wh_models_value(const struct wh_models *, const char *const *attributes, size_t i);
/* Whether the i-th of `per` is the version. */
bool wh_models_is_version(const struct wh_models *, size_t i);
int wh_version_compare(const char *a, const char *b);

struct wh_part {
	const char *const *values; /* n_per; in the arena of the models */
	struct wh_dataset data;    /* a view: the strings are those of the whole */
};
/* The observations of each combination of values, ordered by values, versions in their order; *parts is the caller's, and to be released. With
 * one model for all: one part, of all, with values NULL. */
int wh_models_split(struct wh_models *, const struct wh_dataset *, struct wh_part **parts, size_t *n, struct wh_err *) WH_NODISCARD;
void wh_parts_release(struct wh_part *parts, size_t n);
/* wh_models_choose for a part. */
int wh_models_choose_part(struct wh_models *, const struct wh_part *, struct wh_choice *, struct wh_err *) WH_NODISCARD;

#endif
