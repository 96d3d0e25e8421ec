/* SPDX-License-Identifier: Apache-2.0 */
/* compare: what became of each group from one version to another: fixed, persisting, new, back again. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "learn/contrast.h"
#include "pipeline/calibrate.h"
#include "pipeline/group.h"
#include "pipeline/listing.h"
#include "pipeline/standing.h"
#include "pipeline/title.h"
#include "pipeline/verbs.h"

static const double significant = 0.05;

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "by", .type = WH_PARAM_STRING, .initial = "version", .metavar = "ATTRIBUTE", .help = "what OLD and NEW are values of" },
	{ 0 },
};

struct compared {
	const char *id;          /* of the group */
	struct wh_bytes example; /* a fingerprint of it */
	size_t old, new, before; /* observations; before: of neither version, and earlier than every one of NEW */
	double p_value;
};

struct comparing {
	struct wh_call *call;
	struct wh_model model;
	struct wh_dataset data;
	struct wh_grouping grouping; /* of files, under one model */
	struct wh_standing standing; /* of files, under the store's several models: their records say which group */
	size_t attribute;            /* index in wh_signal.attributes */
	struct wh_strtab names;
	struct WH_VEC(struct compared) groups;
	size_t n_old, n_new;
	int64_t first_new_ns;
};

static const char *group_of(const struct comparing *c, const struct wh_record *record)
{
	return c->grouping.of_point ? c->grouping.groups[c->grouping.of_point[record->point]].id : record->group;
}

static int find_attribute(struct comparing *c, struct wh_err *err)
{
	const char *by = wh_values_string(&c->call->options, "by");
	struct wh_str all = { 0 };
	for (size_t i = 0; c->call->signal->attributes[i]; i++) {
		if (!strcmp(c->call->signal->attributes[i], by)) {
			c->attribute = i;
			wh_str_release(&all);
			return WH_OK;
		}
		wh_str_printf(&all, "%s%s", i ? ", " : "", c->call->signal->attributes[i]);
	}
	wh_err_set(err, WH_E_USAGE, "--by %s: no attribute of %s; there are %s", by, c->call->signal->noun, all.data ? all.data : "none");
	wh_str_release(&all);
	return WH_E_USAGE;
}

static int count(struct comparing *c, const struct wh_record *record, const char *old, const char *new, struct wh_err *err)
{
	const char *group = group_of(c, record), *value = record->attributes[c->attribute];
	if (!group || !value)
		return WH_OK;
	bool is_old = !strcmp(value, old), is_new = !strcmp(value, new);
	uint32_t at = wh_strtab_add(&c->names, group, strlen(group));
	if (at == WH_STRTAB_NONE ||
	    (at == c->groups.n && wh_vec_push(&c->groups, (struct compared){ .id = group, .example = record->fingerprint })))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct compared *compared = &c->groups.data[at];
	compared->old += is_old;
	compared->new += is_new;
	compared->before += !is_old && !is_new && record->time_ns < c->first_new_ns;
	c->n_old += is_old;
	c->n_new += is_new;
	return WH_OK;
}

static int count_all(struct comparing *c, struct wh_err *err)
{
	const char *old = c->call->operands[0], *new = c->call->operands[1];
	c->first_new_ns = INT64_MAX;
	for (size_t i = 0; i < c->data.records.n; i++) {
		const struct wh_record *record = &c->data.records.data[i];
		const char *value = record->attributes[c->attribute];
		if (value && !strcmp(value, new) && record->time_ns < c->first_new_ns)
			c->first_new_ns = record->time_ns;
	}
	for (size_t i = 0; i < c->data.records.n; i++)
		WH_TRY(count(c, &c->data.records.data[i], old, new, err));
	const char *by = c->call->signal->attributes[c->attribute];
	if (!c->n_old || !c->n_new)
		return wh_err_set(err, WH_E_NOTFOUND, "no observation in a %s has %s %s", c->call->signal->group_noun, by, c->n_old ? new : old);
	return WH_OK;
}

static int test(struct comparing *c, struct wh_err *err)
{
	double *p = malloc((c->groups.n + 1) * sizeof *p);
	if (!p)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t g = 0; g < c->groups.n; g++) {
		const struct compared *compared = &c->groups.data[g];
		p[g] = wh_fisher_exact(compared->old, c->n_old - compared->old, compared->new, c->n_new - compared->new);
	}
	int code = wh_adjust_bh(p, c->groups.n, err);
	for (size_t g = 0; code == WH_OK && g < c->groups.n; g++)
		c->groups.data[g].p_value = p[g];
	free(p);
	return code;
}

/* Nothing of NEW proves nothing while so few of it were seen. */
static const char *change_of(const struct compared *c)
{
	if (c->old && c->new)
		return c->p_value > significant ? "persisting" : "changed";
	if (c->new)
		return c->before ? "back" : "new";
	return c->p_value <= significant ? "fixed" : "unseen";
}

static int rank(const struct compared *c)
{
	static const char *const order[] = { "new", "back", "changed", "persisting", "fixed", "unseen" };
	int at = 0;
	while (strcmp(order[at], change_of(c)) != 0)
		at++;
	return at;
}

static int by_change(const void *a, const void *b)
{
	const struct compared *x = a, *y = b;
	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	size_t n = x->old + x->new, m = y->old + y->new;
	return n != m ? (n > m ? -1 : 1) : strcmp(x->id, y->id);
}

