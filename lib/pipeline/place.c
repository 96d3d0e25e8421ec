/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/place.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/strtab.h"
#include "base/time.h"
#include "pipeline/assign.h"
#include "pipeline/calibrate.h"
#include "pipeline/fit.h"
#include "pipeline/load.h"

/* Two observations that people hold together or apart, by their numbers in `names`. */
struct word {
	uint32_t a, b;
	bool together;
};

struct placing {
	struct wh_placing *of;
	struct wh_standing *standing;
	struct wh_assigner assigner;
	struct WH_VEC(struct wh_record) waiting; /* in no group yet */
	struct wh_arena arena;                   /* what they point to */
	size_t stored;
	bool fitted; /* the model was made of what waits */
	/* what people said */
	struct wh_strtab names;
	struct WH_VEC(uint32_t) home_of; /* per name; UINT32_MAX: none yet */
	struct WH_VEC(struct word) words;
	struct WH_VEC(uint32_t) barred;
};

/* ---- what people said ---- */

static int note_group(void *user, const struct wh_store_observation *o, struct wh_err *err)
{
	struct placing *s = user;
	(void)err;
	if (o->group)
		s->home_of.data[s->home_of.n - 1] = wh_strtab_find(&s->assigner.ids, o->group, strlen(o->group));
	return WH_OK;
}

