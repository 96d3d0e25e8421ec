/* SPDX-License-Identifier: Apache-2.0 */
/* show: observations in full; export: the same as they were read, for other programs. */
#include "pipeline/listing.h"
#include "pipeline/standing.h"
#include "pipeline/verbs.h"

enum { MOST_COLUMNS = 32 };

struct showing {
	struct wh_call *call;
	const struct wh_model *model;
	struct wh_emit *out;
	bool raw, explain;
};

static int show_one(void *user, const struct wh_record *record, const struct wh_observation *o, struct wh_arena *arena, struct wh_err *err)
{
	const struct showing *s = user;
	wh_emit_object(s->out, NULL);
	wh_emit_string(s->out, "id", o->id);
	if (o->has_time)
		wh_emit_time(s->out, "time", o->time_ns);
	wh_emit_string(s->out, "label", o->label);
	if (!s->raw)
		wh_emit_string(s->out, s->call->signal->group_noun, record->group);
	int code = s->raw ? s->call->signal->encode(o, s->out, err)
			  : s->call->signal->show(s->model->config, o, s->explain, arena, s->out, err);
	wh_emit_end(s->out);
	return code;
}

static int show_all(struct wh_call *call, struct wh_emit *out, bool raw, bool explain, const char *schema, struct wh_err *err)
{
	const char *columns[MOST_COLUMNS] = { "id", "time", "label" };
	struct wh_model model;
	for (size_t i = 0, n = 3; call->signal->columns[i] && n < MOST_COLUMNS - 1; i++)
		columns[n++] = call->signal->columns[i];
	WH_TRY(wh_model_open(&model, call, err));
	struct showing showing = { call, &model, out, raw, explain };
	wh_emit_records(out, schema, columns);
	int code = wh_listing(call, &model, show_one, &showing, err);
	wh_model_release(&model);
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

static const struct wh_param show_options[] = {
	{ .name = "raw", .type = WH_PARAM_FLAG, .help = "as read, not normalised" },
	{ .name = "explain-normalisation", .type = WH_PARAM_FLAG, .help = "with what each rule did to each part" },
	{ 0 },
};

static int run_show(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	return show_all(call, out, wh_values_flag(&call->options, "raw"), wh_values_flag(&call->options, "explain-normalisation"),
			wh_verb_schema(call, "observation", schema), err);
}

const struct wh_verb wh_verb_show = {
	.name = "show",
	.operands = "[INPUT…|ID…]",
	.most = SIZE_MAX,
	.summary = "print observations as they are compared",
	.description = "Prints the neutral record of every observation in the files given, or of the observations or groups of the store with these\n"
		       "ids, or of the whole store: normalised as for a fingerprint, or --raw as read. --explain-normalisation adds what each rule\n"
		       "did: which part, by which rule, before and after.\n",
	.examples = "whorl NOUN show report.txt\n"
		    "whorl NOUN show --explain-normalisation --format json report.txt\n",
	.result = "observation",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS,
	.options = show_options,
	.run = run_show,
};

static int run_export(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	return show_all(call, out, true, false, wh_verb_schema(call, "observation", schema), err);
}

const struct wh_verb wh_verb_export = {
	.name = "export",
	.operands = "[ID…]",
	.most = SIZE_MAX,
	.summary = "write observations of the store in the neutral format",
	.description = "Writes the whole store, or the observations or groups with these ids, as neutral records that import reads back to the same\n"
		       "content. With files as operands, converts them.\n",
	.examples = "whorl NOUN export --format jsonl >all.jsonl\n"
		    "whorl NOUN export --format jsonl reports/ | gzip >reports.jsonl.gz\n",
	.result = "observation",
	.flags = WH_VERB_READS,
	.run = run_export,
};
