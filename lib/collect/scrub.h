/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scrubbing: what of a record does not leave the moment of the crash. Rules (docs/format/scrub.md) say by the names of members which
 * are dropped, which keep their first word only, and what is replaced inside of others. Whatever a rule cannot be applied to for want
 * of memory is dropped.
 *
 * A wh_scrub is immutable once made and may be shared by threads.
 */
#ifndef WHORL_COLLECT_SCRUB_H
#define WHORL_COLLECT_SCRUB_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/emit.h>
#include <whorl/error.h>

#include "base/str.h"

struct wh_scrub;

/* Rules shipped with whorl: lib/collect/rules/. Ended by a row without a name. */
struct wh_scrub_rules {
	const char *name;
	const char *text;
	size_t size;
};
extern const struct wh_scrub_rules wh_scrub_builtin[];

/* The rules of file (NULL: none), then the built-in ones if asked for. host: this machine's name, for the pattern @host; NULL: ask the
 * system. WH_E_FORMAT: file, line and reason. */
int wh_scrub_new(struct wh_scrub **, const char *file, bool builtin, const char *host, struct wh_err *) WH_NODISCARD;
void wh_scrub_free(struct wh_scrub *);

/* The value of the member `name` as it may be kept, into out (cleared before). False: the member is to be left out. */
bool wh_scrub_text(const struct wh_scrub *, const char *name, const char *text, size_t n, struct wh_str *out);

/* A writer that passes on what it is told, scrubbed. Members of an object in an array go by their own names, strings in an array by the
 * array's. The owner of the writer behind it closes that one. */
struct wh_scrub_emit {
	struct wh_emit emit;
	const struct wh_scrub *scrub;
	struct wh_emit *to;
	struct wh_scrub_memo *memo; /* what came before: many frames are of one module; NULL: memory was short */
	unsigned depth, dropped; /* levels open; of them, inside of something dropped */
	const char *array[64];   /* per level: the array's name, NULL: an object */
};
void wh_scrub_emit_init(struct wh_scrub_emit *, const struct wh_scrub *, struct wh_emit *to);
void wh_scrub_emit_release(struct wh_scrub_emit *);

#endif
