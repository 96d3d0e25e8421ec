/* SPDX-License-Identifier: Apache-2.0 */
/* report: a summary for people. The groups, the bug report of one, SARIF for code hosts, a page to look at. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/time.h"
#include "pipeline/calibrate.h"
#include "pipeline/output.h"
#include "pipeline/standing.h"
#include "pipeline/survey.h"
#include "pipeline/verbs.h"

#define STATE_REPORTED "reported"
enum { MOST_COLUMNS = 32 };

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "bug", .type = WH_PARAM_STRING, .metavar = "ID", .help = "the bug report of the group, or of the group of the observation, with this id" },
	{ .name = "hits", .type = WH_PARAM_INT, .lo = 1, .hi = 1e9, .metavar = "N",
	  .help = "the bug reports of all groups with at least N observations; of a store, each only once" },
	{ .name = "html", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "also write a self-contained interactive page" },
	{ .name = "map", .type = WH_PARAM_PATH, .metavar = "FILE",
	  .help = "also write the map of the observations alone, as SVG (methods that give them a place); -: standard output" },
	{ .name = "markdown", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "write bug reports as Markdown here instead; -: standard output" },
	{ .name = "sarif", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "write SARIF 2.1.0 here instead; -: standard output" },
	{ .name = "summary", .type = WH_PARAM_FLAG, .help = "print the figures of the whole instead of the groups" },
	{ .name = "sort", .type = WH_PARAM_CHOICE, .initial = "hits", .choices = "hits|last|first|growth",
	  .help = "most observations, newest observation, newest group, or most growth first" },
	{ .name = "since", .type = WH_PARAM_STRING, .metavar = "TIME",
	  .help = "only groups observed since; those not seen before are new (and found, for --exit-code)" },
	{ .name = "limit", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1e9, .metavar = "N", .help = "at most this many groups; 0: all" },
	{ .name = "details", .type = WH_PARAM_INT, .initial = "500", .lo = 0, .hi = 100000, .metavar = "N",
	  .help = "groups of the page that can be looked into, the largest first" },
	{ 0 },
};

struct reporting {
	struct wh_call *call;
	struct wh_standing standing; /* where there are no operands */
	struct wh_model own, *model; /* where there are */
	struct wh_dataset data;
	struct wh_grouping grouping;
	struct wh_notes notes;
	struct wh_constraints constraints;
	struct wh_strtab ids; /* of groups: number == the caller's number of a survey */
	uint32_t *group;      /* per record */
	const char **names;   /* per group */
	struct wh_report report;
	struct wh_survey survey;
	bool surveyed;
	struct WH_VEC(uint32_t) bugs; /* groups to write bug reports of */
	uint32_t *listed;
	struct wh_strtab reported; /* ids of groups that were */
};

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* ---- what to report on ---- */

static bool wants_details(const struct wh_call *call)
{
	const struct wh_values *o = &call->options;
	return wh_values_given(o, "hits") || wh_values_string(o, "bug") || wh_values_string(o, "html") || wh_values_string(o, "sarif") ||
	       wh_values_string(o, "markdown");
}

static int make_room(struct reporting *r, struct wh_err *err)
{
	r->group = malloc((r->data.records.n + 1) * sizeof *r->group);
	return r->group ? WH_OK : no_memory(err);
}

static int load_files(struct reporting *r, struct wh_err *err)
{
	unsigned flags = WH_LOAD_ATTRIBUTES | (wants_details(r->call) ? WH_LOAD_BODY : 0);
	WH_TRY(wh_model_open(&r->own, r->call, err));
	r->model = &r->own;
	WH_TRY(wh_dataset_load(&r->data, r->call, r->model, flags, err));
	WH_TRY(wh_dataset_need(&r->data, err));
	WH_TRY(wh_calibrate_default(r->model, r->call, &r->data, err));
	WH_TRY(wh_group(&r->grouping, &r->data, r->model, NULL, err));
	WH_TRY(make_room(r, err));
	for (size_t g = 0; g < r->grouping.n; g++)
		if (wh_strtab_add(&r->ids, r->grouping.groups[g].id, strlen(r->grouping.groups[g].id)) != g)
			return no_memory(err);
	for (size_t i = 0; i < r->data.records.n; i++)
		r->group[i] = r->grouping.of_point[r->data.records.data[i].point];
	return WH_OK;
}

