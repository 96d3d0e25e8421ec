/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A survey fills a report (lib/report/report.h) from a dataset and its groups: first what every group can be asked, then, for the groups
 * that someone wants to look into, what costs more.
 *
 * Suspects (after WER, SOSP 2009, and ReBucket, ICSE 2012, both of which judge a bucketing by them):
 *   one-hit wonder  a group of one observation
 *   second bucket   a group whose nearest larger group has similarity >= (1 - d) / 2, representative to representative: beyond the cut, but
 *                   nearer than halfway to nothing in common. Groups with members that people hold apart are no suspects of each other.
 *                   Only the WH_SURVEY_LARGER largest groups are asked. A group that is both is called a second bucket.
 */
#ifndef WHORL_PIPELINE_SURVEY_H
#define WHORL_PIPELINE_SURVEY_H

#include "base/map.h"
#include "pipeline/amounts.h"
#include "pipeline/group.h"
#include "pipeline/notes.h"
#include "pipeline/traits.h"
#include "report/report.h"

enum { WH_SURVEY_LARGER = 4096 };

struct wh_store;

/* What is surveyed: filled by the caller, who keeps it alive until wh_survey_close. */
struct wh_surveyed {
	const struct wh_call *call;
	struct wh_model *model; /* its weights are frozen by the survey */
	const struct wh_dataset *data;
	const uint32_t *group; /* per record; WH_NO_GROUP: in none */
	const char *const *ids; /* n_groups */
	size_t n_groups;
	const struct wh_constraints *constraints; /* or NULL */
	const struct wh_notes *notes;             /* or NULL */
	struct wh_store *store; /* where bodies are that the dataset has not; NULL: nowhere */
	int64_t since_ns;       /* WH_REPORT_NO_TIME: not asked */
	const struct wh_location *location; /* per point, for what is of no known kind; NULL: not known */
};
#define WH_NO_GROUP UINT32_MAX

struct wh_survey {
	struct wh_surveyed of;
	struct wh_report *report;
	struct wh_space space, heads; /* of all points; of the representatives, by group */
	uint32_t *start, *member;     /* records of group g: member[start[g]] … member[start[g + 1] - 1], by time */
	uint32_t *head;               /* per group: the representative, a point */
	struct wh_map apart;          /* pairs of groups that people hold apart */
	struct wh_traits traits;
	struct wh_amounts amounts;
	bool counted; /* traits and amounts are there */
	void *scratch;
};

/* Fills report (initialised by the caller, who releases it) but for details and lists. wh_survey_close after success and failure. */
int wh_survey_open(struct wh_survey *, const struct wh_surveyed *, struct wh_report *, struct wh_err *) WH_NODISCARD;
/* Adds the details of a group, once. */
int wh_survey_detail(struct wh_survey *, uint32_t group, struct wh_err *) WH_NODISCARD;
/* Adds the dendrogram over the largest groups. */
int wh_survey_tree(struct wh_survey *, struct wh_err *) WH_NODISCARD;
/* Add the map of all observations, and the indices over the number of groups, where the method gives points a place and they are not too
 * many. WH_E_NOMEM, WH_E_CANCELLED, WH_E_USAGE (places that are not finite). */
int wh_survey_map(struct wh_survey *, struct wh_err *) WH_NODISCARD;
int wh_survey_choice(struct wh_survey *, struct wh_err *) WH_NODISCARD;
/* *svg: the series of the observation in the middle of the group, those named guilty[n], worst first, on top, and when `first` (or NULL) began to rise;
 * NULL: it has none. */
int wh_survey_exemplar(struct wh_survey *, uint32_t group, const char *const *guilty, size_t n, const char *first, const char **svg,
		       struct wh_err *) WH_NODISCARD;
void wh_survey_close(struct wh_survey *);

#endif
