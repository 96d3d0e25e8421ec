/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate: set the cut on unlabelled observations, and keep it with the weights they give. */
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "pipeline/calibrate.h"
#include "pipeline/fit.h"
#include "pipeline/recalibrate.h"
#include "pipeline/standing.h"
#include "pipeline/verbs.h"
#include "pipeline/where.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "output", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "where the calibrated model goes; -o for short" },
	{ .name = "since", .type = WH_PARAM_STRING, .metavar = "TIME",
	  .help = "only observations from then on: 2026-11-20, 2026-11-20T10:00:00Z, or 24h: from so long ago" },
	WH_OPTION_LEAST,
	{ 0 },
};

static int calibrate(struct wh_call *call, struct wh_model *model, const struct wh_dataset *data, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	struct wh_saturation s;
	const char *path = wh_values_string(&call->options, "output");
	double before = wh_values_real(&model->params, "d");
	wh_saturation(data, before, &s);
	WH_TRY(wh_calibrate_default(model, call, data, err));
	WH_TRY(wh_model_freeze(model, data, err));
	if (path)
		WH_TRY(wh_model_write(model, data, path, err));
	wh_emit_document(out, wh_verb_schema(call, "calibration", schema));
	wh_emit_integer(out, "observations", (int64_t)data->records.n);
	wh_emit_integer(out, "distinct", (int64_t)data->n_points);
	wh_emit_integer(out, "seen_once", (int64_t)s.once);
	wh_emit_real(out, "unseen", s.unseen);
	wh_emit_real(out, "default_d", before);
	wh_emit_real(out, "d", wh_values_real(&model->params, "d"));
	wh_model_emit(model, out);
	return wh_emit_close(out, err);
}

static int calibrate_on(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_model model;
	struct wh_dataset data = { 0 };
	WH_TRY(wh_model_open(&model, call, err));
	if (model.method->group) {
		int code = wh_recalibrate(call, &model, out, err);
		wh_model_release(&model);
		return code;
	}
	for (size_t i = 0; i < model.params.n && !wh_values_given(&call->params, "d"); i++)
		model.params.given[i] = false; /* the model's own d is what is calibrated */
	wh_str_clear(&model.state); /* weights come from these observations */
	int code = wh_dataset_load(&data, call, &model, WH_LOAD_STORE, err);
	if (code == WH_OK)
		code = wh_dataset_need(&data, err);
	if (code == WH_OK)
		code = calibrate(call, &model, &data, out, err);
	wh_dataset_release(&data);
	wh_model_release(&model);
	return code;
}

/* --since TIME is --where since=TIME, beside what --where says. */
static int ask_since(struct wh_values *input, const char *since, struct wh_err *err)
{
	const char *where = wh_values_string(input, "where");
	struct wh_str both = { 0 };
	int64_t time_ns;
	if (strchr(since, ',') || wh_where_time(since, wh_time_now(), &time_ns))
		return wh_err_set(err, WH_E_USAGE, "--since %s: not a time such as 2026-11-20, 2026-11-20T10:00:00Z or 24h", since);
	wh_str_printf(&both, "%s%ssince=%s", where ? where : "", where ? "," : "", since);
	int code = wh_str_check(&both, err);
	if (code == WH_OK)
		code = wh_values_set(input, "where", both.data, err);
	wh_str_release(&both);
	return code;
}

static int run(struct wh_call *whole, struct wh_emit *out, struct wh_err *err)
{
	const char *since = wh_values_string(&whole->options, "since");
	struct wh_call call = *whole;
	if (!since)
		return calibrate_on(whole, out, err);
	WH_TRY(wh_values_copy(&call.input, &whole->input, err));
	int code = ask_since(&call.input, since, err);
	if (code == WH_OK)
		code = calibrate_on(&call, out, err);
	wh_values_release(&call.input);
	return code;
}

const struct wh_verb wh_verb_calibrate = {
	.name = "calibrate",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "set cut, groups or thresholds on your own observations, without labels",
	.description =
		"Estimates from the observations how likely the next one has a fingerprint never seen (Good and Turing: the share of observations that\n"
		"are alone with theirs). Where that is under 10 %, as in fuzzing or CI of one build, a fingerprint that differs is evidence of another\n"
		"fault; where it is over 60 %, hardly anything has a twin and a weak likeness is chance: in both cases the cut d is tightened, down to\n"
		"3/5 of its default. In between the default stands. cluster does the same by itself when d is not given; calibrate keeps the result,\n"
		"together with the frequency weights of these observations, as a model.\n"
		"\n"
		"A method that places (sessions, say) keeps what it has learned of how to embed, and makes groups and thresholds anew from these\n"
		"observations; a group that continues an old one keeps its id, and the map of old groups to new ones is printed. Without INPUT\n"
		"works on the store and its model, and keeps the new one there: --since 24h, every night, say. Where the store has a model for each\n"
		"version (train --per), each that has enough observations is calibrated on its own, and those that have not are named. What it has learned\n"
		"of levels (gauges) ages: new kinds of them are told apart better after train (ARI .83 against .71 on half new kinds); of counts that\n"
		"grow nothing is learned that could.\n",
	.examples = "whorl NOUN calibrate -o model.whorl reports/\n"
		    "whorl NOUN calibrate -o new.whorl && whorl NOUN diff new.whorl\n"
		    "whorl NOUN calibrate --since 24h\n",
	.result = "calibration",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
