/* SPDX-License-Identifier: Apache-2.0 */
/* drift: whether what comes is still what the model was made of. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "base/time.h"
#include "pipeline/emerging.h"
#include "pipeline/standing.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "every", .type = WH_PARAM_INT, .initial = "100", .lo = 1, .hi = 16384, .metavar = "N", .help = "so many observations are one window, in the order of time" },
	{ .name = "rate", .type = WH_PARAM_REAL, .initial = "0.01", .lo = 1e-12, .hi = 1, .metavar = "RATE",
	  .help = "share of false alarms among windows in which nothing has drifted" },
	{ 0 },
};

struct drifting {
	struct wh_call *call;
	struct wh_standing standing; /* opened where the store is used */
	struct wh_model model;       /* of a file, else */
	struct wh_models only;       /* that one */
	struct wh_models *models;
	struct wh_dataset data;
	struct wh_part *parts;
	size_t n_parts;
	struct wh_emit *out;
	double rate;
	size_t waiting; /* observations that there is no model for */
	/* of one part */
	const struct wh_part *part;
	struct wh_choice choice;
	struct wh_emerging emerging;
	size_t windows, drifted, last_run; /* last_run: windows in a row, up to the last one */
};

static void emit_time(struct wh_emit *out, const char *key, int64_t time_ns)
{
	if (time_ns != INT64_MAX)
		wh_emit_time(out, key, time_ns);
}

static int judge(struct drifting *d, size_t first, size_t end, struct wh_err *err)
{
	const struct wh_record *records = d->part->data.records.data;
	struct wh_emerging_window window;
	WH_TRY(wh_emerging_judge(&d->emerging, first, end, &window, err));
	bool drifts = window.p_value <= d->rate;
	d->windows++;
	d->drifted += drifts;
	d->last_run = drifts ? d->last_run + 1 : 0;
	wh_emit_object(d->out, NULL);
	emit_time(d->out, "from", records[d->emerging.order[first]].time_ns);
	emit_time(d->out, "to", records[d->emerging.order[end - 1]].time_ns);
	wh_emit_integer(d->out, "observations", (int64_t)window.n);
	wh_emit_integer(d->out, "new", (int64_t)window.n_new);
	wh_emit_real(d->out, "share", (double)window.n_new / (double)window.n);
	wh_emit_real(d->out, "p_value", window.p_value);
	wh_emit_boolean(d->out, "drifts", drifts);
	if (end == d->part->data.records.n)
		wh_emit_boolean(d->out, "retrain", drifts);
	int code = WH_OK;
	if (d->models->n_per) {
		wh_models_emit_values(d->models, d->part->values, d->out);
		code = wh_choice_emit(d->models, &d->choice, d->out, err);
	}
	wh_emit_end(d->out);
	d->call->found |= drifts;
	return code;
}

static void say(const struct drifting *d)
{
	double alarm = wh_values_real(&d->choice.held->model->params, "alarm");
	struct wh_str of = { 0 };
	if (d->models->n_per)
		wh_models_text(d->models, d->part->values, &of);
	if (of.n)
		wh_host_log(d->call->host, WH_INFO, "%s: under the model of %s", of.data, d->choice.of == WH_CHOICE_OWN ? "its own" : wh_choice_name(d->choice.of));
	wh_str_release(&of);
	wh_host_log(d->call->host, WH_INFO, "of what the model knows %.3g %% are called new all the same; more than that, beyond chance, in %zu of %zu windows",
		    100 * alarm, d->drifted, d->windows);
	if (d->last_run)
		wh_host_log(d->call->host, WH_INFO, "the last %zu of them: train again, or calibrate if the kinds are the same", d->last_run);
}

/* The windows of one part, in the order of time; the last one is what is left over. */
static int drift_part(struct drifting *d, const struct wh_part *part, struct wh_err *err)
{
	size_t every = (size_t)wh_values_int(&d->call->options, "every"), n = part->data.records.n;
	d->part = part;
	d->windows = d->drifted = d->last_run = 0;
	WH_TRY(wh_models_choose_part(d->models, part, &d->choice, err));
	if (!d->choice.held) {
		d->waiting += n;
		return WH_OK;
	}
	WH_TRY(wh_emerging_open(&d->emerging, d->choice.held->model, &part->data, err));
	for (size_t first = 0; first < n; first += every)
		WH_TRY(judge(d, first, first + every < n ? first + every : n, err));
	say(d);
	wh_emerging_close(&d->emerging);
	return WH_OK;
}

/* Of the store where that is used, else of --model: like wh_standing_model, but all that there are. */
static int open_models(struct drifting *d, struct wh_err *err)
{
	const struct wh_call *call = d->call;
	bool file = wh_values_string(&call->options, "model") || (call->n_operands && !call->store_given);
	if (!file) {
		d->models = &d->standing.models;
		return wh_standing_open(&d->standing, call, WH_STORE_READ, err);
	}
	d->models = &d->only;
	WH_TRY(wh_model_open(&d->model, call, err));
	return wh_models_only(&d->only, &d->model, call, err);
}

static int drift(struct drifting *d, struct wh_err *err)
{
	static const char *const columns[] = { "from", "to", "observations", "new", "share", "p_value", "drifts", NULL };
	char schema[WH_SCHEMA];
	WH_TRY(open_models(d, err));
	const struct wh_model *any = d->standing.store ? &d->standing.model : &d->model;
	WH_TRY(wh_dataset_load(&d->data, d->call, any, WH_LOAD_STORE | (d->models->n_per ? WH_LOAD_ATTRIBUTES : 0), err));
	WH_TRY(wh_dataset_need(&d->data, err));
	WH_TRY(wh_models_split(d->models, &d->data, &d->parts, &d->n_parts, err));
	wh_emit_records(d->out, wh_verb_schema(d->call, "drift", schema), columns);
	for (size_t i = 0; i < d->n_parts; i++)
		WH_TRY(drift_part(d, &d->parts[i], err));
	if (d->waiting)
		wh_host_log(d->call->host, WH_WARNING, "%zu observations are judged by nothing: there is no model for them yet (see train --per)", d->waiting);
	return wh_emit_close(d->out, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct drifting d = { .call = call, .out = out, .rate = wh_values_real(&call->options, "rate") };
	int code = drift(&d, err);
	wh_emerging_close(&d.emerging);
	wh_parts_release(d.parts, d.n_parts);
	wh_dataset_release(&d.data);
	wh_models_close(&d.only);
	wh_model_release(&d.model);
	wh_standing_close(&d.standing);
	return code;
}

const struct wh_verb wh_verb_drift = {
	.name = "drift",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "whether what comes is still what the model was made of",
	.description =
		"Puts observations under a model that places (sessions, say) and counts, window by window in the order of time, how many are new to\n"
		"it. Of what the model knows a share of --alarm (set when it was made) is called new all the same; where more are than chance\n"
		"explains, a new kind emerges or what comes has drifted. The p-value of a window is exact: it counts that all of its observations\n"
		"are held against the same ones that were held back. With --exit-code, exits with 3 where a window drifts.\n"
		"\n"
		"A model whose last windows drift wants to be made again: train; or calibrate, where the kinds are the same. The last window says so\n"
		"(retrain). Where the store has a model for each version (train --per), the observations of each are judged apart, each under the\n"
		"model that it goes by.\n",
	.examples = "whorl NOUN drift --model model.whorl this-week/\n"
		    "whorl NOUN drift --where version=2.1 --every 50\n",
	.result = "drift",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD | WH_VERB_PLACES,
	.options = options,
	.run = run,
};
