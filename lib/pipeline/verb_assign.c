/* SPDX-License-Identifier: Apache-2.0 */
/* assign: put new observations into the groups of a store, one after the other. */
#include <stdlib.h>

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

static void say_timing(const struct wh_call *call, struct wh_placing *s)
{
	size_t n = s->seconds.n;
	if (!n || !wh_values_flag(&call->options, "timing"))
		return;
	qsort(s->seconds.data, n, sizeof *s->seconds.data, by_value);
	wh_host_log(call->host, WH_INFO, "timing: %zu observations against %zu groups: median %.1f us, 99 %% %.1f us, most %.1f us", n,
		    s->groups, 1e6 * s->seconds.data[n / 2], 1e6 * s->seconds.data[n * 99 / 100], 1e6 * s->seconds.data[n - 1]);
}

/* ---- the verb ---- */

struct assigning {
	struct wh_call *call;
	struct wh_emit *out;
};

static int take(void *user, const struct wh_placement *placed, struct wh_err *err)
{
	struct assigning *s = user;
	(void)err;
	wh_emit_object(s->out, NULL);
	wh_emit_string(s->out, "id", placed->record->id);
	wh_emit_string(s->out, "group", placed->group);
	wh_emit_real(s->out, "similarity", placed->similarity);
	wh_emit_boolean(s->out, "is_new", placed->is_new);
	wh_emit_end(s->out);
	s->call->found |= placed->is_new;
	return WH_OK;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "id", "group", "similarity", "is_new", NULL };
	struct assigning s = { call, out };
	struct wh_placing placing = { .dry = wh_values_flag(&call->options, "dry-run"), .take = take, .user = &s };
	struct wh_standing standing;
	struct wh_imported imported;
	char schema[WH_SCHEMA];
	WH_TRY(wh_standing_open(&standing, call, WH_STORE_CREATE, err));
	int code = call->n_operands ? wh_standing_import(&standing, &imported, err) : WH_OK;
	wh_emit_records(out, wh_verb_schema(call, "grouping", schema), columns);
	if (code == WH_OK)
		code = wh_place_all(&placing, &standing, err);
	if (code == WH_OK) {
		say_timing(call, &placing);
		code = wh_emit_close(out, err);
	}
	wh_placing_release(&placing);
	wh_standing_close(&standing);
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
		"In the result is_new marks observations that opened a group. With --exit-code, exits with 3 when there was one.\n",
	.examples = "whorl NOUN assign new-reports/\n"
		    "whorl NOUN assign --exit-code --format tsv nightly/\n",
	.result = "grouping",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD | WH_VERB_STORE,
	.options = options,
	.run = run,
};
