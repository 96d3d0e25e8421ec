/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call works with: a method with its parameters, the settings behind the fingerprints, and frozen weights. It comes from a
 * model file, from the store, or from the shipped defaults; what the user said on top of it wins.
 */
#ifndef WHORL_PIPELINE_MODEL_H
#define WHORL_PIPELINE_MODEL_H

#include <whorl/verb.h>

#include "base/str.h"
#include "pipeline/dataset.h"

#define WH_GROUP_ID 16 /* bytes of an id with its NUL: g + 12 hexadecimal digits */

struct wh_group_name {
	char id[WH_GROUP_ID];
};

struct wh_model {
	const struct wh_signal *signal;
	const struct wh_method *method;
	struct wh_values params, settings;
	void *config;        /* the signal's, from settings */
	struct wh_str state; /* frozen weights; empty: they are taken from the data */
	struct WH_VEC(struct wh_group_name) groups; /* of a method that places: the id of each of its groups; several may have one */
	int64_t number;      /* in the store; 0: not from there */
	const struct wh_host *host;
};

/* The row of every verb that can work with a model. */
#define WH_OPTION_MODEL                                                                                          \
	{ .name = "model", .type = WH_PARAM_PATH, .metavar = "FILE",                                               \
	  .help = "a model that train or calibrate wrote (without it: the store's where the store is used, else the shipped default)" }

/* From --model where the verb has it and it was given, else from the defaults; options given by the user override. */
int wh_model_open(struct wh_model *, const struct wh_call *, struct wh_err *) WH_NODISCARD;
/* The same from the bytes of a model file. */
int wh_model_open_bytes(struct wh_model *, const struct wh_call *, struct wh_bytes file, struct wh_err *) WH_NODISCARD;
void wh_model_release(struct wh_model *);

/* Appends the model file's bytes; data (may be NULL) is what it was made from. */
int wh_model_pack(const struct wh_model *, const struct wh_dataset *, struct wh_str *out, struct wh_err *) WH_NODISCARD;
int wh_model_write(const struct wh_model *, const struct wh_dataset *, const char *path, struct wh_err *) WH_NODISCARD;

/* Emits method, settings and params as members of the open object. */
void wh_model_emit(const struct wh_model *, struct wh_emit *);

/* A space of points under the model; the caller closes it. Weights: the model's, else those of the points. */
struct wh_space {
	const struct wh_method *method;
	void *state;
	size_t n;
};
int wh_space_open(struct wh_space *, const struct wh_model *, const struct wh_bytes *points, size_t n, struct wh_err *) WH_NODISCARD;
void wh_space_close(struct wh_space *);
/* user: a struct wh_space */
double wh_space_similarity(void *user, size_t i, size_t j);
/* Where point i of the model's space lies, in a group that the model has a name for. */
int wh_space_locate(const struct wh_space *, const struct wh_model *, size_t i, struct wh_location *, struct wh_err *) WH_NODISCARD;
/* The same of a fingerprint, in a space without points, which has none afterwards. */
int wh_space_locate_one(struct wh_space *, const struct wh_model *, struct wh_bytes fingerprint, struct wh_location *, struct wh_err *) WH_NODISCARD;
/* Keeps the weights that these observations give in the model, from where on it compares under them. A method that places is not asked:
 * wh_group keeps what it made. */
int wh_model_freeze(struct wh_model *, const struct wh_dataset *, struct wh_err *) WH_NODISCARD;

#endif
