/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading many inputs on many threads: files, folders, standard input or the store, in rounds of bounded memory. What was read is
 * handed over in the order of the input, whatever thread read it.
 */
#ifndef WHORL_PIPELINE_LOAD_H
#define WHORL_PIPELINE_LOAD_H

#include "pipeline/dataset.h"
#include "pipeline/intern.h"

/* The records of one file or of a piece of one. The consumer may take the arena (and leave an empty one) */
struct wh_batch {
	struct wh_arena arena;
	struct WH_VEC(struct wh_record) records; /* id set, point not yet */
};

typedef int wh_batch_fn(void *user, struct wh_batch *, struct wh_err *);

struct wh_load {
	const struct wh_call *call;
	const void *config;
	const struct wh_values *settings; /* that config was made from */
	unsigned flags;
	const char *const *paths; /* n_paths; 0: the store */
	size_t n_paths;
	struct wh_interner *strings; /* keeps each fingerprint, group and attribute once; NULL: they lie in the batch's arena, and go with it */
	wh_batch_fn *take;
	void *user;
	size_t files, unknown_files, skipped; /* counted here */
};

int wh_load(struct wh_load *, struct wh_err *) WH_NODISCARD;

struct wh_str;
/* The neutral record as the store keeps it, without id, time and label, into body (cleared first). */
int wh_encode_body(const struct wh_signal *, const struct wh_observation *, struct wh_str *body, struct wh_err *) WH_NODISCARD;
/* What a store's fingerprints were made with: the settings as JSON, files by their content. Appended to out. */
int wh_settings_text(const struct wh_values *settings, struct wh_str *out, struct wh_err *) WH_NODISCARD;

#endif
