/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sets a group apart from the rest: for every feature, a 2x2 table (in the group or not, has the feature or not), its effect
 * size and a p-value corrected for the number of features asked.
 *
 *   effect   phi of the shrunk table (add 1/2 to every cell): in [-1, 1], positive: more in the group
 *   p_value  two-sided Fisher exact test, Benjamini-Hochberg over all features of the call
 *   score    effect where p_value <= 0.05, else 0; features come in falling order of it, ties by name
 */
#ifndef WHORL_LEARN_CONTRAST_H
#define WHORL_LEARN_CONTRAST_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

struct wh_contrast_feature {
	uint32_t feature; /* the caller's number */
	size_t inside, outside; /* of the group's n_inside / the rest's n_outside observations, how many have it */
	double effect, p_value, score;
};

/*
 * features[n]: `feature`, `inside`, `outside` are given, the rest is filled in and the array sorted. name(user, feature) breaks
 * ties, then the number. n_inside + n_outside up to 2^31; a feature costs some ten microseconds.
 * Errors: WH_E_NOMEM, WH_E_LIMIT (too many), WH_E_USAGE (more observations have a feature than there are).
 */
int wh_contrast(struct wh_contrast_feature *features, size_t n, size_t n_inside, size_t n_outside,
		const char *(*name)(void *user, uint32_t feature), void *user, struct wh_err *) WH_NODISCARD;

/*
 * Two-sided Fisher exact test of the table {{a, b}, {c, d}}: the probability of all tables with these margins that are no more
 * probable than this one (to within 1e-7 of it, so that equal ones count as equal). As scipy.stats.fisher_exact. Both tails are
 * summed from their near end and only while terms count, a few standard deviations: exact for any size, no approximation is needed.
 */
double wh_fisher_exact(size_t a, size_t b, size_t c, size_t d);

/* Adjusts p-values in place (Benjamini and Hochberg 1995). Errors: WH_E_NOMEM. */
int wh_adjust_bh(double *p, size_t n, struct wh_err *) WH_NODISCARD;

/* How much of something an observation has; those that have nothing of it are not listed. */
struct wh_amount {
	uint32_t observation;
	float value; /* above 0; of levels any */
};

/*
 * What sets a group apart in how much it has of something (a metric's share of the growth):
 *
 *   effect   Cliff's delta: the chance that one of the group has more than one of the rest, less the chance that it has less; [-1, 1]
 *   p_value  two-sided Mann-Whitney U test, normal approximation with ties and continuity corrected (as scipy's asymptotic method),
 *            Benjamini-Hochberg over all measures of the call
 *   score    how much more the group has, mean over all its observations less mean over the rest, times the effect, times
 *            (1 + share of the group that has any - share of the rest that has any) / 2: of things that come in equal amounts, the one that
 *            others do without. 0 where p_value > 0.05. Measures come in falling order of it, ties by name
 *
 * Why no t: a thing of which every member has a tiny, steady amount would come before what the group is about.
 */
struct wh_contrast_measure {
	uint32_t measure; /* the caller's number */
	const struct wh_amount *amounts; /* n, ascending (wh_amounts_sort) */
	size_t n;
	size_t inside, outside; /* how many observations of each side have any of it */
	double mean_inside, mean_outside; /* over all observations of the side */
	double effect, p_value, score;
};

/* By value, then observation. */
void wh_amounts_sort(struct wh_amount *, size_t n);

enum wh_side { WH_SIDE_NONE, WH_SIDE_INSIDE, WH_SIDE_OUTSIDE };

/* measures[n]: `measure`, `amounts` and `n` are given, the rest is filled in and the array sorted. side[observation], an enum wh_side;
 * n_inside and n_outside of them. Errors: WH_E_NOMEM. */
int wh_contrast_measures(struct wh_contrast_measure *measures, size_t n, const uint8_t *side, size_t n_inside, size_t n_outside,
			 const char *(*name)(void *user, uint32_t measure), void *user, struct wh_err *) WH_NODISCARD;

/*
 * The same of what things are like where there are any (a metric's average value): `value` of any sign, and only observations that have one
 * are compared.
 *
 *   mean_inside, mean_outside   over those of the side that have it, 0 where none does
 *   effect, p_value             of these
 *   score    (mean_inside - mean_outside) / (|mean_inside| + |mean_outside|), which orders means above 0 as their ratio does (average value: Yao,
 *            Dyer, Gousios 2022, sec. 4.3). 0 of what less than the share `least` of the group has, and of what the rest has not at all: there is
 *            nothing to compare with. Ties: what more of the group has, then by name
 */
int wh_contrast_levels(struct wh_contrast_measure *measures, size_t n, const uint8_t *side, size_t n_inside, double least,
		       const char *(*name)(void *user, uint32_t measure), void *user, struct wh_err *) WH_NODISCARD;

struct wh_str;
/* `app.Entry: share of the growth 41 % (in 35 of 35), in the others 2 % (in 3 of 387)`. */
void wh_contrast_measure_sentence(struct wh_str *, const struct wh_contrast_measure *, const char *what, const char *name, size_t n_inside,
				  size_t n_outside);

/* `app.Entry: on average 812 (in 35 of 35), in the others 90 (in 3 of 387)`. */
void wh_contrast_level_sentence(struct wh_str *, const struct wh_contrast_measure *, const char *name, size_t n_inside, size_t n_outside);

/* One plain sentence: `frame g_hash_table_lookup: in 93 % of the 41 reports of this group, in 2 % of the others`.
 * `0 %` and `100 %` mean none and all; without others, or in a group of one, the sentence says so in words. what: "frame" or the
 * attribute's name; unit: "reports". */
void wh_contrast_sentence(struct wh_str *, const struct wh_contrast_feature *, const char *what, const char *name,
			  const char *unit, size_t n_inside, size_t n_outside);

#endif
