/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Average value (KabOOM sec. 4.3): the mean of a feature over the steps at which it is there, over the observations that have it, in the group and in
 * the others, by their ratio; what less than 5 % of the group has, or none of the others, does not count (lib/learn/contrast.h, wh_contrast_levels).
 */
#include "pipeline/explain.h"

static void emit_level(struct wh_explaining *x, const struct wh_contrast_measure *level, const char *sentence, struct wh_emit *out)
{
	wh_emit_object(out, NULL);
	wh_explain_emit_measure(out, wh_amount_name(&x->levels, level->measure), "average value", level);
	wh_emit_string(out, "sentence", sentence);
	wh_emit_end(out);
}

static int emit(struct wh_explaining *x, const struct wh_sides *sides, struct wh_emit *out, struct wh_err *err)
{
	const size_t most = wh_explain_most(x);
	struct wh_str sentence = { 0 };
	WH_TRY(wh_amounts_contrast(&x->levels, sides->records, sides->n, sides->against, sides->n_against, err));
	wh_emit_array(out, "features");
	for (size_t i = 0; i < x->levels.contrast.n && i < most && x->levels.contrast.data[i].score > 0; i++) {
		const struct wh_contrast_measure *level = &x->levels.contrast.data[i];
		wh_str_clear(&sentence);
		wh_contrast_level_sentence(&sentence, level, wh_amount_name(&x->levels, level->measure), sides->n, sides->n_outside);
		emit_level(x, level, sentence.data, out);
	}
	wh_emit_end(out);
	int code = sentence.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	wh_str_release(&sentence);
	return code;
}

const struct wh_analysis wh_analysis_average = { "average", WH_NEEDS_LEVELS, false, emit };
