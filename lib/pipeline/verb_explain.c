/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: what sets groups apart from the rest, or why two observations are (not) alike.
 *
 * Groups: features of the fingerprints and attributes of the observations, contrasted inside against outside (lib/learn/contrast.h).
 * Two observations: their similarity against the cut, and what of one meets what of the other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/strtab.h"
#include "pipeline/calibrate.h"
#include "pipeline/explain.h"
#include "pipeline/listing.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "features", .type = WH_PARAM_INT, .initial = "10", .lo = 1, .hi = 100000, .metavar = "N", .help = "how many for each group" },
	{ .name = "limit", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1e9, .metavar = "N",
	  .help = "only the N largest groups; 0: all" },
	{ .name = "analysis", .type = WH_PARAM_CHOICE, .initial = "contrast", .choices = WH_ANALYSES, .source = "KabOOM 4.3",
	  .help = "what is asked: all that sets the group apart, who has what, who lacks what, average values, what the model rests on, which moved first" },
	{ .name = "tried", .type = WH_PARAM_INT, .initial = "30", .lo = 1, .hi = 100000, .metavar = "N",
	  .help = "of --analysis mutation: features tried in each group, those first that set it apart" },
	{ 0 },
};

/* ---- files ---- */

static int explain_files(struct wh_explaining *x, struct wh_emit *out, struct wh_err *err)
{
	WH_TRY(wh_dataset_load(&x->data, x->call, &x->model, WH_LOAD_ATTRIBUTES, err));
	WH_TRY(wh_dataset_need(&x->data, err));
	if (x->call->n_operands == 2 && x->data.records.n == 2)
		return wh_explain_pair(x, &x->data.records.data[0], &x->data.records.data[1], out, err);
	const bool one = x->data.records.n == 1 && x->analysis->of_one;
	if (!one) {
		WH_TRY(wh_calibrate_default(&x->model, x->call, &x->data, err));
		WH_TRY(wh_group(&x->grouping, &x->data, &x->model, NULL, err));
	}
	WH_TRY(wh_explain_prepare(x, err));
	return one ? wh_explain_one(x, 0, out, err) : wh_explain_groups(x, out, err);
}

/* ---- the store ---- */

/* One fingerprint in several groups (split): a point of its own for each further group. */
static int separate(struct wh_explaining *x, struct wh_map *points, uint32_t *of_point, size_t r, uint32_t group, struct wh_err *err)
{
	struct wh_record *record = &x->data.records.data[r];
	if (of_point[record->point] == WH_STRTAB_NONE)
		of_point[record->point] = group;
	if (of_point[record->point] == group)
		return WH_OK;
	uint64_t key = (uint64_t)record->point << 32 | group, *known = wh_map_get(points, key);
	if (known) {
		x->data.weight[record->point]--;
		x->data.weight[record->point = (uint32_t)*known]++;
		return WH_OK;
	}
	WH_TRY(wh_dataset_split_point(&x->data, r, err));
	of_point[record->point] = group;
	return wh_map_put(points, key, record->point) ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* What stands in the store as a grouping: a record without a group is one of its own. */
static int stored_grouping(struct wh_explaining *x, struct wh_err *err)
{
	struct wh_strtab ids;
	struct wh_map points = { 0 };
	size_t most = x->data.n_points + x->data.records.n + 1;
	uint32_t *of_point = malloc(most * sizeof *of_point);
	int code = of_point ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_strtab_init(&ids, SIZE_MAX);
	if (of_point)
		memset(of_point, 0xff, most * sizeof *of_point);
	for (size_t r = 0; code == WH_OK && r < x->data.records.n; r++) {
		const struct wh_record *record = &x->data.records.data[r];
		const char *group = record->group ? record->group : record->id;
		uint32_t number = wh_strtab_add(&ids, group, strlen(group));
		code = number == WH_STRTAB_NONE ? wh_err_set(err, WH_E_NOMEM, "out of memory")
						: separate(x, &points, of_point, r, number, err);
	}
	wh_map_release(&points);
	if (code == WH_OK)
		code = wh_group_describe(&x->grouping, &x->data, of_point, ids.n, err);
	else
		free(of_point);
	for (size_t g = 0; code == WH_OK && g < x->grouping.n; g++) {
		const char *id = x->data.records.data[x->grouping.groups[g].first].group;
		if (id)
			strncpy(x->grouping.groups[g].id, id, WH_GROUP_ID - 1);
	}
	wh_strtab_release(&ids);
	return code;
}

static int explain_ids(struct wh_explaining *x, struct wh_standing *standing, struct wh_emit *out, struct wh_err *err)
{
	const struct wh_call *call = x->call;
	char *group[2] = { NULL, NULL };
	size_t record[2] = { SIZE_MAX, SIZE_MAX };
	int code = WH_OK;
	for (size_t i = 0; code == WH_OK && i < call->n_operands; i++) {
		record[i] = wh_dataset_find(&x->data, call->operands[i]);
		if (record[i] == SIZE_MAX)
			code = wh_store_resolve_group(standing->store, call->signal->noun, call->operands[i], &group[i], err);
		if (code == WH_E_NOTFOUND)
			wh_err_set(err, code, "%s is neither a file nor the id of an observation or %s in %s", call->operands[i],
				   call->signal->group_noun, call->store);
	}
	const struct wh_record *records = x->data.records.data;
	if (code == WH_OK && group[0])
		code = wh_explain_stored(x, group[0], group[1] ? group[1] : record[1] != SIZE_MAX ? records[record[1]].group : NULL, out, err);
	else if (code == WH_OK && record[1] != SIZE_MAX)
		code = wh_explain_pair(x, &records[record[0]], &records[record[1]], out, err);
	else if (code == WH_OK && !group[1] && x->analysis->of_one)
		code = wh_explain_one(x, record[0], out, err);
	else if (code == WH_OK) { /* an observation, against its own group's representative, or another group's */
		const char *id = group[1] ? group[1] : records[record[0]].group;
		const struct wh_record *other = NULL;
		for (size_t g = 0; id && g < x->grouping.n; g++)
			for (size_t r = 0; !strcmp(x->grouping.groups[g].id, id) && r < x->data.records.n && !other; r++)
				if (records[r].point == x->grouping.groups[g].representative && r != record[0])
					other = &records[r];
		code = wh_explain_pair(x, &records[record[0]], other ? other : &records[record[0]], out, err);
	}
	free(group[0]);
	free(group[1]);
	return code;
}

static int explain_store(struct wh_explaining *x, struct wh_emit *out, struct wh_err *err)
{
	struct wh_standing standing;
	WH_TRY(wh_standing_open(&standing, x->call, WH_STORE_READ, err));
	x->model = standing.model;
	standing.model = (struct wh_model){ 0 };
	int code = wh_dataset_load_paths(&x->data, x->call, &x->model, NULL, 0, WH_LOAD_ATTRIBUTES, err);
	if (code == WH_OK)
		code = wh_dataset_need(&x->data, err);
	if (code == WH_OK)
		code = stored_grouping(x, err);
	if (code == WH_OK)
		code = wh_explain_prepare(x, err);
	if (code == WH_OK)
		code = x->call->n_operands ? explain_ids(x, &standing, out, err) : wh_explain_groups(x, out, err);
	wh_standing_close(&standing);
	return code;
}

/* ---- the verb ---- */

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_explaining x = { .call = call };
	char schema[WH_SCHEMA];
	bool files = call->n_operands && wh_operand_is_path(call->operands[0]);
	if (!files && call->n_operands > 2)
		return wh_err_set(err, WH_E_USAGE, "explain takes one id, or two to hold against each other");
	WH_TRY(wh_explain_choose(&x, err));
	wh_emit_document(out, wh_verb_schema(call, "explanation", schema));
	int code = files ? wh_model_open(&x.model, call, err) : WH_OK;
	if (code == WH_OK)
		code = files ? explain_files(&x, out, err) : explain_store(&x, out, err);
	if (code == WH_OK)
		code = wh_emit_close(out, err);
	wh_explain_release(&x);
	return code;
}

