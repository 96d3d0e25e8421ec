/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics that training sessions have, as columns (sec. 2.1 of the paper: "removes all timeseries that are not present in more than
 * a configurable threshold of traces"). Life: init, count*, fix, then columns from any number of threads; or init, load.
 *
 * Columns are in the order of names, so that they do not depend on the order of sessions. A metric of later sessions that has no column is
 * for the caller to drop, and to count.
 */
#ifndef WHORL_METHOD_KABOOM_VOCABULARY_H
#define WHORL_METHOD_KABOOM_VOCABULARY_H

#include <stdint.h>

#include "base/strtab.h"
#include "base/vec.h"
#include "learn/pack.h"
#include "observation/session.h"

#define WH_VOCABULARY_NONE UINT32_MAX

/* What is known of a metric from the sessions that were counted. */
struct wh_vocabulary_entry {
	uint32_t sessions; /* in which it is present: has a known reading other than 0 */
	double sum;        /* of its mean over present steps, over these */
};

struct wh_vocabulary {
	struct wh_strtab names; /* after fix: n columns */
	struct WH_VEC(struct wh_vocabulary_entry) entries;
	size_t n_sessions;
};

void wh_vocabulary_init(struct wh_vocabulary *);
void wh_vocabulary_release(struct wh_vocabulary *);
int wh_vocabulary_count(struct wh_vocabulary *, const struct wh_session *, struct wh_err *) WH_NODISCARD;
/* Keeps what is present in more than `threshold` (a share; 0: whatever was named) of the sessions, and in `least` of them at least. */
int wh_vocabulary_fix(struct wh_vocabulary *, double threshold, size_t least, struct wh_err *) WH_NODISCARD;

static inline size_t wh_vocabulary_size(const struct wh_vocabulary *v) { return v->names.n; }
/* WH_VOCABULARY_NONE: it has none. */
uint32_t wh_vocabulary_column(const struct wh_vocabulary *, const char *name);
static inline const char *wh_vocabulary_name(const struct wh_vocabulary *v, uint32_t column) { return v->names.entries[column].data; }
/* The mean of a metric over present steps, over the sessions that have it. */
double wh_vocabulary_mean(const struct wh_vocabulary *, uint32_t column);

void wh_vocabulary_save(const struct wh_vocabulary *, struct wh_str *);
/* Into an empty one. WH_E_FORMAT: not what save wrote. */
int wh_vocabulary_load(struct wh_vocabulary *, struct wh_unpack *, struct wh_err *) WH_NODISCARD;

#endif
