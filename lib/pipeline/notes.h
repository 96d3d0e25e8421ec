/* SPDX-License-Identifier: Apache-2.0 */
/* What people wrote about observations and groups, newest last, and what they call groups. */
#ifndef WHORL_PIPELINE_NOTES_H
#define WHORL_PIPELINE_NOTES_H

#include <whorl/verb.h>

#include "base/strtab.h"
#include "base/vec.h"

struct wh_notes {
	struct wh_strtab ids;          /* of observations and groups that have a note or a label */
	struct WH_VEC(char *) notes;   /* per id: the newest note, or NULL */
	struct WH_VEC(char *) labels;  /* per id: a group's label, or NULL */
	struct WH_VEC(uint32_t) count; /* per id: notes */
};

/* From the call's store. A zeroed wh_notes is empty and may be asked. */
int wh_notes_load(struct wh_notes *, const struct wh_call *, struct wh_err *) WH_NODISCARD;
void wh_notes_release(struct wh_notes *);
/* The newest note on the observation, else on its group; NULL: none. group may be NULL. */
const char *wh_notes_find(const struct wh_notes *, const char *id, const char *group);
/* What people call the group, or NULL. */
const char *wh_notes_label(const struct wh_notes *, const char *group);
/* How many notes are on this id. */
uint32_t wh_notes_count(const struct wh_notes *, const char *id);

#endif