static int emit(struct comparing *c, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "change", "group", "old", "new", "share_old", "share_new", "p_value", "title", NULL };
	char schema[WH_SCHEMA];
	qsort(c->groups.data, c->groups.n, sizeof *c->groups.data, by_change);
	wh_emit_records(out, wh_verb_schema(c->call, "comparison", schema), columns);
	for (size_t g = 0; g < c->groups.n; g++) {
		const struct compared *compared = &c->groups.data[g];
		const char *change = change_of(compared);
		if (!compared->old && !compared->new)
			continue;
		wh_emit_object(out, NULL);
		wh_emit_string(out, "change", change);
		wh_emit_string(out, "group", compared->id);
		wh_emit_integer(out, "old", (int64_t)compared->old);
		wh_emit_integer(out, "new", (int64_t)compared->new);
		wh_emit_real(out, "share_old", (double)compared->old / (double)c->n_old);
		wh_emit_real(out, "share_new", (double)compared->new / (double)c->n_new);
		wh_emit_real(out, "p_value", compared->p_value);
		WH_TRY(wh_title_emit(c->call->signal, compared->example, out, err));
		wh_emit_end(out);
		c->call->found |= !strcmp(change, "new") || !strcmp(change, "back");
	}
	return wh_emit_close(out, err);
}

/* Each observation of files in the group that its model puts it in. */
static int locate(struct comparing *c, struct wh_err *err)
{
	size_t waiting = 0;
	for (size_t i = 0; i < c->data.records.n; i++) {
		struct wh_record *record = &c->data.records.data[i];
		struct wh_choice choice;
		struct wh_location location;
		WH_TRY(wh_models_choose(&c->standing.models, record->attributes, &choice, err));
		waiting += !choice.held;
		if (!choice.held)
			continue;
		WH_TRY(wh_held_locate(choice.held, record->fingerprint, &location, err));
		record->group = choice.held->model->groups.data[location.group].id;
	}
	if (waiting)
		wh_host_log(c->call->host, WH_WARNING, "%zu observations are left out: there is no model for them yet (see train --per)", waiting);
	return WH_OK;
}

/* Whether the store has several models for these files. */
static int find_several(struct comparing *c, bool *several, struct wh_err *err)
{
	struct wh_err why = { 0 };
	*several = false;
	if (!c->call->store_given || wh_values_string(&c->call->options, "model"))
		return WH_OK;
	int code = wh_standing_open(&c->standing, c->call, WH_STORE_READ, &why);
	*several = code == WH_OK && c->standing.models.n_per;
	return code == WH_OK || code == WH_E_NOTFOUND ? WH_OK : wh_err_set(err, code, "%s", why.message);
}

/* From files: grouped all together, under the model where there is one, or under those of the store. From the store: the groups that stand. */
static int load(struct comparing *c, struct wh_err *err)
{
	struct wh_call *call = c->call;
	const char *const *paths = call->operands + 2;
	size_t n_paths = call->n_operands - 2;
	if (!n_paths)
		return wh_dataset_load_paths(&c->data, call, &c->model, NULL, 0, WH_LOAD_ATTRIBUTES, err);
	WH_TRY(wh_dataset_load_paths(&c->data, call, &c->model, paths, n_paths, WH_LOAD_ATTRIBUTES, err));
	WH_TRY(wh_dataset_need(&c->data, err));
	bool several;
	WH_TRY(find_several(c, &several, err));
	if (several)
		return locate(c, err);
	WH_TRY(wh_calibrate_default(&c->model, call, &c->data, err));
	return wh_group(&c->grouping, &c->data, &c->model, NULL, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct comparing c = { .call = call };
	struct wh_call store_call = *call;
	store_call.n_operands -= 2;
	wh_strtab_init(&c.names, SIZE_MAX);
	int code = find_attribute(&c, err);
	if (code == WH_OK)
		code = wh_standing_model(&c.model, &store_call, err);
	if (code == WH_OK)
		code = load(&c, err);
	if (code == WH_OK)
		code = wh_dataset_need(&c.data, err);
	if (code == WH_OK)
		code = count_all(&c, err);
	if (code == WH_OK)
		code = test(&c, err);
	if (code == WH_OK)
		code = emit(&c, out, err);
	wh_strtab_release(&c.names);
	wh_vec_release(&c.groups);
	wh_grouping_release(&c.grouping);
	wh_dataset_release(&c.data);
	wh_standing_close(&c.standing);
	wh_model_release(&c.model);
	return code;
}

const struct wh_verb wh_verb_compare = {
	.name = "compare",
	.operands = "OLD NEW [INPUT…]",
	.least = 2,
	.most = SIZE_MAX,
	.summary = "what became of each group from one version to another",
	.description =
		"Counts the observations of every group that have OLD and NEW as their version (--by: another attribute), in the store's groups or,\n"
		"with INPUT, in groups made of those files. Each group is new, back (not in OLD, but seen before NEW), changed (its share differs),\n"
		"persisting, fixed (in OLD, and too often for its absence from NEW to be chance), or unseen (absent, but that may be chance). The\n"
		"p-value is of the group's share in OLD and NEW: Fisher's exact test, corrected for all groups (Benjamini and Hochberg).\n"
		"\n"
		"With --exit-code, exits with 3 where a group is new or back.\n",
	.examples = "whorl NOUN compare 1.0 1.1\n"
		    "whorl NOUN compare --by platform linux-x86_64 linux-arm64 reports/\n",
	.result = "comparison",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
