/* SPDX-License-Identifier: Apache-2.0 */
/* Grouping a whole store anew, without losing the names of its groups. */
#ifndef WHORL_PIPELINE_REGROUP_H
#define WHORL_PIPELINE_REGROUP_H

#include "pipeline/standing.h"

/* The verb `cluster` without operands. */
int wh_regroup_store(struct wh_call *, struct wh_emit *, struct wh_err *) WH_NODISCARD;

/* Gives new groups the ids of the old ones that they continue: pairs (old, new) in the order of their common observations, most first,
 * ties by the older name; each id and each group is used once, and a group that continues nothing never bears an old id. records'
 * `group` is the old one. used: further ids that no new group may bear, or NULL. */
struct wh_strtab;
int wh_continue_ids(struct wh_grouping *, const struct wh_dataset *, const struct wh_strtab *used, struct wh_err *) WH_NODISCARD;

/* How many observations went from which group to which. */
struct wh_move {
	const char *from; /* NULL: had no group */
	const char *to;   /* in grouping->groups */
	uint32_t group;   /* number of `to` */
	size_t observations;
	size_t parts;   /* groups that `from` went to */
	size_t sources; /* groups that `to` came from */
};
/* All of them, by from, then most first; *moves is the caller's to free. */
int wh_list_moves(const struct wh_grouping *, const struct wh_dataset *, struct wh_move **moves, size_t *n, struct wh_err *) WH_NODISCARD;
/* "kept", "split", "merged", "moved" or "new". */
const char *wh_move_kind(const struct wh_move *);
/* Emits one as an object. */
void wh_emit_move(const struct wh_move *, struct wh_emit *);
/* Emits the map as records. */
int wh_emit_moves(struct wh_call *, const struct wh_grouping *, const struct wh_dataset *, struct wh_emit *, struct wh_err *) WH_NODISCARD;

/* Inside a transaction: the observations of data are in these groups, which the store has, from now on; what changed by it is said. model: its number. */
int wh_regroup_write(struct wh_standing *, const struct wh_grouping *, const struct wh_dataset *, int64_t model, const struct wh_move *moves, size_t n,
		     struct wh_err *) WH_NODISCARD;

#endif