const struct wh_verb wh_verb_explain = {
	.name = "explain",
	.operands = "[INPUT…|ID [AGAINST]]",
	.most = SIZE_MAX,
	.summary = "what sets a group apart, or why two observations are alike",
	.description =
		"With files: groups them like cluster and says of every group what sets it apart from the rest, features and attributes alike, each with\n"
		"its effect size (phi), a p-value corrected for all that was asked (Fisher's exact test, Benjamini and Hochberg) and a sentence. With\n"
		"two files of one observation each: aligns the two side by side, with what each match contributes to the similarity, and says\n"
		"whether they are alike under the cut.\n"
		"\n"
		"With ids of the store: a group against the rest or against another group, two observations against each other, an observation\n"
		"against the representative of its group. Without operands: every group of the store.\n"
		"\n"
		"Of signals that measure something (sessions: a metric's share of the growth), measures come first, by how much more of it the group\n"
		"has, with the share of its observations that have it among the three, and ten, that they have most of; and which of them moved first.\n"
		"\n"
		"--analysis asks otherwise. *presence*, *absence*: who has, or lacks, what, by the score that KabOOM prints; what less than a twentieth\n"
		"of the group has, or lacks, does not count. *average*: values while they are there, among those that have any, by their ratio to the\n"
		"others'. *mutation*: the model is asked where each observation would belong without a feature, or, of those that lack it, with as much of it as others\n"
		"have; up to 40 observations of a group, and --tried features. *onset*: when what sets the group apart began to\n"
		"rise, which of it did so first and in how many observations, and by how many steps another goes after it. Order is no cause: what moves first\n"
		"may itself be moved by what is not measured. Presence and absence are for every signal; average and onset for those whose features have values over\n"
		"time, mutation for methods that place. Of one observation, a file or an id, onset and mutation can be asked alone (mutation: with --model, or of the store).\n"
		"\n"
		"An effect of 1 belongs to a feature that is in every observation of the group and in no other one: look there first. In an\n"
		"alignment, a contribution is what the similarity would lose without this match; contributions need not add up to it.\n",
	.examples = "whorl NOUN explain reports/\n"
		    "whorl NOUN explain report-1.txt report-2.txt\n"
		    "whorl NOUN explain --limit 5 --features 3\n"
		    "whorl NOUN explain --analysis absence reports/\n"
		    "whorl NOUN explain g0123456789ab\n"
		    "whorl NOUN explain g0123456789ab gba9876543210\n",
	.result = "explanation",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
