/* SPDX-License-Identifier: Apache-2.0 */
/* list: many observations, a line each. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/dataset.h"
#include "pipeline/standing.h"
#include "pipeline/title.h"
#include "pipeline/verbs.h"

enum { MOST_COLUMNS = 32 };

static const struct wh_param options[] = {
	{ .name = "group", .type = WH_PARAM_STRING, .metavar = "ID", .help = "only observations in this group" },
	{ .name = "limit", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1e9, .help = "stop after this many; 0: all" },
	{ 0 },
};

static int list_record(const struct wh_call *call, const struct wh_record *record, struct wh_emit *out, struct wh_err *err)
{
	wh_emit_object(out, NULL);
	wh_emit_string(out, "id", record->id);
	if (record->time_ns != INT64_MAX)
		wh_emit_time(out, "time", record->time_ns);
	wh_emit_string(out, "label", record->label);
	wh_emit_string(out, "group", record->group);
	for (size_t i = 0; call->signal->attributes[i]; i++)
		wh_emit_string(out, call->signal->attributes[i], record->attributes ? record->attributes[i] : NULL);
	int code = wh_title_emit(call->signal, record->fingerprint, out, err);
	wh_emit_end(out);
	return code;
}

static int list(struct wh_call *call, const struct wh_dataset *data, const char *group, struct wh_emit *out, struct wh_err *err)
{
	const char *columns[MOST_COLUMNS] = { "id", "time", "label", "group" };
	char schema[WH_SCHEMA];
	size_t n = 4, limit = (size_t)wh_values_int(&call->options, "limit"), listed = 0;
	for (size_t i = 0; call->signal->attributes[i] && n < MOST_COLUMNS - 2; i++)
		columns[n++] = call->signal->attributes[i];
	columns[n] = "title";
	wh_emit_records(out, wh_verb_schema(call, "list", schema), columns);
	int code = WH_OK;
	for (size_t i = 0; code == WH_OK && i < data->records.n && (!limit || listed < limit); i++) {
		const struct wh_record *record = &data->records.data[i];
		if (group && (!record->group || strcmp(record->group, group) != 0))
			continue;
		code = list_record(call, record, out, err);
		listed++;
	}
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

/* What the group asked for is called now; NULL: none was. */
static int find_group(const struct wh_call *call, char **group, struct wh_err *err)
{
	const char *id = wh_values_string(&call->options, "group");
	struct wh_store *store;
	*group = NULL;
	if (!id)
		return WH_OK;
	if (call->n_operands)
		return wh_err_set(err, WH_E_USAGE, "--group is for the store: files have no %ss yet", call->signal->group_noun);
	WH_TRY(wh_store_open(&store, call->store, WH_STORE_READ, err));
	int code = wh_store_resolve_group(store, call->signal->noun, id, group, err);
	wh_store_close(store);
	return code == WH_E_NOTFOUND ? wh_err_set(err, code, "no %s is called %s", call->signal->group_noun, id) : code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	char *group;
	struct wh_model model;
	struct wh_dataset data = { 0 };
	WH_TRY(find_group(call, &group, err));
	int code = wh_standing_model(&model, call, err);
	if (code != WH_OK) {
		free(group);
		return code;
	}
	code = wh_dataset_load(&data, call, &model, WH_LOAD_STORE | WH_LOAD_ATTRIBUTES, err);
	if (code == WH_OK)
		code = list(call, &data, group, out, err);
	wh_dataset_release(&data);
	wh_model_release(&model);
	free(group);
	return code;
}

const struct wh_verb wh_verb_list = {
	.name = "list",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "list observations, a line each",
	.description = "Lists the observations in the files given, or in the store: id, time, label, group, what they say about themselves, and their\n"
		       "fingerprint as one line.\n",
	.examples = "whorl NOUN list --limit 20\n"
		    "whorl NOUN list --format tsv reports/\n",
	.result = "list",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS,
	.options = options,
	.run = run,
};
