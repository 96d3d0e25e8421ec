/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/assign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "learn/hclust.h"

/* ---- homes ---- */

static uint64_t hash_of(const struct wh_record *record)
{
	return wh_hash(record->fingerprint.data, record->fingerprint.size, 0);
}

static int new_home(struct wh_assigner *a, const char *id, uint32_t *home)
{
	struct wh_home fresh = { 0 };
	snprintf(fresh.id, sizeof fresh.id, "%s", id);
	*home = (uint32_t)a->homes.n;
	if (wh_strtab_add(&a->ids, id, strlen(id)) != *home || wh_vec_push(&a->homes, fresh) || wh_vec_push(&a->candidate_of, 0))
		return WH_E_NOMEM;
	return WH_OK;
}

/* The point that was added last becomes an exemplar of home. */
static int keep_exemplar(struct wh_assigner *a, uint32_t home)
{
	struct wh_home *h = &a->homes.data[home];
	h->exemplar[h->n_exemplars++] = (uint32_t)a->home_of.n;
	return wh_vec_push(&a->home_of, home) ? WH_E_NOMEM : WH_OK;
}

static int remember(struct wh_assigner *a, const struct wh_record *record, uint32_t home)
{
	return record->empty || wh_map_put(&a->seen, hash_of(record), home) ? WH_OK : WH_E_NOMEM;
}

/* Members so far, in the order of time: their homes, and the first different fingerprints of each as exemplars. */
static int gather(struct wh_assigner *a, const struct wh_dataset *data, struct wh_bytes *points, size_t *n_points)
{
	uint32_t *order = malloc((data->records.n + 1) * sizeof *order);
	int code = order && wh_dataset_by_time(data, order) == WH_OK ? WH_OK : WH_E_NOMEM;
	for (size_t k = 0; code == WH_OK && k < data->records.n; k++) {
		const struct wh_record *record = &data->records.data[order[k]];
		if (!record->group)
			continue;
		uint32_t home = wh_strtab_find(&a->ids, record->group, strlen(record->group));
		if (home == WH_STRTAB_NONE)
			code = new_home(a, record->group, &home);
		if (code != WH_OK || record->empty || wh_map_get(&a->seen, hash_of(record)))
			continue;
		code = remember(a, record, home);
		if (code == WH_OK && a->homes.data[home].n_exemplars < WH_EXEMPLARS) {
			points[(*n_points)++] = record->fingerprint;
			code = keep_exemplar(a, home);
		}
	}
	free(order);
	return code;
}

int wh_assigner_open(struct wh_assigner *a, struct wh_standing *standing, const struct wh_dataset *data, struct wh_err *err)
{
	enum wh_linkage linkage;
	*a = (struct wh_assigner){ .standing = standing, .floor = 1 - wh_values_real(&standing->model.params, "d") };
	wh_linkage_parse(wh_values_string(&standing->model.params, "linkage"), &linkage);
	a->linkage = linkage;
	wh_strtab_init(&a->ids, SIZE_MAX);
	wh_strtab_init(&a->used, SIZE_MAX);
	WH_TRY(wh_standing_group_ids(standing, &a->used, err));
	size_t n = 0;
	struct wh_bytes *points = malloc((data->records.n + 1) * sizeof *points);
	int code = points ? gather(a, data, points, &n) : WH_E_NOMEM;
	if (code != WH_OK)
		wh_err_set(err, code, "out of memory");
	if (code == WH_OK && !standing->model.state.n) /* a store without a model yet takes its weights from all it has */
		code = wh_model_freeze(&standing->model, data, err);
	if (code == WH_OK)
		code = wh_space_open(&a->space, &standing->model, points, n, err);
	free(points);
	if (code != WH_OK)
		wh_assigner_close(a);
	return code;
}

void wh_assigner_close(struct wh_assigner *a)
{
	if (a->scratch)
		a->space.method->scratch_free(a->scratch);
	wh_space_close(&a->space);
	wh_vec_release(&a->homes);
	wh_vec_release(&a->home_of);
	wh_vec_release(&a->candidates);
	wh_vec_release(&a->candidate_of);
	wh_strtab_release(&a->ids);
	wh_strtab_release(&a->used);
	wh_map_release(&a->seen);
	*a = (struct wh_assigner){ 0 };
}

/* ---- choosing ---- */

