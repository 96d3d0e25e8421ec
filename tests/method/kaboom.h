/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions for tests of the session methods: made of rows, packed as fingerprints are. */
#ifndef WHORL_TESTS_METHOD_KABOOM_H
#define WHORL_TESTS_METHOD_KABOOM_H

#include "base/rng.h"
#include "base/str.h"
#include "observation/session.h"

/* Packed sessions, one after the other in memory of their own. */
struct made {
	struct wh_arena arena;
	struct wh_session_builder builder;
	struct WH_VEC(struct wh_bytes) sessions;
};

void made_init(struct made *);
void made_release(struct made *);
/* The rows that were given to made->builder since the last time, as a session; a copy of it unpacked too where `session` is not NULL. */
void made_finish(struct made *, struct wh_session **session);

/* A session that leaks: of `types` kinds, each with three metrics of its own that grow, among `metrics` others that come and go with the screens
 * a user visits, and a cache that fills and stops. */
void made_leak(struct made *, struct wh_rng *, unsigned type, unsigned metrics, unsigned steps);
/* Levels of five gauges that oscillate in a way of their kind, about any mean. With one step: counts of that kind, as of one histogram. */
void made_gauges(struct made *, struct wh_rng *, unsigned kind, unsigned steps);
/* Any session: some metrics, not known readings, negative ones, none at all. */
void made_any(struct made *, struct wh_rng *, struct wh_session **session);

#endif
