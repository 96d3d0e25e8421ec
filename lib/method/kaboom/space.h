/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions as points in a space of floats, and the part that all methods of the signal `session` share: which points are held back, groups,
 * where a point belongs, similarity, frozen bytes. What differs between methods is the embedding, a struct wh_embedding in a file of its own;
 * wh_method rows point to it by `detail`.
 *
 * An embedding maps a session to z (width floats) and to `outside`, the squared length of what z cannot hold: the part that does not lie
 * in the span of the training sessions, growth of metrics that these do not have. Everything is measured in the ambient space: the
 * squared distance of a point to a centroid is |z - c|^2 + outside, since what is outside of the span is orthogonal to it.
 *
 * Roles. Of the points that were added before freeze a share is held back (`holdback`; chosen by the hash of their bytes, so by neither order
 * nor label): embeddings are learned from the others. Groups are made of all, and the distances of those held back, to centroids
 * without them, tell what is far (conformal prediction). Where the embedding is unbiased every point tells. Sessions in which no metric is present
 * are empty: they teach nothing and are a group of their own.
 */
#ifndef WHORL_METHOD_KABOOM_SPACE_H
#define WHORL_METHOD_KABOOM_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/signal.h>

#include "base/arena.h"
#include "base/vec.h"
#include "method/kaboom/categories.h"
#include "method/kaboom/vocabulary.h"
#include "observation/session.h"

struct wh_embedding {
	int (*open)(const struct wh_values *, void **fitted, struct wh_err *);
	/* Learns from n packed sessions, none of them empty; n may be 0. */
	int (*fit)(void *fitted, const struct wh_bytes *sessions, size_t n, const struct wh_host *, struct wh_err *);
	/* The metrics that it looks at, with their averages; after fit or load. */
	const struct wh_vocabulary *(*vocabulary)(const void *fitted);
	/* Number of floats of z, after fit or load; may be 0. */
	size_t (*width)(const void *fitted);
	/* Whether a session is embedded the same, give or take, with it or without it among those learned from; NULL: it is not. */
	bool (*unbiased)(const void *fitted);
	/* From any number of threads. z is zeroed; all must be finite, outside at least 0. */
	int (*embed)(const void *fitted, const struct wh_session *, struct wh_arena *scratch, float *z, double *outside, struct wh_err *);
	/* n sessions at once, n x width; NULL: embed does one after the other. */
	int (*embed_all)(const void *fitted, const struct wh_bytes *sessions, size_t n, const struct wh_host *, float *z, double *outside,
			 struct wh_err *);
	int (*save)(const void *fitted, struct wh_str *, struct wh_err *);
	int (*load)(void *fitted, struct wh_unpack *, struct wh_err *);
	void (*close)(void *fitted);
};

struct wh_session_point {
	uint64_t hash;
	double outside;
	bool empty, held; /* held: tells what is far */
};

struct wh_session_space {
	const struct wh_embedding *embedding;
	void *fitted;
	struct wh_categories_params params;
	double holdback;
	struct wh_arena arena;   /* packed sessions until they are frozen */
	struct wh_arena scratch; /* of add; reset by every one */
	struct WH_VEC(struct wh_bytes) sessions;
	struct WH_VEC(struct wh_session_point) points;
	struct WH_VEC(float) z; /* points.n x width */
	size_t width, n_frozen; /* n_frozen: how many points were there at freeze */
	double scale;           /* typical squared distance of two training points; more than 0 */
	struct wh_categories categories;
	bool loaded, frozen;
};

static inline const float *wh_session_row(const struct wh_session_space *space, size_t i) { return space->z.data + i * space->width; }

/* Where a session belongs that is no point; *distance: to group `from`, which may be another (distance may be NULL). scratch as for embed.
 * WH_E_USAGE: nothing was grouped or loaded. */
int wh_session_place(const struct wh_session_space *, const struct wh_session *, uint32_t from, struct wh_arena *scratch, struct wh_location *,
		     double *distance, struct wh_err *) WH_NODISCARD;

/* The functions of every session method's wh_method row. */
int wh_session_open(const struct wh_method *, const struct wh_values *, void **, struct wh_err *);
int wh_session_load(void *, struct wh_bytes, struct wh_err *);
int wh_session_add(void *, struct wh_bytes, struct wh_err *);
int wh_session_freeze(void *, const struct wh_host *, struct wh_err *);
void wh_session_drop(void *);
double wh_session_similarity(const void *, size_t, size_t);
int wh_session_save(const void *, struct wh_str *, struct wh_err *);
int wh_session_group(void *, const uint32_t *weight, const struct wh_host *, uint32_t *of, size_t *n_groups, struct wh_err *);
int wh_session_locate(const void *, size_t, struct wh_location *, struct wh_err *);
int wh_session_window_p_value(const void *space, const size_t *count, size_t flagged, double *p_value, struct wh_err *) WH_NODISCARD;
int wh_session_mutate(const void *space, struct wh_bytes fingerprint, const char *const *metrics, size_t n, const struct wh_host *,
		      struct wh_arena *scratch, struct wh_location *unchanged, struct wh_mutation *, struct wh_err *); /* mutation.c */
const float *wh_session_coordinates(const void *, size_t, size_t *);
void wh_session_close(void *);

#define WH_SESSION_METHOD_OPS                                                                                                  \
	.open = wh_session_open, .load = wh_session_load, .add = wh_session_add, .freeze = wh_session_freeze,                  \
	.drop = wh_session_drop, .similarity = wh_session_similarity, .save = wh_session_save, .group = wh_session_group,      \
	.locate = wh_session_locate, .window_p_value = wh_session_window_p_value, .mutate = wh_session_mutate,  \
	.coordinates = wh_session_coordinates, .close = wh_session_close

/* The rows of every session method's table. */
#define WH_SESSION_PARAMS                                                                                                      \
	{ .name = "k", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1000, .metavar = "N",                              \
	  .help = "number of groups (0: found)", .source = "KabOOM 2.4" },                                                     \
	{ .name = "clustering", .type = WH_PARAM_CHOICE, .initial = "kmeans", .choices = WH_CLUSTERINGS,                       \
	  .help = "what makes groups: k-means, a Gaussian mixture, Ward's linkage, HDBSCAN* (finds k)" },                      \
	{ .name = "alarm", .type = WH_PARAM_REAL, .initial = "0.05", .lo = 0, .hi = 1,                                         \
	  .help = "share of what is of no new kind that is called new all the same" },                                         \
	{ .name = "holdback", .type = WH_PARAM_REAL, .initial = "0.25", .lo = 0, .hi = 0.9,                                    \
	  .help = "share of the sessions that nothing is learned from, to tell how far out is far" }

#endif
