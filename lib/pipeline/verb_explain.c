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
#include "base/str.h"
#include "base/strtab.h"
#include "learn/contrast.h"
#include "pipeline/calibrate.h"
#include "pipeline/listing.h"
#include "pipeline/standing.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "features", .type = WH_PARAM_INT, .initial = "10", .lo = 1, .hi = 100000, .metavar = "N", .help = "how many for each group" },
	{ .name = "limit", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1e9, .metavar = "N",
	  .help = "only the N largest groups; 0: all" },
	{ 0 },
};

/* ---- features, counted ---- */

struct explaining {
	struct wh_call *call;
	struct wh_model model;
	struct wh_dataset data;
	struct wh_grouping grouping;
	struct wh_strtab names;        /* "frame\tname" or "version\tvalue" */
	struct WH_VEC(uint32_t) found; /* features of the record at hand, each once */
	struct WH_VEC(uint32_t) total; /* per feature: records that have it */
	struct WH_VEC(uint32_t) stamp; /* per feature: the record or group that touched it last, + 1 */
	struct WH_VEC(uint32_t) inside;
	struct wh_str key;
	uint32_t round;
};

static int touch(struct explaining *x, const char *what, const char *name, size_t n)
{
	wh_str_clear(&x->key);
	wh_str_puts(&x->key, what);
	wh_str_putc(&x->key, '\t');
	wh_str_add(&x->key, name, n);
	uint32_t id = x->key.failed ? WH_STRTAB_NONE : wh_strtab_add(&x->names, x->key.data, x->key.n);
	if (id == WH_STRTAB_NONE)
		return WH_E_NOMEM;
	if (id == x->total.n && (wh_vec_push(&x->total, 0) || wh_vec_push(&x->stamp, 0) || wh_vec_push(&x->inside, 0)))
		return WH_E_NOMEM;
	if (x->stamp.data[id] == x->round)
		return WH_OK;
	x->stamp.data[id] = x->round;
	return wh_vec_push(&x->found, id) ? WH_E_NOMEM : WH_OK;
}

static int take_feature(void *user, const char *name, size_t n)
{
	struct explaining *x = user;
	return touch(x, x->call->signal->feature_noun, name, n);
}

/* Everything that record r has, into x->found. */
static int features_of(struct explaining *x, const struct wh_record *record)
{
	const struct wh_signal *signal = x->call->signal;
	x->found.n = 0;
	x->round++;
	int code = signal->features(record->fingerprint, take_feature, x);
	for (size_t i = 0; code == WH_OK && record->attributes && signal->attributes[i]; i++)
		if (record->attributes[i])
			code = touch(x, signal->attributes[i], record->attributes[i], strlen(record->attributes[i]));
	return code;
}

static int count_totals(struct explaining *x, struct wh_err *err)
{
	for (size_t r = 0; r < x->data.records.n; r++) {
		if (features_of(x, &x->data.records.data[r]) != WH_OK)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		for (size_t i = 0; i < x->found.n; i++)
			x->total.data[x->found.data[i]]++;
	}
	return WH_OK;
}

/* ---- one group against others ---- */

static const char *feature_name(void *user, uint32_t feature)
{
	return wh_strtab_get(user, feature).data;
}

static int emit_features(struct explaining *x, struct wh_contrast_feature *features, size_t n, size_t n_inside, size_t n_outside,
			 struct wh_emit *out, struct wh_err *err)
{
	size_t most = (size_t)wh_values_int(&x->call->options, "features"), listed = 0;
	struct wh_str sentence = { 0 }, what = { 0 };
	wh_emit_array(out, "features");
	for (size_t i = 0; i < n && listed < most; i++) {
		const char *key = feature_name(&x->names, features[i].feature), *tab = strchr(key, '\t');
		if (features[i].effect <= 0)
			continue;
		listed++;
		wh_str_clear(&what);
		wh_str_add(&what, key, (size_t)(tab - key));
		wh_str_clear(&sentence);
		wh_contrast_sentence(&sentence, &features[i], what.data, tab + 1, "observations", n_inside, n_outside);
		wh_emit_object(out, NULL);
		wh_emit_string(out, "name", tab + 1);
		wh_emit_string(out, "kind", what.data);
		wh_emit_real(out, "score", features[i].score);
		wh_emit_real(out, "effect", features[i].effect);
		wh_emit_real(out, "p_value", features[i].p_value);
		wh_emit_integer(out, "inside", (int64_t)features[i].inside);
		wh_emit_integer(out, "outside", (int64_t)features[i].outside);
		wh_emit_string(out, "sentence", sentence.data);
		wh_emit_end(out);
	}
	wh_emit_end(out);
	int code = wh_str_check(&sentence, err);
	wh_str_release(&sentence);
	wh_str_release(&what);
	return code;
}

