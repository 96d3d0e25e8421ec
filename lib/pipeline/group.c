/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/disjoint.h"
#include "base/hash.h"
#include "base/strtab.h"
#include "base/thread.h"
#include "learn/hclust.h"
#include "pipeline/kinds.h"

void wh_constraints_release(struct wh_constraints *c)
{
	wh_vec_release(&c->together);
	wh_vec_release(&c->apart);
}

/* ---- candidate pairs ---- */

struct found WH_VEC(struct wh_near);

struct rows {
	struct wh_row *row;  /* per point; what is near lies in its worker's `found` */
	struct found *found; /* per worker */
	unsigned threads;
};

/* A space, and what its method keeps for each worker. */
struct comparing {
	const struct wh_space *space;
	void **scratch; /* per worker */
	unsigned threads;
};

struct search {
	struct comparing *comparing;
	double floor;
	struct rows *rows;
	struct place {
		unsigned worker;
		size_t begin;
	} *place; /* per point: where its row is, which moves while its worker's vector grows */
};

static int start_comparing(struct comparing *c, const struct wh_space *space, const struct wh_host *host, struct wh_err *err)
{
	*c = (struct comparing){ .space = space, .threads = wh_host_threads(host) };
	c->scratch = calloc(c->threads, sizeof *c->scratch);
	return c->scratch ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static void stop_comparing(struct comparing *c)
{
	for (unsigned w = 0; c->scratch && w < c->threads; w++)
		if (c->scratch[w])
			c->space->method->scratch_free(c->scratch[w]);
	free(c->scratch);
}

static int compare_with(void *user, unsigned worker, size_t i, const uint32_t *others, size_t n, double *similarity, struct wh_err *err)
{
	const struct comparing *c = user;
	const struct wh_method *method = c->space->method;
	if (method->similarities)
		return method->similarities(c->space->state, i, others, n, &c->scratch[worker], similarity, err);
	for (size_t k = 0; k < n; k++)
		similarity[k] = method->similarity(c->space->state, i, others[k]);
	return WH_OK;
}

static int take_neighbour(void *user, size_t j, double similarity)
{
	struct found *found = user;
	return wh_vec_push(found, (struct wh_near){ (uint32_t)j, (float)similarity }) ? WH_E_NOMEM : WH_OK;
}

static int search_pairs(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct search *s = user;
	const struct wh_space *space = s->comparing->space;
	const struct wh_method *method = space->method;
	struct found *found = &s->rows->found[worker];
	for (size_t i = first; i < last; i++) {
		s->place[i] = (struct place){ worker, found->n };
		if (method->neighbours)
			WH_TRY(method->neighbours(space->state, i, s->floor, i, &s->comparing->scratch[worker], take_neighbour, found, err));
		for (size_t j = 0; !method->neighbours && j < i; j++) {
			double similarity = method->similarity(space->state, i, j);
			if (similarity >= s->floor && take_neighbour(found, j, similarity) != WH_OK)
				return wh_err_set(err, WH_E_NOMEM, "out of memory");
		}
		s->rows->row[i].n = found->n - s->place[i].begin;
	}
	return WH_OK;
}

static void release_rows(struct rows *rows)
{
	for (unsigned w = 0; rows->found && w < rows->threads; w++)
		wh_vec_release(&rows->found[w]);
	free(rows->found);
	free(rows->row);
}

/* For every point those before it that are within reach. The caller releases the rows, whatever comes back. */
static int find_rows(struct comparing *comparing, double floor, const struct wh_host *host, struct rows *rows, struct wh_err *err)
{
	unsigned threads = comparing->threads;
	size_t n = comparing->space->n;
	struct search s = { .comparing = comparing, .floor = floor, .rows = rows, .place = malloc((n + 1) * sizeof *s.place) };
	*rows = (struct rows){ calloc(n + 1, sizeof *rows->row), calloc(threads, sizeof *rows->found), threads };
	int code = rows->row && rows->found && s.place ? wh_parallel(host, "comparing", n, 64, search_pairs, &s, err)
							: wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < n; i++)
		if (rows->row[i].n)
			rows->row[i].near = rows->found[s.place[i].worker].data + s.place[i].begin;
	free(s.place);
	return code;
}

/* ---- grouping ---- */

