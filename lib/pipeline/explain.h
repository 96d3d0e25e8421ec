/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The analyses of the verb explain: what sets some observations apart from others. Each is one const struct in a file of its own, and a
 * line in wh_analyses; the verb finds groups and observations, an analysis says what is to be said of them.
 */
#ifndef WHORL_PIPELINE_EXPLAIN_H
#define WHORL_PIPELINE_EXPLAIN_H

#include "base/str.h"
#include "pipeline/amounts.h"
#include "pipeline/group.h"
#include "pipeline/standing.h"
#include "pipeline/traits.h"

struct wh_analysis;

struct wh_explaining {
	struct wh_call *call;
	const struct wh_analysis *analysis;
	struct wh_model model;
	struct wh_dataset data;
	struct wh_grouping grouping;
	/* Those that the analysis needs: */
	struct wh_traits traits;
	struct wh_amounts amounts, levels;
	struct wh_space space; /* without points; opened by wh_explain_prepare */
};

/* What is explained: records[n] against those of against[n_against], or, NULL, against all the rest. */
struct wh_sides {
	const uint32_t *records, *against;
	size_t n, n_against;
	size_t n_outside; /* who is compared with: n_against, or all the rest */
};

enum wh_analysis_needs {
	WH_NEEDS_TRAITS = 1,
	WH_NEEDS_AMOUNTS = 2, /* empty where the signal measures nothing */
	WH_NEEDS_LEVELS = 4,
	WH_NEEDS_SPACE = 8,   /* a method that can be asked about mutations, with groups */
	WH_NEEDS_SERIES = 16,
};

struct wh_analysis {
	const char *name;
	unsigned needs;
	bool of_one; /* it has something to say of one observation alone */
	/* Members of the open object: `features`, an array, and what belongs beside it. */
	int (*emit)(struct wh_explaining *, const struct wh_sides *, struct wh_emit *, struct wh_err *);
};

extern const struct wh_analysis wh_analysis_contrast, wh_analysis_presence, wh_analysis_absence, wh_analysis_average, wh_analysis_mutation,
	wh_analysis_onset;

/* The names of wh_analyses, for the option. */
#define WH_ANALYSES "contrast|presence|absence|average|mutation|onset"

/* The one that the call asks for. WH_E_USAGE: the signal or its method has not what it needs. */
int wh_explain_choose(struct wh_explaining *, struct wh_err *) WH_NODISCARD;
/* After data, model and groups are there: what the analysis needs. */
int wh_explain_prepare(struct wh_explaining *, struct wh_err *) WH_NODISCARD;
void wh_explain_release(struct wh_explaining *);
/* Of how many features the call wants to hear. */
size_t wh_explain_most(const struct wh_explaining *);

/*
 * The features that are worth more than a look: at most `most` names[], those that set records apart by how much they have of them (WH_NEEDS_AMOUNTS).
 * After these, where there are none or `all` are wanted, those that they have most of; all: then other features, by who has them
 * (WH_NEEDS_TRAITS). The names are the amounts' and the traits'. WH_E_NOMEM.
 */
int wh_explain_candidates(struct wh_explaining *, const struct wh_sides *, bool all, const char **names, size_t most, size_t *n,
			  struct wh_err *) WH_NODISCARD;

/* A feature with a trait's counts: name, kind, score, effect, p_value, inside, outside and the sentence, an object of an array. */
void wh_explain_trait(struct wh_explaining *, const struct wh_contrast_feature *, const char *sentence, struct wh_emit *);

/* What a contrast of measures says of one, into an object that is open: name, kind, score, effect, p_value, inside, outside and both means. */
void wh_explain_emit_measure(struct wh_emit *, const char *name, const char *kind, const struct wh_contrast_measure *);

/* Groups and observations of the verb: all groups, largest first; what the call's operands name in a store. */
int wh_explain_groups(struct wh_explaining *, struct wh_emit *, struct wh_err *) WH_NODISCARD;
int wh_explain_one(struct wh_explaining *, size_t record, struct wh_emit *, struct wh_err *) WH_NODISCARD;
int wh_explain_pair(struct wh_explaining *, const struct wh_record *a, const struct wh_record *b, struct wh_emit *, struct wh_err *) WH_NODISCARD;
/* records[n] of one group of the store; against: another group's, or NULL. */
int wh_explain_stored(struct wh_explaining *, const char *id, const char *against, struct wh_emit *, struct wh_err *) WH_NODISCARD;

#endif
