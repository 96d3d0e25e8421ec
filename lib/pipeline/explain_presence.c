/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presence, and lack of it: features alone, no attributes, by the score that KabOOM's Table 2 prints (sec. 4.3). With p of the group and o of the others
 * having it, or lacking it, 2p / (3p + o): what the column F1 holds, by its numbers; no F1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/explain.h"

static const double LEAST_PRESENT = 0.05; /* of the group: what one observation has alone would come first */

static double share_of(size_t n, size_t of)
{
	return of ? (double)n / (double)of : 0;
}

static int best_first(const void *a, const void *b, void *user)
{
	const struct wh_contrast_feature *x = a, *y = b;
	const char *what;
	size_t n_what;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->inside != y->inside)
		return x->inside > y->inside ? -1 : 1;
	return strcmp(wh_trait_name(user, x->feature, &what, &n_what), wh_trait_name(user, y->feature, &what, &n_what));
}

/* What few of the group have, or lack, has no score. */
static void rank(struct wh_explaining *x, const struct wh_sides *sides)
{
	for (size_t i = 0; i < x->traits.contrast.n; i++) {
		struct wh_contrast_feature *feature = &x->traits.contrast.data[i];
		double p = share_of(feature->inside, sides->n), o = share_of(feature->outside, sides->n_outside);
		bool counts = p >= LEAST_PRESENT && wh_trait_is_feature(&x->traits, feature->feature);
		feature->score = counts ? 2 * p / (3 * p + o) : 0;
		feature->effect = counts ? feature->effect : 0;
	}
	if (x->traits.contrast.n)
		qsort_r(x->traits.contrast.data, x->traits.contrast.n, sizeof *x->traits.contrast.data, best_first, &x->traits);
}

static int emit(struct wh_explaining *x, const struct wh_sides *sides, const char *kind, struct wh_emit *out, struct wh_err *err)
{
	const size_t most = wh_explain_most(x);
	struct wh_str sentence = { 0 };
	rank(x, sides);
	wh_emit_array(out, "features");
	for (size_t i = 0, listed = 0; i < x->traits.contrast.n && listed < most; i++) {
		const struct wh_contrast_feature *feature = &x->traits.contrast.data[i];
		const char *what;
		size_t n_what;
		if (feature->effect <= 0)
			continue;
		listed++;
		wh_str_clear(&sentence);
		wh_contrast_sentence(&sentence, feature, kind, wh_trait_name(&x->traits, feature->feature, &what, &n_what), "observations", sides->n,
				     sides->n_outside);
		wh_explain_trait(x, feature, sentence.data, out);
	}
	wh_emit_end(out);
	int code = sentence.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	wh_str_release(&sentence);
	return code;
}

static int emit_presence(struct wh_explaining *x, const struct wh_sides *sides, struct wh_emit *out, struct wh_err *err)
{
	WH_TRY(wh_traits_contrast(&x->traits, sides->records, sides->n, sides->against, sides->n_against, err));
	return emit(x, sides, x->call->signal->feature_noun, out, err);
}

static int emit_absence(struct wh_explaining *x, const struct wh_sides *sides, struct wh_emit *out, struct wh_err *err)
{
	char kind[64];
	snprintf(kind, sizeof kind, "lack of %s", x->call->signal->feature_noun);
	WH_TRY(wh_traits_contrast_lack(&x->traits, sides->records, sides->n, sides->against, sides->n_against, err));
	return emit(x, sides, kind, out, err);
}

const struct wh_analysis wh_analysis_presence = { "presence", WH_NEEDS_TRAITS, false, emit_presence };
const struct wh_analysis wh_analysis_absence = { "absence", WH_NEEDS_TRAITS, false, emit_absence };
