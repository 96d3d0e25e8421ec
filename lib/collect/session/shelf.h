/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folder where sessions wait until the store has them. Of a session ID:
 *
 *   ID.session   the journal (journal.h), locked as long as its recorder lives; there until the session is settled
 *   ID.jsonl     the neutral record, once the session has ended: appears by one rename
 *   ID.record    the same scrubbed, while it is being stored
 *   ID.alloc/    tables of libwhorl-alloc.so, while it is being recorded
 *
 * Several recorders may share it: each hands over its own, and what nobody's lock is on.
 */
#ifndef WHORL_COLLECT_SESSION_SHELF_H
#define WHORL_COLLECT_SESSION_SHELF_H

#include <limits.h>

#include <whorl/signal.h>

#include "base/vec.h"
#include "collect/session/journal.h"

#define WH_SHELF_ID 96

/* A session that has ended. */
struct wh_shelved {
	struct wh_capture capture; /* its strings are those below */
	char id[WH_SHELF_ID];
	char program[256];
	char *input, *record;
	int lock;
	bool settled; /* nothing is left of it but what this says */
};

struct wh_shelf {
	char path[PATH_MAX];
	bool made; /* by us: to be removed when it is empty again */
	struct WH_VEC(struct wh_shelved *) list; /* ended and not settled, oldest first */
};

int wh_shelf_open(struct wh_shelf *, const char *path, struct wh_err *) WH_NODISCARD;
void wh_shelf_close(struct wh_shelf *);

/* An id that no session has; path of a file of it. */
void wh_shelf_new_id(char id[static WH_SHELF_ID]);
char *wh_shelf_path(const struct wh_shelf *, const char *id, const char *suffix); /* to be freed; NULL: out of memory */

/* Writes the record of a session that has ended and takes over the journal, which is released. WH_E_IO: it stays as it was. */
int wh_shelf_put(struct wh_shelf *, const char *id, struct wh_journal *, struct wh_err *) WH_NODISCARD;
/* Puts what recorders left that are no more. A file that is no journal is said and left alone. */
int wh_shelf_recover(struct wh_shelf *, const struct wh_host *, struct wh_err *) WH_NODISCARD;
/* Forgets what was settled: until then its capture stays. */
void wh_shelf_tidy(struct wh_shelf *);
/* The session is in the store: its files go. */
int wh_shelf_settle(struct wh_shelf *, const struct wh_capture *, struct wh_err *) WH_NODISCARD;
/* Removes a folder of tables, and what is in it. */
void wh_shelf_remove_tables(const char *path);

#endif
