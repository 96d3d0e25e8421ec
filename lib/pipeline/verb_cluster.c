/* SPDX-License-Identifier: Apache-2.0 */
/* cluster (bucket): group observations. From files: nothing is stored. From the store: its groups are made anew. */
#include <stdlib.h>

#include "pipeline/calibrate.h"
#include "pipeline/grouped.h"
#include "pipeline/regroup.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "dry-run", .type = WH_PARAM_FLAG, .help = "of the store's groups: say what would change, write nothing" },
	{ 0 },
};

static int emit_grouping(const struct wh_grouping *grouping, const struct wh_dataset *data, const struct wh_method *method, struct wh_call *call, struct wh_emit *out,
			 struct wh_err *err)
{
	char schema[WH_SCHEMA];
	wh_emit_records(out, wh_verb_schema(call, "grouping", schema), wh_grouped_columns(method));
	for (size_t i = 0; i < data->records.n; i++) {
		const struct wh_record *record = &data->records.data[i];
		const struct wh_location *location = grouping->location ? &grouping->location[record->point] : NULL;
		struct wh_grouped grouped = { record->id, grouping->groups[grouping->of_point[record->point]].id, grouping->similarity[record->point],
					      location, location && location->is_new, NULL, { 0 } };
		call->found |= grouped.is_new;
		WH_TRY(wh_grouped_emit(&grouped, out, err));
	}
	return wh_emit_close(out, err);
}

static int cluster_files(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_model model;
	struct wh_dataset data = { 0 };
	struct wh_grouping grouping = { 0 };
	WH_TRY(wh_model_open(&model, call, err));
	int code = wh_dataset_load(&data, call, &model, 0, err);
	if (code == WH_OK)
		code = wh_dataset_need(&data, err);
	if (code == WH_OK)
		code = wh_calibrate_default(&model, call, &data, err);
	if (code == WH_OK)
		code = wh_group(&grouping, &data, &model, NULL, err);
	if (code == WH_OK) {
		wh_host_log(call->host, WH_INFO, "%zu observations, %zu distinct, in %zu %ss", data.records.n, data.n_points, grouping.n,
			    call->signal->group_noun);
		code = emit_grouping(&grouping, &data, model.method, call, out, err);
	}
	wh_grouping_release(&grouping);
	wh_dataset_release(&data);
	wh_model_release(&model);
	return code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	return call->n_operands ? cluster_files(call, out, err) : wh_regroup_store(call, out, err);
}

const struct wh_verb wh_verb_cluster = {
	.name = "cluster",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "group observations that are alike",
	.description =
		"With INPUT, reads files and folders, groups what they hold and prints one line an observation: its id, its group, its similarity\n"
		"to the group's representative, the observation that most others equal. Nothing is stored. The cut d is calibrated on the input\n"
		"unless it is given (see calibrate): a larger d makes fewer, larger groups.\n"
		"\n"
		"Without INPUT, groups the whole store anew under the model given, or the store's own, and prints a map of old groups to new\n"
		"ones. Group ids are kept wherever most of a group's members stay together; what people said (merge, split) is obeyed;\n"
		"--dry-run only prints the map.\n",
	.examples = "whorl NOUN cluster reports/\n"
		    "whorl NOUN cluster --format tsv reports/ >groups.tsv\n"
		    "whorl NOUN cluster --dry-run --store crashes.db\n",
	.result = "grouping",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
