/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting observations into the groups that stand, one after the other. What is kept per group is bounded (WH_EXEMPLARS fingerprints),
 * so memory and the time of one observation do not grow with the observations seen, only with the groups.
 *
 * An observation joins the group whose exemplars are nearest by the model's linkage (farthest, mean or nearest of them) among those with
 * similarity >= 1 - d; where none is, it opens a group. A fingerprint seen before goes where it went. Ties: the older group. People's word
 * comes first: an observation held together with another goes to its group, one held apart from a member never joins.
 */
#ifndef WHORL_PIPELINE_ASSIGN_H
#define WHORL_PIPELINE_ASSIGN_H

#include "base/map.h"
#include "base/strtab.h"
#include "pipeline/standing.h"

enum { WH_EXEMPLARS = 8 };

struct wh_home {
	char id[WH_GROUP_ID];
	uint32_t exemplar[WH_EXEMPLARS]; /* points of the space */
	uint32_t n_exemplars;
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
	struct WH_VEC(struct wh_home) homes;
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
	bool is_new;
};

/* From the grouped records of data; weights: the model's, else (a store without groups) those of all its records. */
int wh_assigner_open(struct wh_assigner *, struct wh_standing *, const struct wh_dataset *data, struct wh_err *) WH_NODISCARD;
void wh_assigner_close(struct wh_assigner *);

/* Places one record. bound: the home that people put it in, or UINT32_MAX; barred: homes it must not join. */
int wh_assigner_place(struct wh_assigner *, const struct wh_record *, uint32_t bound, const uint32_t *barred, size_t n_barred,
		      struct wh_placed *, struct wh_err *) WH_NODISCARD;

#endif
