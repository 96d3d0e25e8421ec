/* SPDX-License-Identifier: Apache-2.0 */
/* What people say, in a store: kept as sayings with an audit trail, applied to the groups at once, undone as a whole. */
#ifndef WHORL_PIPELINE_CURATE_H
#define WHORL_PIPELINE_CURATE_H

#include "pipeline/standing.h"

struct wh_curation {
	struct wh_standing standing;
	struct wh_dataset data;
	const char *who;
};

/* Opens the store for one change: everything between open and commit is one transaction. */
int wh_curation_open(struct wh_curation *, const struct wh_call *, struct wh_err *) WH_NODISCARD;
int wh_curation_commit(struct wh_curation *, struct wh_err *) WH_NODISCARD;
void wh_curation_close(struct wh_curation *);

/* The living group called id, following successors; the string is the dataset's or the caller's to free by *owned. WH_E_NOTFOUND. */
int wh_curation_group(struct wh_curation *, const char *id, char **group, struct wh_err *) WH_NODISCARD;
/* The record called id. WH_E_NOTFOUND. */
int wh_curation_record(struct wh_curation *, const char *id, size_t *record, struct wh_err *) WH_NODISCARD;

/* Says one thing; part_of 0: on its own. *number may be NULL. */
int wh_curation_say(struct wh_curation *, enum wh_store_word, const char *a, const char *b, const char *text, int64_t part_of,
		    int64_t *number, struct wh_err *) WH_NODISCARD;

/* Puts records into a group. */
int wh_curation_move(struct wh_curation *, const uint32_t *records, size_t n, const char *group, struct wh_err *) WH_NODISCARD;

/* The row of every verb that says something. */
#define WH_OPTION_WHO { .name = "who", .type = WH_PARAM_STRING, .metavar = "NAME", .help = "who says so, for the history" }

/* merge and split keep the ids of what they moved as a JSON array. */
int wh_curation_ids(struct wh_curation *, const uint32_t *records, size_t n, struct wh_str *json, struct wh_err *) WH_NODISCARD;

#endif