static int load_store(struct reporting *r, struct wh_err *err)
{
	struct wh_standing *standing = &r->standing;
	bool remembers = wh_values_given(&r->call->options, "hits");
	WH_TRY(wh_standing_open(standing, r->call, remembers ? WH_STORE_WRITE : WH_STORE_READ, err));
	r->model = &standing->model;
	WH_TRY(wh_store_begin(standing->store, err)); /* one state for all that is read */
	WH_TRY(wh_standing_load(standing, WH_LOAD_ATTRIBUTES, &r->data, err));
	WH_TRY(wh_dataset_need(&r->data, err));
	WH_TRY(wh_standing_constraints(standing, &r->data, &r->constraints, err));
	WH_TRY(wh_notes_load(&r->notes, r->call, err));
	WH_TRY(make_room(r, err));
	for (size_t i = 0; i < r->data.records.n; i++) {
		const char *group = r->data.records.data[i].group;
		r->group[i] = group ? wh_strtab_add(&r->ids, group, strlen(group)) : WH_NO_GROUP;
		if (group && r->group[i] == WH_STRTAB_NONE)
			return no_memory(err);
	}
	if (!r->ids.n)
		return wh_err_set(err, WH_E_NOTFOUND, "%s: none of its %zu observations is in a %s yet (see assign)", r->call->store,
				  r->data.records.n, r->call->signal->group_noun);
	return WH_OK;
}

/* "reports, more", for the page's title. */
static int name_source(struct reporting *r, struct wh_err *err)
{
	const char *first = r->call->n_operands ? r->call->operands[0] : r->call->store, *end = first + strlen(first), *name;
	while (end > first + 1 && end[-1] == '/')
		end--;
	for (name = end; name > first && name[-1] != '/';)
		name--;
	if (r->call->n_operands > 1)
		r->report.source = wh_arena_printf(&r->report.arena, "%.*s and %zu more", (int)(end - name), name, r->call->n_operands - 1);
	else
		r->report.source = wh_arena_strndup(&r->report.arena, name, (size_t)(end - name));
	return r->report.source ? WH_OK : no_memory(err);
}

static int survey(struct reporting *r, struct wh_err *err)
{
	const char *since = wh_values_string(&r->call->options, "since");
	struct wh_surveyed of = { .call = r->call, .model = r->model, .data = &r->data, .group = r->group, .n_groups = r->ids.n,
				  .constraints = &r->constraints, .notes = r->call->n_operands ? NULL : &r->notes,
				  .store = r->standing.store, .since_ns = WH_REPORT_NO_TIME, .location = r->grouping.location };
	if (since && wh_time_parse(since, strlen(since), &of.since_ns))
		return wh_err_set(err, WH_E_USAGE, "--since %s: not a time such as 2026-11-20 or 2026-11-20T10:00:00Z", since);
	r->names = malloc((r->ids.n + 1) * sizeof *r->names);
	if (!r->names)
		return no_memory(err);
	for (uint32_t g = 0; g < r->ids.n; g++)
		r->names[g] = wh_strtab_get(&r->ids, g).data;
	of.ids = r->names;
	r->surveyed = true;
	WH_TRY(wh_survey_open(&r->survey, &of, &r->report, err));
	for (size_t g = 0; g < r->report.n_groups; g++)
		r->call->found = r->call->found || r->report.groups[g].is_new;
	return name_source(r, err);
}

/* ---- which groups, in which order ---- */

struct listed {
	uint32_t group;
	double key; /* most first */
};

static int by_key(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	if (x->key != y->key)
		return x->key > y->key ? -1 : 1;
	return x->group < y->group ? -1 : x->group > y->group;
}

