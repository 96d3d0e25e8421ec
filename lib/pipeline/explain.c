/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/explain.h"

#include <stdlib.h>
#include <string.h>

static const struct wh_analysis *const analyses[] = {
	&wh_analysis_contrast, &wh_analysis_presence, &wh_analysis_absence, &wh_analysis_average, &wh_analysis_mutation, &wh_analysis_onset, NULL,
};

int wh_explain_choose(struct wh_explaining *x, struct wh_err *err)
{
	const char *name = wh_values_string(&x->call->options, "analysis");
	const struct wh_signal *signal = x->call->signal;
	size_t i = 0;
	while (strcmp(analyses[i]->name, name) != 0) /* a choice of the option: it is there */
		i++;
	x->analysis = analyses[i];
	if (x->analysis->needs & WH_NEEDS_LEVELS && !signal->levels)
		return wh_err_set(err, WH_E_USAGE, "--analysis %s: %ss have no %ss with values", name, signal->noun, signal->feature_noun);
	if (x->analysis->needs & WH_NEEDS_SERIES && !signal->series)
		return wh_err_set(err, WH_E_USAGE, "--analysis %s: %ss do not run over time", name, signal->noun);
	if (x->analysis->needs & WH_NEEDS_SPACE && !x->call->method->mutate)
		return wh_err_set(err, WH_E_USAGE, "--analysis %s: a %s that only compares %ss cannot be asked", name, signal->method_noun, signal->noun);
	return WH_OK;
}

int wh_explain_prepare(struct wh_explaining *x, struct wh_err *err)
{
	const unsigned needs = x->analysis->needs;
	if (needs & WH_NEEDS_TRAITS)
		WH_TRY(wh_traits_count(&x->traits, &x->data, err));
	if (needs & WH_NEEDS_AMOUNTS)
		WH_TRY(wh_amounts_read(&x->amounts, WH_AMOUNTS_MEASURES, &x->data, err));
	if (needs & WH_NEEDS_LEVELS)
		WH_TRY(wh_amounts_read(&x->levels, WH_AMOUNTS_LEVELS, &x->data, err));
	if (needs & WH_NEEDS_SPACE) {
		if (!x->model.method->mutate || !x->model.state.n)
			return wh_err_set(err, WH_E_USAGE, "--analysis %s: there is no model with groups to be asked", x->analysis->name);
		WH_TRY(wh_space_open(&x->space, &x->model, NULL, 0, err));
	}
	return WH_OK;
}

void wh_explain_release(struct wh_explaining *x)
{
	wh_space_close(&x->space);
	wh_grouping_release(&x->grouping);
	wh_dataset_release(&x->data);
	wh_traits_release(&x->traits);
	wh_amounts_release(&x->amounts);
	wh_amounts_release(&x->levels);
	wh_model_release(&x->model);
}

void wh_explain_emit_measure(struct wh_emit *out, const char *name, const char *kind, const struct wh_contrast_measure *measure)
{
	wh_emit_string(out, "name", name);
	wh_emit_string(out, "kind", kind);
	wh_emit_real(out, "score", measure->score);
	wh_emit_real(out, "effect", measure->effect);
	wh_emit_real(out, "p_value", measure->p_value);
	wh_emit_integer(out, "inside", (int64_t)measure->inside);
	wh_emit_integer(out, "outside", (int64_t)measure->outside);
	wh_emit_real(out, "mean_inside", measure->mean_inside);
	wh_emit_real(out, "mean_outside", measure->mean_outside);
}

size_t wh_explain_most(const struct wh_explaining *x)
{
	return (size_t)wh_values_int(&x->call->options, "features");
}

/* ---- which features to ask about ---- */

static bool tells(const struct wh_contrast_measure *m)
{
	return m->effect > 0 && m->score > 0;
}

/* Those that set apart as they come; of the others, which may do so by chance, those of which there is most. */
static int telling_first(const void *a, const void *b, void *user)
{
	const struct wh_contrast_measure *x = a, *y = b;
	if (tells(x) != tells(y))
		return tells(x) ? -1 : 1;
	if (tells(x) && x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (!tells(x) && x->mean_inside != y->mean_inside)
		return x->mean_inside > y->mean_inside ? -1 : 1;
	return strcmp(wh_amount_name(user, x->measure), wh_amount_name(user, y->measure));
}

static bool is_among(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

int wh_explain_candidates(struct wh_explaining *x, const struct wh_sides *sides, bool all, const char **names, size_t most, size_t *n,
			  struct wh_err *err)
{
	struct wh_amounts *amounts = &x->amounts;
	*n = 0;
	WH_TRY(wh_amounts_contrast(amounts, sides->records, sides->n, sides->against, sides->n_against, err));
	if (amounts->contrast.n)
		qsort_r(amounts->contrast.data, amounts->contrast.n, sizeof *amounts->contrast.data, telling_first, amounts);
	const bool some_tell = amounts->contrast.n && tells(&amounts->contrast.data[0]);
	for (size_t i = 0; i < amounts->contrast.n && *n < most && (all || !some_tell || tells(&amounts->contrast.data[i])); i++)
		names[(*n)++] = wh_amount_name(amounts, amounts->contrast.data[i].measure);
	if (!all)
		return WH_OK;
	WH_TRY(wh_traits_contrast(&x->traits, sides->records, sides->n, sides->against, sides->n_against, err));
	const size_t measured = *n;
	for (size_t i = 0; i < x->traits.contrast.n && *n < most; i++) {
		const uint32_t trait = x->traits.contrast.data[i].feature;
		const char *what;
		size_t n_what;
		const char *name = wh_trait_name(&x->traits, trait, &what, &n_what);
		if (wh_trait_is_feature(&x->traits, trait) && !is_among(names, measured, name))
			names[(*n)++] = name;
	}
	return WH_OK;
}

/* ---- what several of them print ---- */

void wh_explain_trait(struct wh_explaining *x, const struct wh_contrast_feature *feature, const char *sentence, struct wh_emit *out)
{
	const char *what;
	size_t n_what;
	const char *name = wh_trait_name(&x->traits, feature->feature, &what, &n_what);
	wh_emit_object(out, NULL);
	wh_emit_string(out, "name", name);
	wh_emit_bytes(out, "kind", what, n_what);
	wh_emit_real(out, "score", feature->score);
	wh_emit_real(out, "effect", feature->effect);
	wh_emit_real(out, "p_value", feature->p_value);
	wh_emit_integer(out, "inside", (int64_t)feature->inside);
	wh_emit_integer(out, "outside", (int64_t)feature->outside);
	wh_emit_string(out, "sentence", sentence);
	wh_emit_end(out);
}
