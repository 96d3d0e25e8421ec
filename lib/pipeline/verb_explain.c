/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: what sets groups apart from the rest, or why two observations are (not) alike.
 *
 * Groups: features of the fingerprints and attributes of the observations, contrasted inside against outside (lib/learn/contrast.h).
 * Two observations: their similarity against the cut, and what of one meets what of the other.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "base/strtab.h"
#include "pipeline/amounts.h"
#include "pipeline/calibrate.h"
#include "pipeline/listing.h"
#include "pipeline/standing.h"
#include "pipeline/traits.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "features", .type = WH_PARAM_INT, .initial = "10", .lo = 1, .hi = 100000, .metavar = "N", .help = "how many for each group" },
	{ .name = "limit", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1e9, .metavar = "N",
	  .help = "only the N largest groups; 0: all" },
	{ .name = "analysis", .type = WH_PARAM_CHOICE, .initial = "contrast", .choices = "contrast|presence", .source = "KabOOM 4.3",
	  .help = "what is ranked by: all that sets the group apart, or presence alone, by the score that KabOOM's Table 2 prints" },
	{ 0 },
};

static const double LEAST_PRESENT = 0.05; /* of the group: what one observation has alone would come first */

struct explaining {
	struct wh_call *call;
	struct wh_model model;
	struct wh_dataset data;
	struct wh_grouping grouping;
	struct wh_traits traits;
	struct wh_amounts amounts;
};

/* ---- one group against others ---- */

/* How much they have of what the signal measures tells more than who has it: first. Returns how many. */
static size_t emit_measures(struct explaining *x, size_t most, size_t n_inside, size_t n_outside, struct wh_str *sentence, struct wh_emit *out)
{
	const char *noun = x->call->signal->measure_noun;
	size_t listed = 0;
	for (size_t i = 0; i < x->amounts.contrast.n && listed < most; i++) {
		const struct wh_contrast_measure *measure = &x->amounts.contrast.data[i];
		const char *name = wh_amount_name(&x->amounts, measure->measure);
		if (measure->effect <= 0 || measure->score <= 0)
			continue;
		listed++;
		wh_str_clear(sentence);
		wh_contrast_measure_sentence(sentence, measure, noun, name, n_inside, n_outside);
		wh_emit_object(out, NULL);
		wh_emit_string(out, "name", name);
		wh_emit_string(out, "kind", noun);
		wh_emit_real(out, "score", measure->score);
		wh_emit_real(out, "effect", measure->effect);
		wh_emit_real(out, "p_value", measure->p_value);
		wh_emit_integer(out, "inside", (int64_t)measure->inside);
		wh_emit_integer(out, "outside", (int64_t)measure->outside);
		wh_emit_real(out, "mean_inside", measure->mean_inside);
		wh_emit_real(out, "mean_outside", measure->mean_outside);
		wh_emit_string(out, "sentence", sentence->data);
		wh_emit_end(out);
	}
	return listed;
}

static double share_of(size_t n, size_t of)
{
	return of ? (double)n / (double)of : 0;
}

struct sides {
	size_t n_inside, n_outside;
};

/* With p of the group and o of the others having it, 2p / (3p + o): what the column F1 of Table 2 holds, by its numbers; no F1. */
static int best_presence_first(const void *a, const void *b, void *user)
{
	const struct wh_contrast_feature *x = a, *y = b;
	const struct sides *sides = user;
	double p = share_of(x->inside, sides->n_inside), q = share_of(y->inside, sides->n_inside);
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return p != q ? (p > q ? -1 : 1) : x->feature < y->feature ? -1 : x->feature > y->feature;
}

