/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/place.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "pipeline/assign.h"
#include "pipeline/calibrate.h"

struct placing {
	struct wh_placing *of;
	struct wh_standing *standing;
	struct wh_dataset data;
	struct wh_assigner assigner;
	struct wh_constraints constraints;
	uint32_t *home_of_record; /* UINT32_MAX: not yet */
	struct WH_VEC(uint32_t) pairs; /* per record, the first of its constraints; see index_constraints */
	uint32_t *next;
	struct WH_VEC(uint32_t) barred;
};

/* ---- constraints of one record ---- */

/* Each constraint stands twice in a linked list, once for either record: entry 2k for a, 2k + 1 for b; together first, then apart. */
static int index_constraints(struct placing *s)
{
	size_t n = s->constraints.together.n + s->constraints.apart.n;
	if (wh_vec_reserve(&s->pairs, s->data.records.n + 1) || !(s->next = malloc((2 * n + 1) * sizeof *s->next)))
		return WH_E_NOMEM;
	s->pairs.n = s->data.records.n;
	memset(s->pairs.data, 0xff, s->pairs.n * sizeof *s->pairs.data);
	for (uint32_t k = 0; k < n; k++) {
		const struct wh_record_pair *pair = k < s->constraints.together.n ? &s->constraints.together.data[k]
										   : &s->constraints.apart.data[k - s->constraints.together.n];
		s->next[2 * k] = s->pairs.data[pair->a];
		s->pairs.data[pair->a] = 2 * k;
		s->next[2 * k + 1] = s->pairs.data[pair->b];
		s->pairs.data[pair->b] = 2 * k + 1;
	}
	return WH_OK;
}

/* The home that people put the record in (UINT32_MAX: none), and those it is barred from. */
static int consult(struct placing *s, uint32_t record, uint32_t *bound)
{
	*bound = UINT32_MAX;
	s->barred.n = 0;
	for (uint32_t at = s->pairs.data[record]; at != UINT32_MAX; at = s->next[at]) {
		size_t k = at / 2;
		bool together = k < s->constraints.together.n;
		const struct wh_record_pair *pair = together ? &s->constraints.together.data[k] : &s->constraints.apart.data[k - s->constraints.together.n];
		uint32_t home = s->home_of_record[at % 2 ? pair->a : pair->b];
		if (home == UINT32_MAX)
			continue;
		if (together)
			*bound = home;
		else if (wh_vec_push(&s->barred, home))
			return WH_E_NOMEM;
	}
	return WH_OK;
}

/* ---- one after the other ---- */

static int write_placed(struct placing *s, const struct wh_record *record, const struct wh_placed *placed, struct wh_err *err)
{
	const char *noun = s->standing->call->signal->noun, *id = s->assigner.homes.data[placed->home].id;
	struct wh_store_group group = { .id = id, .created_ns = wh_time_now(), .model = s->standing->model.number, .fingerprint = record->fingerprint };
	if (placed->is_new)
		WH_TRY(wh_store_add_group(s->standing->store, noun, &group, err));
	return wh_store_update(s->standing->store, noun, record->row, record->fingerprint, id, placed->similarity, NULL, err);
}

static int place(struct placing *s, uint32_t r, struct wh_err *err)
{
	const struct wh_record *record = &s->data.records.data[r];
	struct timespec start, end;
	struct wh_placed placed;
	uint32_t bound;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (consult(s, r, &bound) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_assigner_place(&s->assigner, record, bound, s->barred.data, s->barred.n, &placed, err));
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (wh_vec_push(&s->of->seconds, (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	s->home_of_record[r] = placed.home;
	if (!s->of->dry)
		WH_TRY(write_placed(s, record, &placed, err));
	struct wh_placement told = { record, s->assigner.homes.data[placed.home].id, placed.similarity, placed.is_new };
	return s->of->take(s->of->user, &told, err);
}

static int place_each(struct placing *s, const uint32_t *order, struct wh_err *err)
{
	const struct wh_host *host = s->standing->call->host;
	for (size_t k = 0; k < s->data.records.n; k++) {
		const struct wh_record *record = &s->data.records.data[k];
		s->home_of_record[k] = record->group ? wh_strtab_find(&s->assigner.ids, record->group, strlen(record->group)) : UINT32_MAX;
	}
	for (size_t k = 0; k < s->data.records.n; k++) {
		if (s->home_of_record[order[k]] == UINT32_MAX)
			WH_TRY(place(s, order[k], err));
		if (k % 1024 == 0)
			wh_host_progress(host, "assigning", k, s->data.records.n);
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return WH_OK;
}

/* ---- the whole ---- */

static int place_new(struct placing *s, struct wh_err *err)
{
	WH_TRY(wh_standing_load(s->standing, 0, &s->data, err));
	WH_TRY(wh_dataset_need(&s->data, err));
	WH_TRY(wh_standing_constraints(s->standing, &s->data, &s->constraints, err));
	if (!s->standing->stored_model)
		WH_TRY(wh_calibrate_default(&s->standing->model, s->standing->call, &s->data, err));
	WH_TRY(wh_assigner_open(&s->assigner, s->standing, &s->data, err));
	if (!s->of->dry)
		WH_TRY(wh_standing_keep_model(s->standing, &s->data, err));
	uint32_t *order = malloc((s->data.records.n + 1) * sizeof *order);
	s->home_of_record = malloc((s->data.records.n + 1) * sizeof *s->home_of_record);
	int code = WH_E_NOMEM;
	if (order && s->home_of_record && index_constraints(s) == WH_OK)
		code = wh_dataset_by_time(&s->data, order);
	if (code != WH_OK)
		wh_err_set(err, code, "out of memory");
	if (code == WH_OK)
		code = place_each(s, order, err);
	s->of->groups = s->assigner.homes.n;
	free(order);
	return code;
}

int wh_place_all(struct wh_placing *placing, struct wh_standing *standing, struct wh_err *err)
{
	struct placing s = { .of = placing, .standing = standing };
	WH_TRY(wh_store_begin(standing->store, err)); /* one writer at a time decides where things go */
	int code = place_new(&s, err);
	if (code == WH_OK && !placing->dry)
		code = wh_store_commit(standing->store, err);
	else
		wh_store_rollback(standing->store);
	wh_assigner_close(&s.assigner);
	wh_constraints_release(&s.constraints);
	wh_dataset_release(&s.data);
	wh_vec_release(&s.pairs);
	wh_vec_release(&s.barred);
	free(s.next);
	free(s.home_of_record);
	return code;
}

void wh_placing_release(struct wh_placing *placing)
{
	wh_vec_release(&placing->seconds);
}