static int take_neighbour(void *user, size_t j, double similarity)
{
	struct wh_assigner *a = user;
	uint32_t home = a->home_of.data[j], *at = &a->candidate_of.data[home];
	if (!*at) {
		if (wh_vec_push(&a->candidates, (struct wh_offer){ home, 0, 0, 1, 0 }))
			return WH_E_NOMEM;
		*at = (uint32_t)a->candidates.n;
	}
	struct wh_offer *c = &a->candidates.data[*at - 1];
	c->count++;
	c->sum += similarity;
	c->least = similarity < c->least ? similarity : c->least;
	c->most = similarity > c->most ? similarity : c->most;
	return WH_OK;
}

/* Similarity of the newest point to a home by the linkage; below floor: does not count. */
static double linkage_of(const struct wh_assigner *a, const struct wh_offer *c, size_t point)
{
	const struct wh_home *home = &a->homes.data[c->home];
	if (a->linkage == WH_LINKAGE_SINGLE)
		return c->most;
	if (a->linkage == WH_LINKAGE_COMPLETE)
		return c->count == home->n_exemplars ? c->least : -1;
	double sum = c->sum;
	if (c->count < home->n_exemplars) { /* those below floor were not listed */
		sum = 0;
		for (uint32_t k = 0; k < home->n_exemplars; k++)
			sum += a->space.method->similarity(a->space.state, point, home->exemplar[k]);
	}
	return sum / home->n_exemplars;
}

static bool is_barred(uint32_t home, const uint32_t *barred, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (barred[i] == home)
			return true;
	return false;
}

static int compare_all(struct wh_assigner *a, size_t point, struct wh_err *err)
{
	const struct wh_method *method = a->space.method;
	if (method->neighbours)
		return method->neighbours(a->space.state, point, a->floor, point, &a->scratch, take_neighbour, a, err);
	for (size_t j = 0; j < point; j++) {
		double similarity = method->similarity(a->space.state, point, j);
		if (similarity >= a->floor && take_neighbour(a, j, similarity) != WH_OK)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

static int choose(struct wh_assigner *a, size_t point, const uint32_t *barred, size_t n_barred, struct wh_placed *placed, struct wh_err *err)
{
	int code = compare_all(a, point, err);
	placed->home = UINT32_MAX;
	placed->similarity = 0;
	for (size_t i = 0; i < a->candidates.n; i++) {
		const struct wh_offer *c = &a->candidates.data[i];
		a->candidate_of.data[c->home] = 0;
		double similarity = code == WH_OK && !is_barred(c->home, barred, n_barred) ? linkage_of(a, c, point) : -1;
		if (similarity < a->floor - 1e-9)
			continue;
		if (placed->home == UINT32_MAX || similarity > placed->similarity ||
		    (similarity == placed->similarity && c->home < placed->home)) {
			placed->home = c->home;
			placed->similarity = similarity;
		}
	}
	a->candidates.n = 0;
	return code;
}

static int open_home(struct wh_assigner *a, const struct wh_record *record, struct wh_placed *placed)
{
	char id[WH_GROUP_ID];
	unsigned salt = 0;
	do
		wh_group_id(record, salt++, id);
	while (wh_strtab_find(&a->ids, id, strlen(id)) != WH_STRTAB_NONE || wh_strtab_find(&a->used, id, strlen(id)) != WH_STRTAB_NONE);
	*placed = (struct wh_placed){ .similarity = 1, .is_new = true };
	return new_home(a, id, &placed->home);
}

int wh_assigner_place(struct wh_assigner *a, const struct wh_record *record, uint32_t bound, const uint32_t *barred, size_t n_barred,
		      struct wh_placed *placed, struct wh_err *err)
{
	const uint64_t *known = record->empty ? NULL : wh_map_get(&a->seen, hash_of(record));
	*placed = (struct wh_placed){ .home = bound, .similarity = 1 };
	if (bound == UINT32_MAX && known && !is_barred((uint32_t)*known, barred, n_barred)) {
		placed->home = (uint32_t)*known;
		return WH_OK;
	}
	size_t point = a->home_of.n;
	bool in_space = !record->empty;
	int code = WH_OK;
	if (in_space) {
		WH_TRY(a->space.method->add(a->space.state, record->fingerprint, err));
		if (bound == UINT32_MAX)
			code = choose(a, point, barred, n_barred, placed, err);
	}
	if (code == WH_OK && placed->home == UINT32_MAX)
		code = open_home(a, record, placed);
	if (code == WH_OK && !known)
		code = remember(a, record, placed->home);
	if (in_space) {
		bool keep = code == WH_OK && a->homes.data[placed->home].n_exemplars < WH_EXEMPLARS;
		if (!keep)
			a->space.method->drop(a->space.state);
		else
			code = keep_exemplar(a, placed->home);
	}
	if (code == WH_E_NOMEM) /* the steps in between say no more than that */
		wh_err_set(err, code, "out of memory");
	return code;
}