static int agglomerate(const struct wh_space *space, const struct wh_dataset *data, const struct wh_model *model,
		       const struct wh_constraints *constraints, uint32_t *group, size_t *n_groups, struct wh_err *err)
{
	struct comparing comparing;
	struct rows rows = { 0 };
	double d = wh_values_real(&model->params, "d");
	struct WH_VEC(uint32_t) pairs = { 0 };
	size_t n_together = constraints ? constraints->together.n : 0, n_apart = constraints ? constraints->apart.n : 0;
	int code = start_comparing(&comparing, space, model->host, err);
	if (code == WH_OK)
		code = find_rows(&comparing, 1 - d - WH_CUT_SLACK, model->host, &rows, err);
	if (code == WH_OK && wh_vec_reserve(&pairs, 2 * (n_together + n_apart) + 1))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		for (size_t k = 0; k < n_together + n_apart; k++) {
			const struct wh_record_pair *pair = k < n_together ? &constraints->together.data[k] : &constraints->apart.data[k - n_together];
			pairs.data[2 * k] = data->records.data[pair->a].point;
			pairs.data[2 * k + 1] = data->records.data[pair->b].point;
		}
		struct wh_hclust_sparse job = {
			.n = data->n_points, .d = d, .weight = data->weight, .rows = rows.row,
			.similarities = compare_with, .user = &comparing,
			.together = (const uint32_t(*)[2])pairs.data, .n_together = n_together,
			.apart = (const uint32_t(*)[2])(pairs.data + 2 * n_together), .n_apart = n_apart,
		};
		wh_linkage_parse(wh_values_string(&model->params, "linkage"), &job.linkage);
		code = wh_hclust_sparse(&job, model->host, group, n_groups, err);
	}
	wh_vec_release(&pairs);
	release_rows(&rows);
	stop_comparing(&comparing);
	return code;
}

struct held {
	uint32_t *parent;               /* per record: what people hold together is one tree */
	struct WH_VEC(uint32_t) records; /* that any pair names, each once */
};

static int hold(struct held *held, size_t n, const struct wh_constraints *c)
{
	bool *named = calloc(n + 1, sizeof *named);
	held->parent = malloc((n + 1) * sizeof *held->parent);
	bool failed = !named || !held->parent;
	for (uint32_t i = 0; !failed && i < n; i++)
		held->parent[i] = i;
	for (size_t k = 0; !failed && k < c->together.n + c->apart.n; k++) {
		bool together = k < c->together.n;
		const struct wh_record_pair *pair = together ? &c->together.data[k] : &c->apart.data[k - c->together.n];
		named[pair->a] = named[pair->b] = true;
		if (together)
			held->parent[wh_disjoint_root(held->parent, pair->a)] = wh_disjoint_root(held->parent, pair->b);
	}
	for (uint32_t i = 0; !failed && i < n; i++)
		failed = named[i] && wh_vec_push(&held->records, i);
	free(named);
	return failed;
}

static bool shares_point(const struct held *held, const struct wh_record *records, uint32_t x, uint32_t root)
{
	for (size_t i = 0; i < held->records.n; i++) {
		uint32_t y = held->records.data[i];
		if (wh_disjoint_root(held->parent, y) == root && records[y].point == records[x].point)
			return true;
	}
	return false;
}

/*
 * Records of one fingerprint share a point; where some of them are held apart, they need two. For a pair (a, b): whatever is held
 * together with a leaves any point that it shares with something held together with b. Everybody else stays.
 */
static int split_points(struct wh_dataset *data, const struct wh_constraints *constraints, struct wh_err *err)
{
	struct held held = { 0 };
	const struct wh_record *records = data->records.data;
	int code = hold(&held, data->records.n, constraints) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	for (size_t k = 0; code == WH_OK && k < constraints->apart.n; k++) {
		uint32_t a = wh_disjoint_root(held.parent, constraints->apart.data[k].a), b = wh_disjoint_root(held.parent, constraints->apart.data[k].b);
		for (size_t i = 0; code == WH_OK && a != b && i < held.records.n; i++) {
			uint32_t x = held.records.data[i];
			if (wh_disjoint_root(held.parent, x) == a && shares_point(&held, records, x, b))
				code = wh_dataset_split_point(data, x, err);
		}
	}
	free(held.parent);
	wh_vec_release(&held.records);
	return code;
}

/* Of points to the representatives of their groups. */
static int note_similarities(struct wh_grouping *grouping, const struct wh_space *space, struct wh_err *err)
{
	grouping->similarity = malloc((space->n + 1) * sizeof *grouping->similarity);
	if (!grouping->similarity)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t p = 0; p < space->n; p++) {
		size_t centre = grouping->groups[grouping->of_point[p]].representative;
		grouping->similarity[p] = p == centre ? 1 : wh_space_similarity((void *)space, p, centre);
	}
	return WH_OK;
}