static double key_of(const struct wh_report_group *group, const char *sort)
{
	int64_t time_ns = *sort == 'l' ? group->last_ns : group->first_ns;
	if (*sort == 'h')
		return (double)group->observations;
	if (*sort == 'g')
		return group->growth;
	return time_ns == WH_REPORT_NO_TIME ? -HUGE_VAL : (double)time_ns;
}

static int list_groups(struct reporting *r, struct wh_err *err)
{
	struct wh_report *report = &r->report;
	const char *sort = wh_values_string(&r->call->options, "sort");
	size_t limit = (size_t)wh_values_int(&r->call->options, "limit"), n = 0;
	struct listed *order = malloc((report->n_groups + 1) * sizeof *order);
	r->listed = malloc((report->n_groups + 1) * sizeof *r->listed);
	if (!order || !r->listed) {
		free(order);
		return no_memory(err);
	}
	for (uint32_t g = 0; g < report->n_groups; g++) {
		const struct wh_report_group *group = &report->groups[g];
		bool since = report->since_ns == WH_REPORT_NO_TIME || (group->last_ns != WH_REPORT_NO_TIME && group->last_ns >= report->since_ns);
		if (since)
			order[n++] = (struct listed){ g, key_of(group, sort) };
	}
	qsort(order, n, sizeof *order, by_key);
	for (size_t i = 0; i < n; i++)
		r->listed[i] = order[i].group;
	free(order);
	report->listed = r->listed;
	report->n_matching = n;
	report->n_listed = limit && limit < n ? limit : n;
	return WH_OK;
}

static uint32_t group_of_observation(const struct reporting *r, const char *id)
{
	size_t at = wh_dataset_find(&r->data, id);
	if (at == SIZE_MAX || r->group[at] == WH_NO_GROUP)
		return WH_NO_GROUP;
	for (uint32_t g = 0; g < r->report.n_groups; g++)
		if (!strcmp(r->report.groups[g].id, r->names[r->group[at]]))
			return g;
	return WH_NO_GROUP;
}

static int find_bug(struct reporting *r, const char *id, struct wh_err *err)
{
	char *current = NULL;
	uint32_t found = WH_NO_GROUP;
	if (r->standing.store && wh_store_resolve_group(r->standing.store, r->call->signal->noun, id, &current, NULL) != WH_OK)
		current = NULL;
	for (uint32_t g = 0; g < r->report.n_groups && found == WH_NO_GROUP; g++)
		if (!strcmp(r->report.groups[g].id, current ? current : id))
			found = g;
	free(current);
	if (found == WH_NO_GROUP)
		found = group_of_observation(r, id);
	if (found == WH_NO_GROUP)
		return wh_err_set(err, WH_E_NOTFOUND, "%s: neither a %s nor an observation in one", id, r->call->signal->group_noun);
	return wh_vec_push(&r->bugs, found) ? no_memory(err) : WH_OK;
}

/* ---- what was reported before: ids, a line each, in the store ---- */

static int take_reported(void *user, struct wh_bytes state, struct wh_err *err)
{
	struct reporting *r = user;
	for (const char *p = state.data, *end = p + state.size; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		if (wh_strtab_add(&r->reported, p, (size_t)(stop - p)) == WH_STRTAB_NONE)
			return no_memory(err);
		p = stop + 1;
	}
	return WH_OK;
}

static int find_hits(struct reporting *r, struct wh_err *err)
{
	size_t least = (size_t)wh_values_int(&r->call->options, "hits");
	if (r->standing.store) {
		int code = wh_store_get_state(r->standing.store, r->call->signal->noun, STATE_REPORTED, take_reported, r, err);
		if (code != WH_OK && code != WH_E_NOTFOUND)
			return code;
	}
	for (uint32_t g = 0; g < r->report.n_groups && r->report.groups[g].observations >= least; g++) {
		const char *id = r->report.groups[g].id;
		if (wh_strtab_find(&r->reported, id, strlen(id)) == WH_STRTAB_NONE && wh_vec_push(&r->bugs, g))
			return no_memory(err);
	}
	return WH_OK;
}