/* Features alone, no attributes, ranked by presence; what few of the group have has no score. */
static void rank_by_presence(struct explaining *x, size_t n_inside, size_t n_outside)
{
	struct sides sides = { n_inside, n_outside };
	const char *noun = x->call->signal->feature_noun;
	for (size_t i = 0; i < x->traits.contrast.n; i++) {
		struct wh_contrast_feature *feature = &x->traits.contrast.data[i];
		double p = share_of(feature->inside, n_inside), o = share_of(feature->outside, n_outside);
		const char *what;
		size_t n_what;
		wh_trait_name(&x->traits, feature->feature, &what, &n_what);
		bool counts = p >= LEAST_PRESENT && n_what == strlen(noun) && !strncmp(what, noun, n_what);
		feature->score = counts ? 2 * p / (3 * p + o) : 0;
		feature->effect = counts ? feature->effect : 0;
	}
	if (x->traits.contrast.n)
		qsort_r(x->traits.contrast.data, x->traits.contrast.n, sizeof *x->traits.contrast.data, best_presence_first, &sides);
}

static int emit_features(struct explaining *x, size_t n_inside, size_t n_outside, struct wh_emit *out, struct wh_err *err)
{
	size_t most = (size_t)wh_values_int(&x->call->options, "features"), listed = 0;
	bool presence = !strcmp(wh_values_string(&x->call->options, "analysis"), "presence");
	struct wh_str sentence = { 0 }, kind = { 0 };
	wh_emit_array(out, "features");
	if (presence)
		rank_by_presence(x, n_inside, n_outside);
	else
		listed = emit_measures(x, most, n_inside, n_outside, &sentence, out);
	for (size_t i = 0; i < x->traits.contrast.n && listed < most; i++) {
		const struct wh_contrast_feature *feature = &x->traits.contrast.data[i];
		const char *what;
		size_t n_what;
		const char *name = wh_trait_name(&x->traits, feature->feature, &what, &n_what);
		if (feature->effect <= 0)
			continue;
		listed++;
		wh_str_clear(&kind);
		wh_str_add(&kind, what, n_what);
		wh_str_clear(&sentence);
		wh_contrast_sentence(&sentence, feature, kind.data, name, "observations", n_inside, n_outside);
		wh_emit_object(out, NULL);
		wh_emit_string(out, "name", name);
		wh_emit_string(out, "kind", kind.data);
		wh_emit_real(out, "score", feature->score);
		wh_emit_real(out, "effect", feature->effect);
		wh_emit_real(out, "p_value", feature->p_value);
		wh_emit_integer(out, "inside", (int64_t)feature->inside);
		wh_emit_integer(out, "outside", (int64_t)feature->outside);
		wh_emit_string(out, "sentence", sentence.data);
		wh_emit_end(out);
	}
	wh_emit_end(out);
	int code = sentence.failed || kind.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	wh_str_release(&sentence);
	wh_str_release(&kind);
	return code;
}

/* records[n] against all others, or against those given. */
static int contrast(struct explaining *x, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against, struct wh_emit *out,
		    struct wh_err *err)
{
	WH_TRY(wh_traits_contrast(&x->traits, records, n, against, n_against, err));
	WH_TRY(wh_amounts_contrast(&x->amounts, records, n, against, n_against, err));
	return emit_features(x, n, against ? n_against : x->data.records.n - n, out, err);
}

/* ---- all groups, or some ---- */

struct sized {
	uint32_t group, n;
};

static int largest_first(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;
	return x->n != y->n ? (x->n > y->n ? -1 : 1) : x->group < y->group ? -1 : x->group > y->group;
}

static int emit_group(struct explaining *x, uint32_t g, const uint32_t *members, struct wh_emit *out, struct wh_err *err)
{
	const struct wh_group *group = &x->grouping.groups[g];
	struct wh_str title = { 0 };
	wh_emit_object(out, NULL);
	wh_emit_string(out, "group", group->id);
	wh_emit_integer(out, "size", group->n_records);
	int code = x->call->signal->title(x->data.points[group->representative], &title);
	if (code != WH_OK)
		wh_err_set(err, code, "out of memory");
	wh_emit_bytes(out, "title", title.data ? title.data : "", title.n);
	wh_str_release(&title);
	if (code == WH_OK)
		code = contrast(x, members, group->n_records, NULL, 0, out, err);
	wh_emit_end(out);
	return code;
}

