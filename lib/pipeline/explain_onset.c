/* SPDX-License-Identifier: Apache-2.0 */
/* Onset: of what a group has most of, beside others, which began to rise first (precedence.h). Order is no cause. */
#include <stdlib.h>

#include "pipeline/explain.h"
#include "pipeline/precedence.h"

static void emit_mover(const struct wh_mover *mover, const struct wh_mover *first, size_t asked, const char *sentence, struct wh_emit *out)
{
	const struct wh_precedence *of = &mover->of;
	wh_emit_object(out, NULL);
	wh_emit_string(out, "name", mover->name);
	wh_emit_string(out, "kind", "onset");
	wh_emit_real(out, "score", (double)of->first / (double)asked);
	wh_emit_integer(out, "asked", (int64_t)asked);
	wh_emit_integer(out, "rose", (int64_t)of->rose);
	wh_emit_integer(out, "first", (int64_t)of->first);
	wh_emit_real(out, "rank", of->rank);
	wh_emit_real(out, "before_end", of->median);
	wh_emit_real(out, "before_end_lower", of->lower);
	wh_emit_real(out, "before_end_upper", of->upper);
	if (mover != first && mover->correlation == mover->correlation) {
		wh_emit_integer(out, "lag", mover->lag);
		wh_emit_real(out, "correlation", mover->correlation);
	}
	wh_emit_string(out, "sentence", sentence);
	wh_emit_end(out);
}

static int emit(struct wh_explaining *x, const struct wh_sides *sides, struct wh_emit *out, struct wh_err *err)
{
	const size_t most = wh_explain_most(x) < x->amounts.of.n ? wh_explain_most(x) : x->amounts.of.n;
	const char **names = malloc((most + 1) * sizeof *names);
	struct wh_mover *movers = calloc(most + 1, sizeof *movers);
	struct wh_str sentence = { 0 };
	size_t n = 0, asked = 0;
	int code = names && movers ? wh_explain_candidates(x, sides, false, names, most, &n, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t k = 0; code == WH_OK && k < n; k++)
		movers[k].name = names[k];
	if (code == WH_OK)
		code = wh_precede(&x->data, sides->records, sides->n, x->call->host, movers, n, &asked, err);
	wh_emit_array(out, "features");
	for (size_t k = 0; code == WH_OK && k < n && movers[k].of.rose; k++) {
		wh_str_clear(&sentence);
		wh_mover_sentence(&sentence, &movers[k], &movers[0], asked);
		emit_mover(&movers[k], &movers[0], asked, sentence.data, out);
	}
	wh_emit_end(out);
	if (code == WH_OK && sentence.failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_str_release(&sentence);
	free(movers);
	free(names);
	return code;
}

const struct wh_analysis wh_analysis_onset = { "onset", WH_NEEDS_AMOUNTS | WH_NEEDS_SERIES, true, emit };
