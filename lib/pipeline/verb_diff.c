/* SPDX-License-Identifier: Apache-2.0 */
/* diff: what another model, other rules or parameters would change. Nothing is written. */
#include <string.h>

#include "base/input.h"
#include "pipeline/calibrate.h"
#include "pipeline/intern.h"
#include "pipeline/regroup.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	{ .name = "among", .type = WH_PARAM_PATH, .metavar = "INPUT", .help = "try it on these files instead of the store's observations" },
	{ 0 },
};

/* The call without what its user said about method and settings: what stands on the OLD side. */
static int plain_values(struct wh_call *plain, struct wh_err *err)
{
	plain->method_given = false;
	plain->method = plain->signal->methods[0];
	WH_TRY(wh_values_init(&plain->params, plain->method->params, err));
	int code = wh_values_init(&plain->settings, plain->signal->settings, err);
	if (code != WH_OK)
		wh_values_release(&plain->params);
	return code;
}

struct side {
	struct wh_model model;
	struct wh_dataset data;
	struct wh_grouping grouping;
};

static void release(struct side *side)
{
	wh_grouping_release(&side->grouping);
	wh_dataset_release(&side->data);
	wh_model_release(&side->model);
}

/* `store`: the store's model; `default`: the shipped one; else a model file. */
static int open_side(struct side *side, const struct wh_call *call, const char *what, struct wh_err *err)
{
	if (!strcmp(what, "default"))
		return wh_model_open(&side->model, call, err);
	if (!strcmp(what, "store")) {
		struct wh_standing standing;
		WH_TRY(wh_standing_open(&standing, call, WH_STORE_READ, err));
		side->model = standing.model;
		standing.model = (struct wh_model){ 0 };
		wh_standing_close(&standing);
		return WH_OK;
	}
	struct wh_input input;
	int code = wh_input_open(&input, what, err);
	if (code == WH_OK) {
		code = wh_model_open_bytes(&side->model, call, (struct wh_bytes){ input.text, input.size }, err);
		wh_input_release(&input);
	}
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s", what);
}

static int group_side(struct side *side, const struct wh_call *call, struct wh_err *err)
{
	const char *among = wh_values_string(&call->options, "among");
	WH_TRY(wh_dataset_load_paths(&side->data, call, &side->model, &among, among ? 1 : 0, WH_LOAD_ATTRIBUTES, err));
	WH_TRY(wh_dataset_need(&side->data, err));
	WH_TRY(wh_calibrate_default(&side->model, call, &side->data, err));
	struct wh_constraints constraints = { 0 };
	int code = WH_OK;
	if (!among) {
		struct wh_standing standing;
		WH_TRY(wh_standing_open(&standing, call, WH_STORE_READ, err));
		code = wh_standing_constraints(&standing, &side->data, &constraints, err);
		wh_standing_close(&standing);
	}
	if (code == WH_OK)
		code = wh_group(&side->grouping, &side->data, &side->model, &constraints, err);
	wh_constraints_release(&constraints);
	return code;
}

/* The new side's records get the old side's groups: as they stand in the store, or as its model makes them. */
static int carry_over(struct side *old, struct side *new, bool standing, struct wh_err *err)
{
	for (size_t i = 0; i < new->data.records.n; i++) {
		struct wh_record *record = &new->data.records.data[i];
		const char *id = standing ? old->data.records.data[i].group
					  : old->grouping.groups[old->grouping.of_point[old->data.records.data[i].point]].id;
		record->group = id ? wh_intern(new->data.strings, id, strlen(id)) : NULL;
		if (id && !record->group)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

static bool has_groups(const struct wh_dataset *data)
{
	for (size_t i = 0; i < data->records.n; i++)
		if (data->records.data[i].group)
			return true;
	return false;
}

static int diff(struct wh_call *call, struct wh_call *plain, struct side *old, struct side *new, struct wh_emit *out, struct wh_err *err)
{
	const char *from = call->n_operands > 1 ? call->operands[0] : "store", *to = call->n_operands ? call->operands[call->n_operands - 1] : "store";
	bool files = wh_values_string(&call->options, "among") != NULL;
	if (files && call->n_operands < 2)
		from = "default";
	if (files && !call->n_operands)
		to = "default";
	WH_TRY(open_side(old, plain, from, err));
	WH_TRY(open_side(new, call, to, err));
	WH_TRY(group_side(old, plain, err));
	WH_TRY(group_side(new, call, err));
	if (old->data.records.n != new->data.records.n)
		return wh_err_set(err, WH_E_CONFLICT, "the observations changed in the meantime");
	bool standing = !files && !strcmp(from, "store") && has_groups(&old->data);
	WH_TRY(carry_over(old, new, standing, err));
	WH_TRY(wh_continue_ids(&new->grouping, &new->data, NULL, err));
	size_t moved = 0;
	for (size_t i = 0; i < new->data.records.n; i++) {
		const struct wh_record *record = &new->data.records.data[i];
		moved += !record->group || strcmp(record->group, new->grouping.groups[new->grouping.of_point[record->point]].id) != 0;
	}
	call->found = moved > 0;
	wh_host_log(call->host, WH_INFO, "%zu of %zu observations would move; %zu %ss after", moved, new->data.records.n, new->grouping.n,
		    call->signal->group_noun);
	return wh_emit_moves(call, &new->grouping, &new->data, out, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_call plain = *call;
	struct side old = { 0 }, new = { 0 };
	WH_TRY(plain_values(&plain, err));
	int code = diff(call, &plain, &old, &new, out, err);
	release(&old);
	release(&new);
	wh_values_release(&plain.params);
	wh_values_release(&plain.settings);
	return code;
}

const struct wh_verb wh_verb_diff = {
	.name = "diff",
	.operands = "[[OLD] NEW]",
	.most = 2,
	.summary = "preview a change of model, rules or parameters",
	.description =
		"Groups the store's observations (or --among files) in the OLD way and in the NEW way, and lists what would go where: groups kept, split,\n"
		"merged, observations moved. OLD and NEW are model files, the word store (the groups as they stand, or the store's model) or the word\n"
		"default (what is shipped); both are store when left out. Options such as --d, --rules or --identity apply to NEW. Nothing is\n"
		"written. With --exit-code, exits with 3 when an observation would move.\n",
	.examples = "whorl NOUN diff new-model.whorl\n"
		    "whorl NOUN diff old.whorl new.whorl --among reports/\n",
	.result = "regrouping",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