static int explain_groups(struct explaining *x, struct wh_emit *out, struct wh_err *err)
{
	size_t n = x->data.records.n, limit = (size_t)wh_values_int(&x->call->options, "limit");
	struct sized *order = malloc((x->grouping.n + 1) * sizeof *order);
	uint32_t *members = malloc((n + 1) * sizeof *members), *start = calloc(x->grouping.n + 2, sizeof *start);
	int code = order && members && start ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (uint32_t g = 0; code == WH_OK && g < x->grouping.n; g++) {
		order[g] = (struct sized){ g, x->grouping.groups[g].n_records };
		start[g + 2] = start[g + 1] + x->grouping.groups[g].n_records;
	}
	for (uint32_t r = 0; code == WH_OK && r < n; r++) /* start[g + 1] runs up to where g + 1 begins */
		members[start[x->grouping.of_point[x->data.records.data[r].point] + 1]++] = r;
	if (code == WH_OK)
		qsort(order, x->grouping.n, sizeof *order, largest_first);
	wh_emit_array(out, "groups");
	for (size_t i = 0; code == WH_OK && i < x->grouping.n && (!limit || i < limit); i++)
		code = emit_group(x, order[i].group, members + start[order[i].group], out, err);
	wh_emit_end(out);
	free(order);
	free(members);
	free(start);
	return code;
}

/* A group of the store, against the rest or against another one. */
static int explain_stored(struct explaining *x, const char *id, const char *against, struct wh_emit *out, struct wh_err *err)
{
	size_t n = 0, n_others = 0;
	uint32_t *members = malloc((x->data.records.n + 1) * sizeof *members);
	uint32_t *others = against ? malloc((x->data.records.n + 1) * sizeof *others) : NULL;
	int code = members && (others || !against) ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (uint32_t r = 0; code == WH_OK && r < x->data.records.n; r++) {
		const char *group = x->data.records.data[r].group;
		if (group && !strcmp(group, id))
			members[n++] = r;
		else if (against && group && !strcmp(group, against))
			others[n_others++] = r;
	}
	wh_emit_array(out, "groups");
	wh_emit_object(out, NULL);
	wh_emit_string(out, "group", id);
	wh_emit_string(out, "against", against);
	wh_emit_integer(out, "size", (int64_t)n);
	if (code == WH_OK)
		code = contrast(x, members, n, others, n_others, out, err);
	wh_emit_end(out);
	wh_emit_end(out);
	free(members);
	free(others);
	return code;
}

/* ---- two observations ---- */

static int explain_pair(struct explaining *x, const struct wh_record *a, const struct wh_record *b, struct wh_emit *out, struct wh_err *err)
{
	struct wh_space space;
	bool places = x->model.method->group;
	double cut = places ? NAN : 1 - wh_values_real(&x->model.params, "d");
	WH_TRY(wh_space_open(&space, &x->model, x->data.points, x->data.n_points, err));
	double similarity = a->point == b->point && !a->empty ? 1 : wh_space_similarity(&space, a->point, b->point);
	wh_emit_string(out, "a", a->id);
	wh_emit_string(out, "b", b->id);
	wh_emit_real(out, "similarity", similarity);
	if (!places)
		wh_emit_real(out, "cut", cut);
	wh_emit_boolean(out, "alike", places ? a->group && b->group && !strcmp(a->group, b->group) : similarity >= cut);
	wh_emit_string(out, "group_a", a->group);
	wh_emit_string(out, "group_b", b->group);
	int code = WH_OK;
	if (space.method->align)
		code = space.method->align(space.state, a->point, b->point, out, err);
	wh_space_close(&space);
	return code;
}

/* ---- the verb ---- */