/* records[n] against all others, or against those of `against` (per record: true if it is one). */
static int contrast(struct explaining *x, const uint32_t *records, size_t n, const bool *against, struct wh_emit *out, struct wh_err *err)
{
	struct WH_VEC(struct wh_contrast_feature) features = { 0 };
	size_t n_outside = x->data.records.n - n;
	bool failed = false;
	memset(x->inside.data, 0, x->inside.n * sizeof *x->inside.data);
	for (size_t i = 0; !failed && i < n; i++) {
		failed = features_of(x, &x->data.records.data[records[i]]) != WH_OK;
		for (size_t k = 0; !failed && k < x->found.n; k++)
			if (!x->inside.data[x->found.data[k]]++)
				failed = wh_vec_push(&features, (struct wh_contrast_feature){ .feature = x->found.data[k] });
	}
	for (size_t i = 0; i < features.n; i++) {
		features.data[i].inside = x->inside.data[features.data[i].feature];
		features.data[i].outside = x->total.data[features.data[i].feature] - features.data[i].inside;
	}
	if (against) { /* not all the rest: count those there are */
		n_outside = 0;
		for (size_t i = 0; i < features.n; i++)
			features.data[i].outside = 0;
		memset(x->inside.data, 0, x->inside.n * sizeof *x->inside.data);
		for (size_t r = 0; !failed && r < x->data.records.n; r++) {
			if (!against[r])
				continue;
			n_outside++;
			failed = features_of(x, &x->data.records.data[r]) != WH_OK;
			for (size_t k = 0; !failed && k < x->found.n; k++)
				x->inside.data[x->found.data[k]]++;
		}
		for (size_t i = 0; i < features.n; i++)
			features.data[i].outside = x->inside.data[features.data[i].feature];
	}
	int code = failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	if (code == WH_OK && features.n)
		code = wh_contrast(features.data, features.n, n, n_outside, feature_name, &x->names, err);
	if (code == WH_OK)
		code = emit_features(x, features.data, features.n, n, n_outside, out, err);
	wh_vec_release(&features);
	return code;
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
	wh_emit_bytes(out, "title", title.data ? title.data : "", title.n);
	wh_str_release(&title);
	if (code == WH_OK)
		code = contrast(x, members, group->n_records, NULL, out, err);
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
	size_t n = 0;
	uint32_t *members = malloc((x->data.records.n + 1) * sizeof *members);
	bool *others = against ? calloc(x->data.records.n + 1, sizeof *others) : NULL;
	int code = members && (others || !against) ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (uint32_t r = 0; code == WH_OK && r < x->data.records.n; r++) {
		const char *group = x->data.records.data[r].group;
		if (group && !strcmp(group, id))
			members[n++] = r;
		if (against)
			others[r] = group && !strcmp(group, against);
	}
	wh_emit_array(out, "groups");
	wh_emit_object(out, NULL);
	wh_emit_string(out, "group", id);
	wh_emit_string(out, "against", against);
	wh_emit_integer(out, "size", (int64_t)n);
	if (code == WH_OK)
		code = contrast(x, members, n, others, out, err);
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
	double cut = 1 - wh_values_real(&x->model.params, "d");
	WH_TRY(wh_space_open(&space, &x->model, x->data.points, x->data.n_points, err));
	double similarity = a->point == b->point && !a->empty ? 1 : wh_space_similarity(&space, a->point, b->point);
	wh_emit_string(out, "a", a->id);
	wh_emit_string(out, "b", b->id);
	wh_emit_real(out, "similarity", similarity);
	wh_emit_real(out, "cut", cut);
	wh_emit_boolean(out, "alike", similarity >= cut);
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
	WH_TRY(count_totals(x, err));
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
		code = count_totals(x, err);
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
	wh_strtab_init(&x.names, SIZE_MAX);
	wh_emit_document(out, wh_verb_schema(call, "explanation", schema));
	int code = files ? wh_model_open(&x.model, call, err) : WH_OK;
	if (code == WH_OK)
		code = files ? explain_files(&x, out, err) : explain_store(&x, out, err);
	if (code == WH_OK)
		code = wh_emit_close(out, err);
	wh_grouping_release(&x.grouping);
	wh_dataset_release(&x.data);
	wh_strtab_release(&x.names);
	wh_vec_release(&x.found);
	wh_vec_release(&x.total);
	wh_vec_release(&x.stamp);
	wh_vec_release(&x.inside);
	wh_str_release(&x.key);
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
