/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contrast: all that sets a group apart, what it has more of first (lib/learn/contrast.h), how much of the group each of that is among the top of, and
 * which of it moved first.
 */
#include <stdlib.h>

#include "pipeline/explain.h"
#include "pipeline/precedence.h"

static double share_of(size_t n, size_t of)
{
	return of ? (double)n / (double)of : 0;
}

static void emit_measure(struct wh_explaining *x, const struct wh_sides *sides, const struct wh_contrast_measure *measure, const char *sentence,
			 struct wh_emit *out)
{
	wh_emit_object(out, NULL);
	wh_explain_emit_measure(out, wh_amount_name(&x->amounts, measure->measure), x->call->signal->measure_noun, measure);
	wh_emit_real(out, "top3", share_of(wh_amounts_among(&x->amounts, measure->measure, sides->records, sides->n, WH_AMOUNTS_TOPMOST), sides->n));
	wh_emit_real(out, "top10", share_of(wh_amounts_among(&x->amounts, measure->measure, sides->records, sides->n, WH_AMOUNTS_TOP), sides->n));
	wh_emit_string(out, "sentence", sentence);
	wh_emit_end(out);
}

/* How much they have of what the signal measures tells more than who has it: first. movers: room for `most`. Returns how many. */
static size_t emit_measures(struct wh_explaining *x, const struct wh_sides *sides, size_t most, struct wh_str *sentence, struct wh_mover *movers,
			    struct wh_emit *out)
{
	size_t listed = 0;
	for (size_t i = 0; i < x->amounts.contrast.n && listed < most; i++) {
		const struct wh_contrast_measure *measure = &x->amounts.contrast.data[i];
		const char *name = wh_amount_name(&x->amounts, measure->measure);
		if (measure->effect <= 0 || measure->score <= 0)
			continue;
		movers[listed++].name = name;
		wh_str_clear(sentence);
		wh_contrast_measure_sentence(sentence, measure, x->call->signal->measure_noun, name, sides->n, sides->n_outside);
		emit_measure(x, sides, measure, sentence->data, out);
	}
	return listed;
}

static void emit_traits(struct wh_explaining *x, const struct wh_sides *sides, size_t most, struct wh_str *sentence, struct wh_emit *out)
{
	struct wh_str kind = { 0 };
	for (size_t i = 0, listed = 0; i < x->traits.contrast.n && listed < most; i++) {
		const struct wh_contrast_feature *feature = &x->traits.contrast.data[i];
		const char *what;
		size_t n_what;
		const char *name = wh_trait_name(&x->traits, feature->feature, &what, &n_what);
		if (feature->effect <= 0)
			continue;
		listed++;
		wh_str_clear(&kind);
		wh_str_add(&kind, what, n_what);
		wh_str_clear(sentence);
		wh_contrast_sentence(sentence, feature, kind.data, name, "observations", sides->n, sides->n_outside);
		wh_explain_trait(x, feature, sentence->data, out);
	}
	sentence->failed |= kind.failed;
	wh_str_release(&kind);
}

static int emit_first(struct wh_explaining *x, const struct wh_sides *sides, struct wh_mover *movers, size_t n, struct wh_str *sentence, struct wh_emit *out,
		      struct wh_err *err)
{
	size_t asked;
	if (!n || !x->call->signal->series)
		return WH_OK;
	WH_TRY(wh_precede(&x->data, sides->records, sides->n, x->call->host, movers, n, &asked, err));
	if (!movers[0].of.rose)
		return WH_OK;
	wh_str_clear(sentence);
	wh_mover_sentence(sentence, &movers[0], &movers[0], asked);
	wh_emit_object(out, "moved_first");
	wh_emit_string(out, "name", movers[0].name);
	wh_emit_integer(out, "asked", (int64_t)asked);
	wh_emit_integer(out, "rose", (int64_t)movers[0].of.rose);
	wh_emit_integer(out, "first", (int64_t)movers[0].of.first);
	wh_emit_real(out, "before_end", movers[0].of.median);
	wh_emit_string(out, "sentence", sentence->data);
	wh_emit_end(out);
	return WH_OK;
}

static int emit(struct wh_explaining *x, const struct wh_sides *sides, struct wh_emit *out, struct wh_err *err)
{
	const size_t most = wh_explain_most(x);
	WH_TRY(wh_traits_contrast(&x->traits, sides->records, sides->n, sides->against, sides->n_against, err));
	WH_TRY(wh_amounts_contrast(&x->amounts, sides->records, sides->n, sides->against, sides->n_against, err));
	struct wh_str sentence = { 0 };
	struct wh_mover *movers = calloc((most < x->amounts.contrast.n ? most : x->amounts.contrast.n) + 1, sizeof *movers);
	if (!movers)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_emit_array(out, "features");
	size_t n = emit_measures(x, sides, most, &sentence, movers, out);
	emit_traits(x, sides, most - n, &sentence, out);
	wh_emit_end(out);
	int code = emit_first(x, sides, movers, n, &sentence, out, err);
	if (code == WH_OK && sentence.failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_str_release(&sentence);
	free(movers);
	return code;
}

const struct wh_analysis wh_analysis_contrast = { "contrast", WH_NEEDS_TRAITS | WH_NEEDS_AMOUNTS, false, emit };