static int explain_files(struct explaining *x, struct wh_emit *out, struct wh_err *err)
{
	WH_TRY(wh_dataset_load(&x->data, x->call, &x->model, WH_LOAD_ATTRIBUTES, err));
	WH_TRY(wh_dataset_need(&x->data, err));
	if (x->call->n_operands == 2 && x->data.records.n == 2)
		return explain_pair(x, &x->data.records.data[0], &x->data.records.data[1], out, err);
	WH_TRY(wh_calibrate_default(&x->model, x->call, &x->data, err));
	WH_TRY(wh_group(&x->grouping, &x->data, &x->model, NULL, err));
	WH_TRY(wh_traits_count(&x->traits, &x->data, err));
	WH_TRY(wh_amounts_read(&x->amounts, &x->data, err));
	return explain_groups(x, out, err);
}

/* One fingerprint in several groups (split): a point of its own for each further group. */
static int separate(struct explaining *x, struct wh_map *points, uint32_t *of_point, size_t r, uint32_t group, struct wh_err *err)
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
static int stored_grouping(struct explaining *x, struct wh_err *err)
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

static int explain_ids(struct explaining *x, struct wh_standing *standing, struct wh_emit *out, struct wh_err *err)
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
		code = explain_stored(x, group[0], group[1] ? group[1] : record[1] != SIZE_MAX ? records[record[1]].group : NULL, out, err);
	else if (code == WH_OK && record[1] != SIZE_MAX)
		code = explain_pair(x, &records[record[0]], &records[record[1]], out, err);
	else if (code == WH_OK) { /* an observation, against its own group's representative, or another group's */
		const char *id = group[1] ? group[1] : records[record[0]].group;
		const struct wh_record *other = NULL;
		for (size_t g = 0; id && g < x->grouping.n; g++)
			for (size_t r = 0; !strcmp(x->grouping.groups[g].id, id) && r < x->data.records.n && !other; r++)
				if (records[r].point == x->grouping.groups[g].representative && r != record[0])
					other = &records[r];
		code = explain_pair(x, &records[record[0]], other ? other : &records[record[0]], out, err);
	}
	free(group[0]);
	free(group[1]);
	return code;
}

static int explain_store(struct explaining *x, struct wh_emit *out, struct wh_err *err)
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
		code = wh_traits_count(&x->traits, &x->data, err);
	if (code == WH_OK)
		code = wh_amounts_read(&x->amounts, &x->data, err);
	if (code == WH_OK)
		code = x->call->n_operands ? explain_ids(x, &standing, out, err) : explain_groups(x, out, err);
	wh_store_close(standing.store);
	return code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct explaining x = { .call = call };
	char schema[WH_SCHEMA];
	bool files = call->n_operands && wh_operand_is_path(call->operands[0]);
	if (!files && call->n_operands > 2)
		return wh_err_set(err, WH_E_USAGE, "explain takes one id, or two to hold against each other");
	wh_emit_document(out, wh_verb_schema(call, "explanation", schema));
	int code = files ? wh_model_open(&x.model, call, err) : WH_OK;
	if (code == WH_OK)
		code = files ? explain_files(&x, out, err) : explain_store(&x, out, err);
	if (code == WH_OK)
		code = wh_emit_close(out, err);
	wh_grouping_release(&x.grouping);
	wh_dataset_release(&x.data);
	wh_traits_release(&x.traits);
	wh_amounts_release(&x.amounts);
	wh_model_release(&x.model);
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
		"has; --analysis presence ranks by who has what alone, as KabOOM does.\n"
		"\n"
		"An effect of 1 belongs to a feature that is in every observation of the group and in no other one: look there first. In an\n"
		"alignment, a contribution is what the similarity would lose without this match; contributions need not add up to it.\n",
	.examples = "whorl NOUN explain reports/\n"
		    "whorl NOUN explain report-1.txt report-2.txt\n"
		    "whorl NOUN explain --limit 5 --features 3\n"
		    "whorl NOUN explain g0123456789ab\n"
		    "whorl NOUN explain g0123456789ab gba9876543210\n",
	.result = "explanation",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