int wh_group(struct wh_grouping *grouping, struct wh_dataset *data, struct wh_model *model,
	     const struct wh_constraints *constraints, struct wh_err *err)
{
	*grouping = (struct wh_grouping){ 0 };
	if (constraints && constraints->apart.n)
		WH_TRY(split_points(data, constraints, err));
	if (model->method->group)
		return wh_group_placed(grouping, data, model, constraints, err);
	struct wh_space space;
	WH_TRY(wh_space_open(&space, model, data->points, data->n_points, err));
	uint32_t *of_point = malloc((data->n_points + 1) * sizeof *of_point);
	size_t n_groups = 0;
	int code = of_point ? agglomerate(&space, data, model, constraints, of_point, &n_groups, err)
			    : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_merge_kinds(data, &space, constraints, of_point, &n_groups, err);
	if (code == WH_OK)
		code = wh_group_describe(grouping, data, of_point, n_groups, err); /* takes of_point over */
	else
		free(of_point);
	if (code == WH_OK)
		code = note_similarities(grouping, &space, err);
	if (code != WH_OK)
		wh_grouping_release(grouping);
	wh_space_close(&space);
	return code;
}

/* ---- description ---- */

void wh_group_id(const struct wh_record *record, unsigned salt, char id[static WH_GROUP_ID])
{
	uint64_t hash = record->empty || salt ? wh_hash(record->id, strlen(record->id), salt + 1)
					      : wh_hash(record->fingerprint.data, record->fingerprint.size, 0);
	snprintf(id, WH_GROUP_ID, "g%012llx", (unsigned long long)(hash >> 16));
}

/* Groups in the order of their first records; `number` maps old to new. */
static int number_groups(struct wh_grouping *grouping, const struct wh_dataset *data, const uint32_t *order, uint32_t *number, size_t n)
{
	struct wh_strtab ids;
	size_t next = 0;
	int failed = 0;
	wh_strtab_init(&ids, SIZE_MAX);
	for (size_t i = 0; i < n; i++)
		number[i] = UINT32_MAX;
	for (size_t k = 0; !failed && k < data->records.n; k++) {
		const struct wh_record *record = &data->records.data[order[k]];
		uint32_t g = grouping->of_point[record->point];
		if (number[g] == UINT32_MAX) {
			struct wh_group *group = &grouping->groups[next];
			uint32_t id = 0;
			number[g] = (uint32_t)next++;
			*group = (struct wh_group){ .first = order[k], .representative = record->point };
			for (unsigned salt = 0; !failed; salt++) {
				wh_group_id(record, salt, group->id);
				size_t before = ids.n;
				id = wh_strtab_add(&ids, group->id, strlen(group->id));
				failed = id == WH_STRTAB_NONE;
				if (ids.n > before)
					break;
			}
		}
		grouping->groups[number[g]].n_records++;
	}
	wh_strtab_release(&ids);
	return failed;
}

int wh_group_describe(struct wh_grouping *grouping, const struct wh_dataset *data, uint32_t *of_point, size_t n_groups, struct wh_err *err)
{
	*grouping = (struct wh_grouping){ .of_point = of_point, .groups = calloc(n_groups + 1, sizeof(struct wh_group)), .n = n_groups };
	uint32_t *order = malloc((data->records.n + 1) * sizeof *order), *number = malloc((n_groups + 1) * sizeof *number);
	bool failed = !grouping->groups || !order || !number || wh_dataset_by_time(data, order) != WH_OK ||
		      number_groups(grouping, data, order, number, n_groups);
	for (size_t p = 0; !failed && p < data->n_points; p++) {
		struct wh_group *group = &grouping->groups[of_point[p] = number[of_point[p]]];
		uint32_t best = group->representative;
		group->n_points++;
		if (data->weight[p] > data->weight[best] || (data->weight[p] == data->weight[best] && p < best))
			group->representative = (uint32_t)p;
	}
	free(order);
	free(number);
	if (!failed)
		return WH_OK;
	wh_grouping_release(grouping);
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

void wh_grouping_release(struct wh_grouping *grouping)
{
	free(grouping->of_point);
	free(grouping->groups);
	free(grouping->similarity);
	free(grouping->location);
	free(grouping->of_number);
	*grouping = (struct wh_grouping){ 0 };
}

int wh_label_numbers(const struct wh_dataset *data, uint32_t **truth, size_t *n, struct wh_err *err)
{
	struct wh_strtab labels;
	uint32_t *numbers = malloc((data->records.n + 1) * sizeof *numbers);
	int failed = !numbers;
	wh_strtab_init(&labels, SIZE_MAX);
	for (size_t i = 0; !failed && i < data->records.n; i++) {
		const char *label = data->records.data[i].label;
		numbers[i] = label ? wh_strtab_add(&labels, label, strlen(label)) : WH_NO_LABEL;
		failed = label && numbers[i] == WH_STRTAB_NONE;
	}
	*n = labels.n;
	wh_strtab_release(&labels);
	if (failed) {
		free(numbers);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	*truth = numbers;
	return WH_OK;
}