static int remember_reported(struct reporting *r, struct wh_err *err)
{
	struct wh_str state = { 0 };
	for (size_t i = 0; i < r->bugs.n; i++) {
		const char *id = r->report.groups[r->bugs.data[i]].id;
		if (wh_strtab_add(&r->reported, id, strlen(id)) == WH_STRTAB_NONE)
			return no_memory(err);
	}
	for (uint32_t i = 0; i < r->reported.n; i++) {
		wh_str_puts(&state, wh_strtab_get(&r->reported, i).data);
		wh_str_putc(&state, '\n');
	}
	int code = wh_str_check(&state, err);
	if (code == WH_OK)
		code = wh_store_set_state(r->standing.store, r->call->signal->noun, STATE_REPORTED, (struct wh_bytes){ state.data, state.n }, err);
	if (code == WH_OK)
		code = wh_store_commit(r->standing.store, err);
	wh_str_release(&state);
	return code;
}

/* ---- writing ---- */

static int write_page(struct reporting *r, const char *path, struct wh_err *err)
{
	size_t most = (size_t)wh_values_int(&r->call->options, "details");
	struct wh_str page = { 0 };
	for (uint32_t g = 0; g < r->report.n_groups && g < most; g++) {
		if (wh_host_cancelled(r->call->host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
		WH_TRY(wh_survey_detail(&r->survey, g, err));
		wh_host_progress(r->call->host, "describing", g + 1, r->report.n_groups < most ? r->report.n_groups : most);
	}
	WH_TRY(wh_survey_tree(&r->survey, err));
	WH_TRY(wh_survey_choice(&r->survey, err));
	WH_TRY(wh_survey_map(&r->survey, err));
	int code = wh_report_html(&r->report, &page, err);
	if (code == WH_OK)
		code = wh_output_write(path, &page, err);
	if (code == WH_OK)
		wh_host_log(r->call->host, WH_INFO, "%s: %zu %ss, %zu of them in detail", path, r->report.n_groups, r->call->signal->group_noun,
			    r->report.n_detailed);
	wh_str_release(&page);
	return code;
}

/* The map alone; that of the page, if there is one. */
static int write_map(struct reporting *r, const char *path, struct wh_err *err)
{
	struct wh_str text = { 0 };
	if (!r->report.map)
		WH_TRY(wh_survey_map(&r->survey, err));
	if (!r->report.map)
		return wh_err_set(err, WH_E_USAGE, "--map: the method %s gives %ss no place, or these are too few or too many for a map", r->model->method->name,
				  r->call->signal->noun);
	wh_str_puts(&text, r->report.map);
	int code = wh_str_check(&text, err);
	if (code == WH_OK)
		code = wh_output_write(path, &text, err);
	wh_str_release(&text);
	return code;
}

static int write_sarif(struct reporting *r, const char *path, struct wh_err *err)
{
	struct wh_str text = { 0 };
	for (size_t i = 0; i < r->report.n_listed; i++)
		WH_TRY(wh_survey_detail(&r->survey, r->report.listed[i], err));
	int code = wh_report_sarif(&r->report, &text, err);
	if (code == WH_OK)
		code = wh_output_write(path, &text, err);
	wh_str_release(&text);
	return code;
}

static int write_markdown(struct reporting *r, const char *path, struct wh_err *err)
{
	struct wh_str text = { 0 };
	int code = WH_OK;
	for (size_t i = 0; code == WH_OK && i < r->bugs.n; i++) {
		if (i)
			wh_str_puts(&text, "\n---\n\n");
		code = wh_report_markdown(&r->report, &r->report.groups[r->bugs.data[i]], &text, err);
	}
	if (code == WH_OK)
		code = wh_output_write(path, &text, err);
	wh_str_release(&text);
	return code;
}

/* ---- events ---- */

static int emit_bugs(struct reporting *r, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "group", "observations", "share", "first", "last", "title", NULL };
	char schema[WH_SCHEMA];
	bool one = wh_values_string(&r->call->options, "bug") != NULL;
	if (one)
		wh_emit_document(out, wh_verb_schema(r->call, "bug", schema));
	else
		wh_emit_records(out, wh_verb_schema(r->call, "bug", schema), columns);
	for (size_t i = 0; i < r->bugs.n; i++) {
		const struct wh_report_group *group = &r->report.groups[r->bugs.data[i]];
		if (!one)
			wh_emit_object(out, NULL);
		wh_report_emit_group(&r->report, group, out);
		wh_report_emit_details(&r->report, group, out);
		if (!one)
			wh_emit_end(out);
	}
	return wh_emit_close(out, err);
}

static int emit_summary(struct reporting *r, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	wh_emit_document(out, wh_verb_schema(r->call, "summary", schema));
	wh_report_emit_summary(&r->report, out);
	return wh_emit_close(out, err);
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

static int emit_groups(struct reporting *r, struct wh_emit *out, struct wh_err *err)
{
	const char *columns[MOST_COLUMNS + 1] = { "group", "observations", "share", "distinct", "sparkline", "suspect", "title",
						  "label", "notes", "first", "last", "versions" };
	char schema[WH_SCHEMA];
	size_t n = 12;
	if (r->report.since_ns != WH_REPORT_NO_TIME)
		columns[n++] = "is_new";
	for (size_t a = 0; r->call->signal->attributes[a] && n < MOST_COLUMNS; a++)
		if (!ends_with(r->call->signal->attributes[a], "version"))
			columns[n++] = r->call->signal->attributes[a];
	wh_emit_records(out, wh_verb_schema(r->call, "report", schema), columns);
	for (size_t i = 0; i < r->report.n_listed; i++) {
		wh_emit_object(out, NULL);
		wh_report_emit_group(&r->report, &r->report.groups[r->report.listed[i]], out);
		wh_emit_end(out);
	}
	return wh_emit_close(out, err);
}

static void say_summary(const struct reporting *r)
{
	const struct wh_report *report = &r->report;
	const struct wh_host *host = r->call->host;
	const char *noun = report->group_noun;
	double of = report->observations ? 100 / (double)report->observations : 0, groups = report->n_groups ? 100 / (double)report->n_groups : 0;
	wh_host_log(host, WH_INFO, "%zu observations (%zu distinct) in %zu %ss; %zu %ss (%.1f %%) hold 80 %% of the observations",
		    report->observations, report->distinct, report->n_groups, noun, report->groups_of_80, noun, (double)report->groups_of_80 * groups);
	wh_host_log(host, WH_INFO, "one-hit wonders: %zu (%.1f %% of the %ss, %.1f %% of the observations)", report->once_groups,
		    (double)report->once_groups * groups, noun, (double)report->once_groups * of);
	wh_host_log(host, WH_INFO, "second %ss: %zu (%.1f %% of the %ss, %.1f %% of the observations)", noun, report->second_groups,
		    (double)report->second_groups * groups, noun, (double)report->second_observations * of);
	if (report->ungrouped)
		wh_host_log(host, WH_WARNING, "%zu observations are in no %s yet: assign them", report->ungrouped, noun);
}

/* ---- the verb ---- */

static int find_bugs(struct reporting *r, struct wh_err *err)
{
	const struct wh_values *o = &r->call->options;
	if (wh_values_string(o, "bug"))
		WH_TRY(find_bug(r, wh_values_string(o, "bug"), err));
	else if (wh_values_given(o, "hits"))
		WH_TRY(find_hits(r, err));
	else if (wh_values_string(o, "markdown"))
		for (size_t i = 0; i < r->report.n_listed; i++)
			if (wh_vec_push(&r->bugs, r->report.listed[i]))
				return no_memory(err);
	for (size_t i = 0; i < r->bugs.n; i++)
		WH_TRY(wh_survey_detail(&r->survey, r->bugs.data[i], err));
	return WH_OK;
}

static int report(struct reporting *r, struct wh_emit *out, struct wh_err *err)
{
	const struct wh_values *o = &r->call->options;
	const char *page = wh_values_string(o, "html"), *sarif = wh_values_string(o, "sarif"), *markdown = wh_values_string(o, "markdown");
	const char *map = wh_values_string(o, "map");
	bool hits = wh_values_given(o, "hits"), bugs = hits || wh_values_string(o, "bug") || markdown;
	if (bugs && !markdown && !r->call->format_given)
		markdown = "-"; /* bug reports are for people, unless somebody said otherwise */
	WH_TRY(r->call->n_operands ? load_files(r, err) : load_store(r, err));
	WH_TRY(survey(r, err));
	WH_TRY(list_groups(r, err));
	WH_TRY(find_bugs(r, err));
	if (page)
		WH_TRY(write_page(r, page, err));
	if (map)
		WH_TRY(write_map(r, map, err));
	if (sarif)
		WH_TRY(write_sarif(r, sarif, err));
	if (markdown)
		WH_TRY(write_markdown(r, markdown, err));
	else if (bugs)
		WH_TRY(emit_bugs(r, out, err));
	else if (wh_values_flag(o, "summary"))
		WH_TRY(emit_summary(r, out, err));
	else if (!sarif && !(page && !strcmp(page, "-")) && !(map && !strcmp(map, "-")))
		WH_TRY(emit_groups(r, out, err));
	if (hits && r->standing.store)
		WH_TRY(remember_reported(r, err));
	if (!bugs)
		say_summary(r);
	return WH_OK;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct reporting r = { .call = call };
	wh_strtab_init(&r.ids, SIZE_MAX);
	wh_strtab_init(&r.reported, SIZE_MAX);
	wh_report_init(&r.report);
	int code = report(&r, out, err);
	if (r.surveyed)
		wh_survey_close(&r.survey);
	wh_report_release(&r.report);
	wh_grouping_release(&r.grouping);
	wh_dataset_release(&r.data);
	wh_constraints_release(&r.constraints);
	wh_notes_release(&r.notes);
	wh_strtab_release(&r.ids);
	wh_strtab_release(&r.reported);
	wh_vec_release(&r.bugs);
	free(r.group);
	free(r.names);
	free(r.listed);
	wh_model_release(&r.own);
	wh_standing_close(&r.standing);
	return code;
}

const struct wh_verb wh_verb_report = {
	.name = "report",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "a summary of the groups, for people",
	.description =
		"Prints one line a group, most observations first: how many, since when, in which versions, how they are spread over time (one\n"
		"scale for all lines), and what to suspect. With INPUT, files are grouped as by cluster; without, the store's groups are taken\n"
		"as they stand.\n"
		"\n"
		"Suspects: a _one-hit wonder_ is a group of one observation; a _second_ group is nearer to a larger one than halfway between\n"
		"having nothing in common and the cut: its similarity is at least (1 - d) / 2. Their shares are said at the end, with how\n"
		"many groups hold 80 % of the observations (--summary prints these figures instead).\n"
		"\n"
		"--bug and --hits give bug reports: what was seen, since when, what sets it apart from the rest, the representative in full,\n"
		"its other faces, and its neighbours. --html writes a page with all of that which needs no network.\n"
		"Where a method gives observations a place (sessions), it begins with a map of them (t-SNE: neighbours are alike) and the indices\n"
		"over the number of groups; and each group has an exemplar, with the series that set the group apart on top.\n"
		"\n"
		"Growth, for --sort: observations in a sixteenth of the period, on average over its last quarter, less those before.\n",
	.examples = "whorl NOUN report reports/\n"
		    "whorl NOUN report --html report.html reports/\n"
		    "whorl NOUN report --bug g0123456789ab --markdown bug.md\n"
		    "whorl NOUN report --hits 10 --markdown -\n",
	.result = "report",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
