/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What observations have: the features of their fingerprints and the values of their attributes, counted over a dataset, and what of
 * it sets some observations apart from the rest (lib/learn/contrast.h).
 */
#ifndef WHORL_PIPELINE_TRAITS_H
#define WHORL_PIPELINE_TRAITS_H

#include "base/str.h"
#include "base/strtab.h"
#include "learn/contrast.h"
#include "pipeline/dataset.h"

struct wh_traits {
	const struct wh_dataset *data;
	struct wh_strtab names;         /* "frame\tname" or "version\tvalue" */
	struct WH_VEC(uint32_t) found;  /* traits of the record at hand, each once */
	struct WH_VEC(uint32_t) total;  /* per trait: records that have it */
	struct WH_VEC(uint32_t) inside; /* per trait: those of the group at hand; 0 between calls */
	struct WH_VEC(uint32_t) stamp;  /* per trait: the round that touched it last */
	struct WH_VEC(struct wh_contrast_feature) contrast;
	struct wh_str key;
	uint32_t round;
};

/* Counts every record of data, which must outlive the traits. */
int wh_traits_count(struct wh_traits *, const struct wh_dataset *data, struct wh_err *) WH_NODISCARD;
void wh_traits_release(struct wh_traits *);

/* Traits of records[n] against others of the dataset, into t->contrast, in falling order of their scores. against: the others,
 * n_against of them, none in records; NULL: all the rest. */
int wh_traits_contrast(struct wh_traits *, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against,
		       struct wh_err *) WH_NODISCARD;

/* The same of what observations lack, of features alone: those that some of records have not; `inside` and `outside` are how many have not. */
int wh_traits_contrast_lack(struct wh_traits *, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against,
			    struct wh_err *) WH_NODISCARD;

/* Whether it is a feature, no attribute. */
bool wh_trait_is_feature(const struct wh_traits *, uint32_t trait);

/* The two halves of a trait's name: *what is the feature noun or the attribute (n_what bytes), the result its value. */
const char *wh_trait_name(const struct wh_traits *, uint32_t trait, const char **what, size_t *n_what);

#endif
