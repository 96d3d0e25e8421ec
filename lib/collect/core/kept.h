/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cores that are kept: so many of a group and program, in all so many bytes, for so many days. A file's name says what it is,
 * GROUP.PROGRAM.ID.core.zst (PROGRAM: 16 hex digits of its path's hash), so the folder is the whole state. Where the bytes run out, the
 * groups with most cores give theirs first, the oldest of them; a group's last core goes last.
 */
#ifndef WHORL_COLLECT_CORE_KEPT_H
#define WHORL_COLLECT_CORE_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include <whorl/error.h>

struct wh_kept {
	int spool;         /* its folder */
	uint64_t most;     /* of a group and program */
	uint64_t bytes;    /* of all */
	int64_t seconds;   /* how long; 0: for ever */
};

/* Moves new/NAME to where it is kept if there is room for one more of its kind; *name (a buffer of at least 256 bytes) is its path in the
 * spool then, else empty. */
int wh_kept_add(const struct wh_kept *, const char *name, const char *group, const char *program, char path[static 256],
		struct wh_err *) WH_NODISCARD;
/* Deletes what is too old or too much. */
int wh_kept_tidy(const struct wh_kept *, struct wh_err *) WH_NODISCARD;

#endif
