/* SPDX-License-Identifier: Apache-2.0 */
/* assign: put new observations into the groups of a store, or of a model that has groups, one after the other. */
#include <stdlib.h>
#include <time.h>

#include "pipeline/grouped.h"
#include "pipeline/load.h"
#include "pipeline/place.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "dry-run", .type = WH_PARAM_FLAG, .help = "say where they would go, write no group" },
	{ .name = "timing", .type = WH_PARAM_FLAG, .help = "report the median and the 99th percentile of the time of one observation" },
	{ 0 },
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void say_timing(const struct wh_call *call, double *seconds, size_t n, size_t groups)
{
	if (!n || !wh_values_flag(&call->options, "timing"))
		return;
	qsort(seconds, n, sizeof *seconds, by_value);
	wh_host_log(call->host, WH_INFO, "timing: %zu observations against %zu groups: median %.1f us, 99 %% %.1f us, most %.1f us", n, groups,
		    1e6 * seconds[n / 2], 1e6 * seconds[n * 99 / 100], 1e6 * seconds[n - 1]);
}

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- groups of a store ---- */

struct assigning {
	struct wh_call *call;
	struct wh_emit *out;
	const struct wh_models *models;
};

static int take(void *user, const struct wh_placement *placed, struct wh_err *err)
{
	struct assigning *s = user;
	struct wh_grouped grouped = { placed->record->id, placed->group, placed->similarity, placed->location, placed->is_new, s->models, placed->choice };
	s->call->found |= placed->is_new;
	return wh_grouped_emit(&grouped, s->out, err);
}

static int assign_store(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_standing standing;
	struct assigning s = { call, out, &standing.models };
	struct wh_placing placing = { .dry = wh_values_flag(&call->options, "dry-run"), .take = take, .user = &s };
	struct wh_imported imported;
	char schema[WH_SCHEMA];
	WH_TRY(wh_standing_open(&standing, call, WH_STORE_CREATE, err));
	int code = call->n_operands ? wh_standing_import(&standing, &imported, err) : WH_OK;
	wh_emit_records(out, wh_verb_schema(call, "grouping", schema), wh_grouped_columns(standing.model.method));
	if (code == WH_OK)
		code = wh_place_all(&placing, &standing, err);
	if (code == WH_OK) {
		say_timing(call, placing.seconds.data, placing.seconds.n, placing.groups);
		wh_place_say(&placing, &standing);
		code = wh_emit_close(out, err);
	}
	wh_place_release(&placing);
	wh_standing_close(&standing);
	return code;
}

/* ---- groups of a model ---- */

struct locating {
	struct wh_call *call;
	const struct wh_model *model;
	struct wh_space space;
	struct wh_emit *out;
	struct WH_VEC(double) seconds;
};

static int locate(struct locating *l, const struct wh_record *record, struct wh_err *err)
{
	struct wh_location location;
	double start = seconds_now();
	WH_TRY(wh_space_locate_one(&l->space, l->model, record->fingerprint, &location, err));
	if (wh_vec_push(&l->seconds, seconds_now() - start))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_grouped grouped = { record->id, l->model->groups.data[location.group].id, 0, &location, location.is_new, NULL, { 0 } };
	l->call->found |= location.is_new;
	return wh_grouped_emit(&grouped, l->out, err);
}

static int locate_batch(void *user, struct wh_batch *batch, struct wh_err *err)
{
	struct locating *l = user;
	for (size_t i = 0; i < batch->records.n; i++)
		WH_TRY(locate(l, &batch->records.data[i], err));
	wh_emit_flush(l->out);
	return WH_OK;
}

/* One after the other, in the order of the input; nothing is kept of them. */
static int assign_files(struct wh_call *call, const struct wh_model *model, struct wh_emit *out, struct wh_err *err)
{
	struct locating l = { .call = call, .model = model, .out = out };
	struct wh_load load = { .call = call, .config = model->config, .settings = &model->settings, .paths = call->operands,
				.n_paths = call->n_operands, .take = locate_batch, .user = &l };
	char schema[WH_SCHEMA];
	if (!model->groups.n)
		return wh_err_set(err, WH_E_USAGE, "the model has no groups: make one with train");
	WH_TRY(wh_space_open(&l.space, model, NULL, 0, err));
	wh_emit_records(out, wh_verb_schema(call, "grouping", schema), wh_grouped_columns(model->method));
	int code = wh_load(&load, err);
	if (code == WH_OK && !l.seconds.n)
		code = wh_err_set(err, WH_E_NOTFOUND, "no observation could be read");
	if (code == WH_OK) {
		say_timing(call, l.seconds.data, l.seconds.n, model->groups.n);
		code = wh_emit_close(out, err);
	}
	wh_vec_release(&l.seconds);
	wh_space_close(&l.space);
	return code;
}

/* ---- the verb ---- */

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_model model;
	if (call->store_given || !call->n_operands || !wh_values_string(&call->options, "model"))
		return assign_store(call, out, err);
	WH_TRY(wh_model_open(&model, call, err));
	int code = model.method->group ? assign_files(call, &model, out, err) : assign_store(call, out, err);
	wh_model_release(&model);
	return code;
}

const struct wh_verb wh_verb_assign = {
	.name = "assign",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "put new observations into the groups of the store",
	.description =
		"Imports INPUT, then puts every observation of the store that has no group yet into one: by time, then id, each either joins the\n"
		"group that is nearest under the store's model, or opens one. Groups and their ids never change by it. What people said is obeyed.\n"
		"\n"
		"The first call on a store keeps the model in force (--model, else the shipped default with weights from what is there); later\n"
		"calls use it until cluster groups the store under another one. Its weights are those of the observations of then; when much has\n"
		"changed since, a release say, renew them: calibrate -o FILE, look at diff FILE, then cluster --model FILE.\n"
		"\n"
		"A method that places (sessions, say) has its groups in the model: with --model FILE and no --store, INPUT is put into those, one\n"
		"observation after the other, and no store is touched. An observation then goes to the nearest group even where it is new.\n"
		"\n"
		"In the result is_new marks observations that opened a group, or that are of no kind that the model knows. With --exit-code, exits with 3 when there was one.\n",
	.examples = "whorl NOUN assign new-reports/\n"
		    "whorl NOUN assign --exit-code --format tsv nightly/\n"
		    "whorl NOUN assign --model model.whorl nightly/\n",
	.result = "grouping",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD | WH_VERB_STORE,
	.options = options,
	.run = run,
};
