/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of methods that place: made from the points and kept in the model, or taken from it. What people say is about the ids: groups
 * that they hold together have one id from then on, so that what comes later goes there, too; an observation that they hold apart from
 * others of its group has a group of its own.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disjoint.h"
#include "base/strtab.h"
#include "pipeline/group.h"

struct placed {
	struct wh_grouping *grouping;
	struct wh_dataset *data;
	struct wh_model *model;
	bool fresh;       /* the groups were made just now */
	size_t n_numbers; /* groups of the model */
	uint32_t *of;     /* per point: number of its group; n_numbers and more: held apart */
	size_t n_apart;
	uint32_t *parent; /* per number, and per group held apart */
};

static int make(struct placed *p, struct wh_space *space, struct wh_err *err)
{
	p->fresh = true;
	WH_TRY(p->model->method->group(space->state, p->data->weight, p->model->host, p->of, &p->n_numbers, err));
	wh_str_clear(&p->model->state);
	return p->model->method->save(space->state, &p->model->state, err);
}

static int locate(struct placed *p, const struct wh_space *space, struct wh_err *err)
{
	for (size_t i = 0; i < p->data->n_points; i++) {
		struct wh_location *at = &p->grouping->location[i];
		if (p->fresh) { /* its groups have no names yet, and nothing is new to them */
			WH_TRY(p->model->method->locate(space->state, i, at, err));
			at->is_new = false;
		} else {
			WH_TRY(wh_space_locate(space, p->model, i, at, err));
			p->of[i] = at->group;
		}
		if (i % 256 == 0)
			wh_host_progress(p->model->host, "locating", i, p->data->n_points);
		if (wh_host_cancelled(p->model->host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return WH_OK;
}

/* ---- what people say ---- */

/* Groups of the model that have one id are one. */
static int unite_named(struct placed *p)
{
	struct wh_strtab ids;
	int code = WH_OK;
	wh_strtab_init(&ids, SIZE_MAX);
	uint32_t *first = malloc((p->n_numbers + 1) * sizeof *first);
	for (uint32_t k = 0; first && code == WH_OK && !p->fresh && k < p->n_numbers; k++) {
		const char *id = p->model->groups.data[k].id;
		size_t before = ids.n;
		uint32_t number = wh_strtab_add(&ids, id, strlen(id));
		if (number == WH_STRTAB_NONE)
			code = WH_E_NOMEM;
		else if (ids.n > before)
			first[number] = k;
		else
			wh_disjoint_unite(p->parent, first[number], k);
	}
	free(first);
	wh_strtab_release(&ids);
	return first ? code : WH_E_NOMEM;
}

static int obey(struct placed *p, const struct wh_constraints *constraints, struct wh_err *err)
{
	size_t n_together = constraints ? constraints->together.n : 0, n_apart = constraints ? constraints->apart.n : 0;
	p->parent = malloc((p->n_numbers + n_apart + 1) * sizeof *p->parent);
	for (uint32_t k = 0; p->parent && k < p->n_numbers + n_apart; k++)
		p->parent[k] = k;
	if (!p->parent || unite_named(p) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	const struct wh_record *records = p->data->records.data;
	for (size_t k = 0; k < n_together; k++) {
		const struct wh_record_pair *pair = &constraints->together.data[k];
		wh_disjoint_unite(p->parent, p->of[records[pair->a].point], p->of[records[pair->b].point]);
	}
	for (size_t k = 0; k < n_apart; k++) {
		uint32_t a = records[constraints->apart.data[k].a].point, b = records[constraints->apart.data[k].b].point;
		if (a != b && wh_disjoint_root(p->parent, p->of[a]) == wh_disjoint_root(p->parent, p->of[b]))
			p->of[b] = (uint32_t)(p->n_numbers + p->n_apart++);
	}
	return WH_OK;
}

/* ---- description ---- */

static void name_grouping(struct placed *p)
{
	for (uint32_t k = 0; k < p->n_numbers; k++)
		if (p->grouping->of_number[k] != UINT32_MAX)
			memcpy(p->grouping->groups[p->grouping->of_number[k]].id, p->model->groups.data[k].id, WH_GROUP_ID);
}

/* Names for all groups of the model; one without an observation has the name of the group it is one with, or none. */
static int name_model(struct placed *p, struct wh_err *err)
{
	if (wh_vec_reserve(&p->model->groups, p->n_numbers + 1))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	p->model->groups.n = p->n_numbers;
	memset(p->model->groups.data, 0, p->n_numbers * sizeof *p->model->groups.data);
	wh_group_name_model(p->grouping, p->model);
	return WH_OK;
}

void wh_group_name_model(const struct wh_grouping *grouping, struct wh_model *model)
{
	for (uint32_t k = 0; grouping->of_number && k < model->groups.n; k++)
		if (grouping->of_number[k] != UINT32_MAX)
			memcpy(model->groups.data[k].id, grouping->groups[grouping->of_number[k]].id, WH_GROUP_ID);
}

/* From numbers of the model to groups that have points. */
static int describe(struct placed *p, struct wh_err *err)
{
	size_t n_all = p->n_numbers + p->n_apart, n_points = p->data->n_points, n = 0;
	uint32_t *dense = malloc((n_all + 1) * sizeof *dense), *of_point = malloc((n_points + 1) * sizeof *of_point);
	uint32_t *described = malloc((n_all + 1) * sizeof *described);
	int code = dense && of_point && described ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_location *location = p->grouping->location;
	uint32_t *of_number = p->grouping->of_number;
	if (code == WH_OK) {
		memset(dense, 0xff, (n_all + 1) * sizeof *dense);
		memset(described, 0xff, (n_all + 1) * sizeof *described);
		for (size_t i = 0; i < n_points; i++) {
			uint32_t root = wh_disjoint_root(p->parent, p->of[i]);
			if (dense[root] == UINT32_MAX)
				dense[root] = (uint32_t)n++;
			of_point[i] = dense[root];
		}
		code = wh_group_describe(p->grouping, p->data, of_point, n, err); /* takes of_point over */
		of_point = NULL;
		p->grouping->location = location;
		p->grouping->of_number = of_number;
	}
	for (size_t i = 0; code == WH_OK && i < n_points; i++)
		described[wh_disjoint_root(p->parent, p->of[i])] = p->grouping->of_point[i];
	for (uint32_t k = 0; code == WH_OK && k < p->n_numbers; k++)
		of_number[k] = described[wh_disjoint_root(p->parent, k)];
	free(dense);
	free(of_point);
	free(described);
	return code;
}

static int note_similarities(struct placed *p, const struct wh_space *space, struct wh_err *err)
{
	double *similarity = p->grouping->similarity = malloc((space->n + 1) * sizeof *similarity);
	if (!similarity)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < space->n; i++) {
		size_t centre = p->grouping->groups[p->grouping->of_point[i]].representative;
		similarity[i] = i == centre ? 1 : wh_space_similarity((void *)space, i, centre);
	}
	return WH_OK;
}

static int run(struct placed *p, struct wh_space *space, const struct wh_constraints *constraints, struct wh_err *err)
{
	size_t n_points = p->data->n_points;
	p->n_numbers = p->model->groups.n;
	p->of = calloc(n_points + 1, sizeof *p->of);
	p->grouping->location = calloc(n_points + 1, sizeof *p->grouping->location);
	if (!p->of || !p->grouping->location)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (!p->n_numbers)
		WH_TRY(make(p, space, err));
	WH_TRY(locate(p, space, err));
	p->grouping->of_number = calloc(p->n_numbers + 1, sizeof *p->grouping->of_number);
	if (!p->grouping->of_number)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(obey(p, constraints, err));
	WH_TRY(describe(p, err));
	if (p->fresh)
		WH_TRY(name_model(p, err));
	else
		name_grouping(p);
	return note_similarities(p, space, err);
}

int wh_group_placed(struct wh_grouping *grouping, struct wh_dataset *data, struct wh_model *model, const struct wh_constraints *constraints,
		    struct wh_err *err)
{
	struct placed p = { .grouping = grouping, .data = data, .model = model };
	struct wh_space space;
	WH_TRY(wh_space_open(&space, model, data->points, data->n_points, err));
	int code = run(&p, &space, constraints, err);
	if (code != WH_OK)
		wh_grouping_release(grouping);
	wh_space_close(&space);
	free(p.of);
	free(p.parent);
	return code;
}
