/* SPDX-License-Identifier: Apache-2.0 */
/* From points to groups: candidate pairs and sparse agglomeration, or the groups of a method that places; stable ids. */
#ifndef WHORL_PIPELINE_GROUP_H
#define WHORL_PIPELINE_GROUP_H

#include "pipeline/dataset.h"
#include "pipeline/model.h"

struct wh_group {
	char id[WH_GROUP_ID];
	uint32_t representative; /* point: the one with the most records, ties by content */
	uint32_t first;          /* record: by time, then id */
	uint32_t n_records, n_points;
};

/* Groups are numbered by their first record in time. */
struct wh_grouping {
	uint32_t *of_point; /* n_points */
	struct wh_group *groups;
	size_t n;
	double *similarity; /* n_points: to the representative of its group; NULL after wh_group_describe */
	/* Of a method that places, else NULL: */
	struct wh_location *location; /* n_points. is_new only where the groups were there before */
	uint32_t *of_number;          /* per group of the model: the group here, UINT32_MAX: none of these points */
};

/* Pairs of records that people hold together or apart. */
struct wh_record_pair {
	uint32_t a, b;
};
struct wh_constraints {
	struct WH_VEC(struct wh_record_pair) together, apart;
};
void wh_constraints_release(struct wh_constraints *);

/* Groups all points. constraints may be NULL; may split points of data (wh_dataset_split_point). A method that places puts them into the
 * groups of the model; where it has none, makes groups and keeps them in the model. */
int wh_group(struct wh_grouping *, struct wh_dataset *, struct wh_model *, const struct wh_constraints *, struct wh_err *) WH_NODISCARD;
/* The same with the groups of the points given: fills ids and representatives. of_point is taken over. */
int wh_group_describe(struct wh_grouping *, const struct wh_dataset *, uint32_t *of_point, size_t n_groups, struct wh_err *) WH_NODISCARD;
/* wh_group of a method that places (group_placed.c). */
int wh_group_placed(struct wh_grouping *, struct wh_dataset *, struct wh_model *, const struct wh_constraints *, struct wh_err *) WH_NODISCARD;
/* After somebody gave the groups other ids: the model's groups have them, too. Nothing to do for a method that compares. */
void wh_group_name_model(const struct wh_grouping *, struct wh_model *);
void wh_grouping_release(struct wh_grouping *);

/* g + 12 digits of the hash of a fingerprint; of the id where the fingerprint is empty; salt > 0 where that id is taken. */
void wh_group_id(const struct wh_record *, unsigned salt, char id[static WH_GROUP_ID]);

/* labels as numbers: truth[n records], WH_NO_LABEL where not known. Returns the number of classes in *n. */
#define WH_NO_LABEL UINT32_MAX
int wh_label_numbers(const struct wh_dataset *, uint32_t **truth, size_t *n, struct wh_err *) WH_NODISCARD;

#endif