/* The number of an observation that people named, and the home that it is in. */
static int name_number(struct placing *s, const char *id, uint32_t *number, struct wh_err *err)
{
	*number = wh_strtab_add(&s->names, id, strlen(id));
	if (*number == WH_STRTAB_NONE || (*number == s->home_of.n && wh_vec_push(&s->home_of, UINT32_MAX)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (*number + 1 < s->home_of.n)
		return WH_OK;
	int code = wh_store_get(s->standing->store, s->standing->call->signal->noun, id, 0, note_group, s, err);
	return code == WH_E_NOTFOUND ? WH_OK : code;
}

static int take_saying(void *user, const struct wh_store_saying *said, struct wh_err *err)
{
	struct placing *s = user;
	struct word word = { .together = said->word == WH_STORE_TOGETHER };
	if (!word.together && said->word != WH_STORE_APART)
		return WH_OK;
	WH_TRY(name_number(s, said->a, &word.a, err));
	WH_TRY(name_number(s, said->b, &word.b, err));
	return word.a != word.b && wh_vec_push(&s->words, word) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

/* The home that people put the record in (UINT32_MAX: none), and those it is barred from. *name: its number, WH_STRTAB_NONE: nobody named
 * it. People say little: all they said is looked through. */
static int consult(struct placing *s, const struct wh_record *record, uint32_t *name, uint32_t *bound)
{
	*name = wh_strtab_find(&s->names, record->id, strlen(record->id));
	*bound = UINT32_MAX;
	s->barred.n = 0;
	for (size_t k = 0; *name != WH_STRTAB_NONE && k < s->words.n; k++) {
		const struct word *word = &s->words.data[k];
		if (word->a != *name && word->b != *name)
			continue;
		uint32_t home = s->home_of.data[word->a == *name ? word->b : word->a];
		if (home == UINT32_MAX)
			continue;
		if (word->together)
			*bound = home;
		else if (wh_vec_push(&s->barred, home))
			return WH_E_NOMEM;
	}
	return WH_OK;
}

/* ---- what is stored ---- */

/* What the choice of a model asks for. */
static int keep_attributes(struct placing *s, const struct wh_record *record, struct wh_record *kept, struct wh_err *err)
{
	const struct wh_models *models = &s->standing->models;
	size_t n = 0;
	if (!models->n_per || !record->attributes)
		return WH_OK;
	while (models->call->signal->attributes[n])
		n++;
	const char **copy = wh_arena_zalloc(&s->arena, n + 1, sizeof *copy);
	if (!copy)
		return wh_arena_error(&s->arena, err);
	for (size_t i = 0; i < n; i++)
		if (record->attributes[i] && !(copy[i] = wh_arena_strdup(&s->arena, record->attributes[i])))
			return wh_arena_error(&s->arena, err);
	kept->attributes = copy;
	return WH_OK;
}

static int keep_waiting(struct placing *s, const struct wh_record *record, struct wh_err *err)
{
	struct wh_record kept = { .time_ns = record->time_ns, .row = record->row, .empty = record->empty };
	WH_TRY(keep_attributes(s, record, &kept, err));
	kept.id = wh_arena_strdup(&s->arena, record->id);
	kept.fingerprint = (struct wh_bytes){ wh_arena_strndup(&s->arena, record->fingerprint.data, record->fingerprint.size),
					      record->fingerprint.size };
	if (!kept.id || !kept.fingerprint.data)
		return wh_arena_error(&s->arena, err);
	return wh_vec_push(&s->waiting, kept) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static int take_stored(void *user, struct wh_batch *batch, struct wh_err *err)
{
	struct placing *s = user;
	s->stored += batch->records.n;
	for (size_t i = 0; i < batch->records.n; i++) {
		const struct wh_record *record = &batch->records.data[i];
		WH_TRY(record->group ? wh_assigner_know(&s->assigner, record, err) : keep_waiting(s, record, err));
	}
	return WH_OK;
}

static int by_time(const void *a, const void *b)
{
	const struct wh_record *x = a, *y = b;
	return wh_time_compare(x->time_ns, x->id, y->time_ns, y->id);
}

/* A model that the store does not have yet is fitted to all that is there, and kept. */
static int settle_model(struct placing *s, struct wh_err *err)
{
	struct wh_standing *standing = s->standing;
	struct wh_dataset data;
	bool weighed = standing->model.state.n || !standing->model.method->save;
	if (standing->models.n_per || (standing->stored_model && weighed))
		return WH_OK;
	WH_TRY(wh_standing_load(standing, 0, &data, err));
	int code = wh_dataset_need(&data, err);
	if (code == WH_OK && standing->model.method->group && !standing->model.groups.n) {
		s->fitted = true;
		code = wh_fit(standing, &data, err);
	}
	if (code == WH_OK && !standing->stored_model)
		code = wh_calibrate_default(&standing->model, standing->call, &data, err);
	if (code == WH_OK && !standing->model.state.n)
		code = wh_model_freeze(&standing->model, &data, err);
	if (code == WH_OK && !s->of->dry)
		code = wh_standing_keep_model(standing, &data, err);
	wh_dataset_release(&data);
	return code;
}

/* One pass over the store: memory for the groups and for what waits, not for what is grouped. */
static int read_stored(struct placing *s, struct wh_err *err)
{
	struct wh_standing *standing = s->standing;
	struct wh_load load = { .call = standing->call, .config = standing->model.config, .settings = &standing->model.settings,
				.flags = standing->models.n_per ? WH_LOAD_WAITING : 0, .take = take_stored, .user = s };
	WH_TRY(wh_assigner_open(&s->assigner, standing, err));
	WH_TRY(wh_load(&load, err));
	if (!s->stored)
		return wh_err_set(err, WH_E_NOTFOUND, "the store has no observation yet");
	if (s->waiting.n)
		qsort(s->waiting.data, s->waiting.n, sizeof *s->waiting.data, by_time);
	WH_TRY(wh_store_each_saying(standing->store, standing->call->signal->noun, false, take_saying, s, err));
	return wh_assigner_start(&s->assigner, err);
}

/* ---- one after the other ---- */

static int write_placed(struct placing *s, const struct wh_record *record, const struct wh_placed *placed, struct wh_err *err)
{
	const char *noun = s->standing->call->signal->noun, *id = s->assigner.homes.data[placed->home].id;
	struct wh_store_group group = { .id = id, .created_ns = wh_time_now(), .model = placed->choice.held ? placed->choice.held->model->number : s->standing->model.number,
					.fingerprint = record->fingerprint };
	if (placed->opens)
		WH_TRY(wh_store_add_group(s->standing->store, noun, &group, err));
	return wh_store_update(s->standing->store, noun, record->row, record->fingerprint, id, placed->similarity, NULL, err);
}

static int place(struct placing *s, const struct wh_record *record, struct wh_err *err)
{
	struct timespec start, end;
	struct wh_placed placed;
	uint32_t name, bound;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (consult(s, record, &name, &bound) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_assigner_place(&s->assigner, record, bound, s->barred.data, s->barred.n, &placed, err));
	clock_gettime(CLOCK_MONOTONIC, &end);
	bool places = s->standing->model.method->group;
	s->of->chosen[placed.choice.of]++;
	if (places && !placed.choice.held)
		return WH_OK;
	if (wh_vec_push(&s->of->seconds, (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (name != WH_STRTAB_NONE)
		s->home_of.data[name] = placed.home;
	if (!s->of->dry)
		WH_TRY(write_placed(s, record, &placed, err));
	struct wh_placement told = { record, s->assigner.homes.data[placed.home].id, placed.similarity, places ? &placed.location : NULL,
				     placed.choice, placed.is_new && !s->fitted };
	return s->of->take(s->of->user, &told, err);
}

static int place_waiting(struct placing *s, struct wh_err *err)
{
	const struct wh_host *host = s->standing->call->host;
	for (size_t k = 0; k < s->waiting.n; k++) {
		WH_TRY(place(s, &s->waiting.data[k], err));
		if (k % 1024 == 0)
			wh_host_progress(host, "assigning", k, s->waiting.n);
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return WH_OK;
}

/* ---- the whole ---- */

int wh_place_all(struct wh_placing *placing, struct wh_standing *standing, struct wh_err *err)
{
	struct placing s = { .of = placing, .standing = standing };
	wh_arena_init(&s.arena, SIZE_MAX);
	wh_strtab_init(&s.names, SIZE_MAX);
	WH_TRY(wh_store_begin(standing->store, err)); /* one writer at a time decides where things go */
	int code = settle_model(&s, err);
	if (code == WH_OK)
		code = read_stored(&s, err);
	if (code == WH_OK)
		code = place_waiting(&s, err);
	placing->groups = s.assigner.homes.n;
	if (code == WH_OK && !placing->dry)
		code = wh_store_commit(standing->store, err);
	else
		wh_store_rollback(standing->store);
	wh_assigner_close(&s.assigner);
	wh_vec_release(&s.waiting);
	wh_arena_release(&s.arena);
	wh_strtab_release(&s.names);
	wh_vec_release(&s.home_of);
	wh_vec_release(&s.words);
	wh_vec_release(&s.barred);
	return code;
}

void wh_place_release(struct wh_placing *placing)
{
	wh_vec_release(&placing->seconds);
}

void wh_place_say(const struct wh_placing *placing, const struct wh_standing *standing)
{
	const size_t *n = placing->chosen;
	size_t all = 0;
	for (size_t i = 0; i <= WH_CHOICE_OWN; i++)
		all += n[i];
	if (!standing->models.n_per || !all)
		return;
	wh_host_log(standing->call->host, n[WH_CHOICE_NONE] ? WH_WARNING : WH_INFO,
		    "%zu under the model of their own values, %zu of an older version, %zu of a newer one, %zu under the model for all; "
		    "%zu wait: there is no model for them yet (see train --per)",
		    n[WH_CHOICE_OWN], n[WH_CHOICE_OLDER], n[WH_CHOICE_NEWER], n[WH_CHOICE_ALL], n[WH_CHOICE_NONE]);
}
