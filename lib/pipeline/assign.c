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

/* Of two groups that have one fingerprint, because people hold them apart, the older one. */
static int remember(struct wh_assigner *a, const struct wh_record *record, uint32_t home)
{
	uint64_t *known = record->empty ? NULL : wh_map_put(&a->seen, hash_of(record), home);
	if (known && home < *known)
		*known = home;
	return record->empty || known ? WH_OK : WH_E_NOMEM;
}

/* ---- what stands ---- */

static int take_group(void *user, const struct wh_store_group *group, struct wh_err *err)
{
	struct wh_assigner *a = user;
	uint32_t home;
	return new_home(a, group->id, &home) == WH_OK ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

int wh_assigner_open(struct wh_assigner *a, struct wh_standing *standing, struct wh_err *err)
{
	const struct wh_model *model = &standing->model;
	*a = (struct wh_assigner){ .standing = standing };
	if (!model->method->group) {
		enum wh_linkage linkage;
		wh_linkage_parse(wh_values_string(&model->params, "linkage"), &linkage);
		a->linkage = linkage;
		a->floor = 1 - wh_values_real(&model->params, "d");
	}
	wh_strtab_init(&a->ids, SIZE_MAX);
	wh_strtab_init(&a->used, SIZE_MAX);
	int code = wh_standing_group_ids(standing, &a->used, err);
	if (code == WH_OK)
		code = wh_store_each_group(standing->store, standing->call->signal->noun, false, take_group, a, err);
	if (code != WH_OK)
		wh_assigner_close(a);
	return code;
}

static void release_face(struct wh_face *face)
{
	free(face->id);
	free(face->fingerprint);
	*face = (struct wh_face){ 0 };
}

static bool is_before(const struct wh_record *record, const struct wh_face *face)
{
	return wh_time_compare(record->time_ns, record->id, face->time_ns, face->id) < 0;
}

static int fill_face(struct wh_face *face, const struct wh_record *record)
{
	struct wh_face fresh = { record->time_ns, strdup(record->id), malloc(record->fingerprint.size + 1), record->fingerprint.size };
	release_face(face);
	*face = fresh;
	if (!fresh.id || !fresh.fingerprint)
		return WH_E_NOMEM;
	memcpy(fresh.fingerprint, record->fingerprint.data, record->fingerprint.size);
	return WH_OK;
}

/* Where among the faces of home the fingerprint is; n_exemplars where it is not. */
static uint32_t find_face(const struct wh_assigner *a, const struct wh_home *home, struct wh_bytes fingerprint)
{
	uint32_t at = 0;
	for (; at < home->n_exemplars; at++) {
		const struct wh_face *face = &a->faces.data[home->exemplar[at]];
		if (face->size == fingerprint.size && !memcmp(face->fingerprint, fingerprint.data, fingerprint.size))
			break;
	}
	return at;
}

/* Keeps the earliest WH_EXEMPLARS different fingerprints of a group, whatever the order in which they come: one that was put out was
 * later than all that are kept, and what is kept only gets earlier. */
static int keep_face(struct wh_assigner *a, struct wh_home *home, const struct wh_record *record)
{
	uint32_t at = find_face(a, home, record->fingerprint);
	if (at == home->n_exemplars && at < WH_EXEMPLARS) {
		home->exemplar[home->n_exemplars++] = (uint32_t)a->faces.n;
		if (wh_vec_push(&a->faces, (struct wh_face){ .time_ns = INT64_MAX }))
			return WH_E_NOMEM;
	} else {
		at = at < WH_EXEMPLARS ? at : WH_EXEMPLARS - 1;
		if (!is_before(record, &a->faces.data[home->exemplar[at]]))
			return WH_OK;
	}
	uint32_t face = home->exemplar[at];
	if (fill_face(&a->faces.data[face], record) != WH_OK)
		return WH_E_NOMEM;
	for (; at && is_before(record, &a->faces.data[home->exemplar[at - 1]]); at--)
		home->exemplar[at] = home->exemplar[at - 1];
	home->exemplar[at] = face;
	return WH_OK;
}

int wh_assigner_know(struct wh_assigner *a, const struct wh_record *record, struct wh_err *err)
{
	uint32_t home = wh_strtab_find(&a->ids, record->group, strlen(record->group));
	if (home == WH_STRTAB_NONE || record->empty)
		return WH_OK;
	bool places = a->standing->model.method->group;
	if (remember(a, record, home) != WH_OK || (!places && keep_face(a, &a->homes.data[home], record) != WH_OK))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

int wh_assigner_start(struct wh_assigner *a, struct wh_err *err)
{
	size_t n = 0;
	struct wh_bytes *points = malloc((a->faces.n + 1) * sizeof *points);
	int code = points && !wh_vec_reserve(&a->home_of, a->faces.n + 1) ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (uint32_t h = 0; code == WH_OK && h < a->homes.n; h++) {
		struct wh_home *home = &a->homes.data[h];
		for (uint32_t k = 0; k < home->n_exemplars; k++) {
			const struct wh_face *face = &a->faces.data[home->exemplar[k]];
			home->exemplar[k] = (uint32_t)n;
			a->home_of.data[a->home_of.n++] = h;
			points[n++] = (struct wh_bytes){ face->fingerprint, face->size };
		}
	}
	if (code == WH_OK)
		code = wh_space_open(&a->space, &a->standing->model, points, n, err);
	free(points);
	for (size_t i = 0; i < a->faces.n; i++)
		release_face(&a->faces.data[i]);
	wh_vec_release(&a->faces);
	return code;
}

void wh_assigner_close(struct wh_assigner *a)
{
	if (a->scratch)
		a->space.method->scratch_free(a->scratch);
	wh_space_close(&a->space);
	wh_vec_release(&a->homes);
	for (size_t i = 0; i < a->faces.n; i++)
		release_face(&a->faces.data[i]);
	wh_vec_release(&a->faces);
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
	*placed = (struct wh_placed){ .similarity = 1, .is_new = true, .opens = true };
	return new_home(a, id, &placed->home);
}

/* The home of a group that the store knows under that id, or that took its place. UINT32_MAX: it does not know it. */
static int find_home(struct wh_assigner *a, const char *id, uint32_t *home, struct wh_err *err)
{
	char *current = NULL;
	*home = wh_strtab_find(&a->ids, id, strlen(id));
	if (*home != WH_STRTAB_NONE || wh_strtab_find(&a->used, id, strlen(id)) == WH_STRTAB_NONE)
		return WH_OK;
	WH_TRY(wh_store_resolve_group(a->standing->store, a->standing->call->signal->noun, id, &current, err));
	*home = wh_strtab_find(&a->ids, current, strlen(current));
	free(current);
	return WH_OK;
}

/* The home of a group of a model, opened if need be. */
static int home_of_number(struct wh_assigner *a, struct wh_held_model *held, uint32_t number, struct wh_placed *placed, struct wh_err *err)
{
	const char *id = held->model->groups.data[number].id;
	if (wh_vec_reserve(&held->homes, number + 1))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	while (held->homes.n <= number)
		held->homes.data[held->homes.n++] = UINT32_MAX;
	uint32_t *home = &held->homes.data[number];
	if (*home == UINT32_MAX) {
		WH_TRY(find_home(a, id, home, err));
		placed->opens = *home == UINT32_MAX;
		if (placed->opens && new_home(a, id, home) != WH_OK)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	placed->home = *home;
	return WH_OK;
}

/* Where the model puts it; known and bound come first, barred: it has a group of its own. */
static int place_by_model(struct wh_assigner *a, const struct wh_record *record, uint32_t bound, const uint32_t *barred, size_t n_barred,
			  struct wh_placed *placed, struct wh_err *err)
{
	struct wh_held_model *held = placed->choice.held;
	WH_TRY(wh_held_locate(held, record->fingerprint, &placed->location, err));
	placed->is_new = placed->location.is_new;
	placed->similarity = 1 / (1 + placed->location.distance);
	if (bound != UINT32_MAX)
		placed->home = bound;
	else
		WH_TRY(home_of_number(a, held, placed->location.group, placed, err));
	if (bound == UINT32_MAX && is_barred(placed->home, barred, n_barred)) {
		struct wh_placed where = *placed;
		if (open_home(a, record, placed) != WH_OK)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		placed->location = where.location;
		placed->choice = where.choice;
	}
	return WH_OK;
}

int wh_assigner_place(struct wh_assigner *a, const struct wh_record *record, uint32_t bound, const uint32_t *barred, size_t n_barred,
		      struct wh_placed *placed, struct wh_err *err)
{
	const uint64_t *known = record->empty ? NULL : wh_map_get(&a->seen, hash_of(record));
	*placed = (struct wh_placed){ .home = bound, .similarity = 1 };
	if (a->space.method->group) {
		WH_TRY(wh_models_choose(&a->standing->models, record->attributes, &placed->choice, err));
		if (!placed->choice.held) {
			placed->home = UINT32_MAX;
			return WH_OK;
		}
		bool settled = bound == UINT32_MAX && known && !is_barred((uint32_t)*known, barred, n_barred);
		WH_TRY(place_by_model(a, record, settled ? (uint32_t)*known : bound, barred, n_barred, placed, err));
		return known || remember(a, record, placed->home) == WH_OK ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
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
