/* SPDX-License-Identifier: Apache-2.0 */
/* Where the recorder of cores takes them from: whorl's own spool, or the folder of systemd-coredump. */
#ifndef WHORL_COLLECT_CORE_SOURCE_H
#define WHORL_COLLECT_CORE_SOURCE_H

#include <whorl/signal.h>

#include "base/arena.h"
#include "base/strtab.h"
#include "base/vec.h"
#include "collect/core/facts.h"

/* A capture and what settling it needs. */
struct wh_core_capture {
	struct wh_capture capture; /* its strings are in the arena */
	const char *name;          /* of the file in its folder */
	bool may_keep;             /* there is a core, and the process allowed others to see it */
};

/* A folder being watched. */
struct wh_core_source {
	int folder;        /* open */
	const char *path;  /* of it, absolute; the recorder's */
	const char *spool; /* its path */
	bool systemd;
	struct wh_strtab settled; /* names that were settled in this run and are still there; systemd only */
};

/* Fills captures with the oldest that wait, at most so many. Everything they say is in the arena. */
struct wh_core_captures {
	struct WH_VEC(struct wh_core_capture) list;
	struct wh_arena arena;
};
int wh_core_source_list(struct wh_core_source *, size_t most, struct wh_core_captures *, struct wh_err *) WH_NODISCARD;

/* What the files of systemd-coredump say of themselves: extended attributes user.coredump.*, else their names. False: not one of them. */
bool wh_systemd_facts(int fd, const char *name, struct wh_facts *);

/* The capture that these facts make. id NULL: made from them. */
int wh_core_describe(struct wh_core_capture *, const struct wh_facts *, const char *id, const struct wh_core_source *, const char *name,
		     struct wh_arena *, struct wh_err *) WH_NODISCARD;

#endif
