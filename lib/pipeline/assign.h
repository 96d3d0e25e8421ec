/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting observations into the groups that stand, one after the other. What is kept per group is bounded (WH_EXEMPLARS fingerprints, the
 * earliest different ones), and 16 bytes or so per different fingerprint, so neither memory nor the time of one observation grows
 * with the observations seen.
 *
 * Life: open, know* (every observation that is in a group, in any order), start, place*.
 *
 * An observation joins the group whose exemplars are nearest by the model's linkage (farthest, mean or nearest of them) among those with
 * similarity >= 1 - d; where none is, it opens a group. A fingerprint seen before goes where it went. Ties: the older group, that was made first. People's word
 * comes first: an observation held together with another goes to its group, one held apart from a member never joins.
 *
 * Under a method that places, an observation goes to the group that its model (wh_models_choose) puts it in, whether it is new there or not;
 * nothing is kept of the observations that are grouped but what people said of them.
 */
#ifndef WHORL_PIPELINE_ASSIGN_H
#define WHORL_PIPELINE_ASSIGN_H

#include "base/map.h"
#include "base/strtab.h"
#include "pipeline/standing.h"

enum { WH_EXEMPLARS = 8 };

struct wh_home {
	char id[WH_GROUP_ID];
	uint32_t exemplar[WH_EXEMPLARS]; /* points of the space; until start, numbers of faces, by time, then id */
	uint32_t n_exemplars;
};

/* A fingerprint that may become an exemplar, and the first observation that has it. */
struct wh_face {
	int64_t time_ns;
	char *id, *fingerprint;
	size_t size;
};

struct wh_offer {
	uint32_t home, count;
	double sum, least, most; /* of the similarities to its exemplars that are at least floor */
};

struct wh_assigner {
	struct wh_standing *standing;
	struct wh_space space;
	double floor;
	int linkage;
	struct WH_VEC(struct wh_home) homes; /* in the order in which the groups were made */
	struct WH_VEC(struct wh_face) faces; /* until start */
	struct WH_VEC(uint32_t) home_of; /* per point: its home */
	struct wh_strtab ids;            /* of groups: number == home */
	struct wh_strtab used;           /* ids of all groups that ever were */
	struct wh_map seen;              /* hash of a fingerprint -> home */
	void *scratch;
	struct WH_VEC(struct wh_offer) candidates;
	struct WH_VEC(uint32_t) candidate_of; /* per home: index into candidates + 1, 0 none */
};

struct wh_placed {
	uint32_t home;
	double similarity;
	struct wh_location location; /* under a method that places */
	struct wh_choice choice;     /* the same: of the model; none: it stays without a group, and home is UINT32_MAX */
	bool is_new;
	bool opens; /* the group was not there before */
};

/* Under the standing model, which has its weights. */
int wh_assigner_open(struct wh_assigner *, struct wh_standing *, struct wh_err *) WH_NODISCARD;
/* One that is in a group. Copies what it keeps. */
int wh_assigner_know(struct wh_assigner *, const struct wh_record *, struct wh_err *) WH_NODISCARD;
int wh_assigner_start(struct wh_assigner *, struct wh_err *) WH_NODISCARD;
void wh_assigner_close(struct wh_assigner *);

/* Places one record. bound: the home that people put it in, or UINT32_MAX; barred: homes it must not join. */
int wh_assigner_place(struct wh_assigner *, const struct wh_record *, uint32_t bound, const uint32_t *barred, size_t n_barred,
		      struct wh_placed *, struct wh_err *) WH_NODISCARD;

#endif
