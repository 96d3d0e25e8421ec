/* SPDX-License-Identifier: Apache-2.0 */
/* What explain says something of: all groups, one, one observation, or two of them held against each other. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/explain.h"
#include "pipeline/title.h"

/* ---- groups ---- */

struct sized {
	uint32_t group, n;
};

static int largest_first(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;
	return x->n != y->n ? (x->n > y->n ? -1 : 1) : x->group < y->group ? -1 : x->group > y->group;
}

static int emit_group(struct wh_explaining *x, uint32_t g, const uint32_t *members, struct wh_emit *out, struct wh_err *err)
{
	const struct wh_group *group = &x->grouping.groups[g];
	const struct wh_sides sides = { .records = members, .n = group->n_records, .n_outside = x->data.records.n - group->n_records };
	wh_emit_object(out, NULL);
	wh_emit_string(out, "group", group->id);
	wh_emit_integer(out, "size", group->n_records);
	int code = wh_title_emit(x->call->signal, x->data.points[group->representative], out, err);
	if (code == WH_OK)
		code = x->analysis->emit(x, &sides, out, err);
	wh_emit_end(out);
	return code;
}

int wh_explain_groups(struct wh_explaining *x, struct wh_emit *out, struct wh_err *err)
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
	wh_emit_string(out, "analysis", x->analysis->name);
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
int wh_explain_stored(struct wh_explaining *x, const char *id, const char *against, struct wh_emit *out, struct wh_err *err)
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
	wh_emit_string(out, "analysis", x->analysis->name);
	wh_emit_array(out, "groups");
	wh_emit_object(out, NULL);
	wh_emit_string(out, "group", id);
	wh_emit_string(out, "against", against);
	wh_emit_integer(out, "size", (int64_t)n);
	const struct wh_sides sides = { members, others, n, n_others, against ? n_others : x->data.records.n - n };
	if (code == WH_OK)
		code = x->analysis->emit(x, &sides, out, err);
	wh_emit_end(out);
	wh_emit_end(out);
	free(members);
	free(others);
	return code;
}

/* ---- one observation ---- */

int wh_explain_one(struct wh_explaining *x, size_t record, struct wh_emit *out, struct wh_err *err)
{
	const struct wh_record *one = &x->data.records.data[record];
	const uint32_t number = (uint32_t)record;
	const struct wh_sides sides = { .records = &number, .n = 1, .n_outside = x->data.records.n - 1 };
	wh_emit_string(out, "analysis", x->analysis->name);
	wh_emit_string(out, "id", one->id);
	wh_emit_string(out, "group", one->group);
	WH_TRY(wh_title_emit(x->call->signal, one->fingerprint, out, err));
	return x->analysis->emit(x, &sides, out, err);
}

/* ---- two observations ---- */

int wh_explain_pair(struct wh_explaining *x, const struct wh_record *a, const struct wh_record *b, struct wh_emit *out, struct wh_err *err)
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
