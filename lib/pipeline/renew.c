/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/renew.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "pipeline/fit.h"

enum { MOST_EARLIER = 8 }; /* models that an observation is looked for in, beside the one that it went under */

/* ---- names ---- */

/* The store's name of a group, which may have gone into another. */
static int current_name(struct wh_renaming *r, const char *id, const char **name, struct wh_err *err)
{
	char *current = NULL;
	int code = WH_OK;
	if (r->standing) {
		code = wh_store_resolve_group(r->standing->store, r->standing->call->signal->noun, id, &current, err);
		code = code == WH_E_NOTFOUND ? WH_OK : code;
	}
	if (code == WH_OK) {
		const char *text = current ? current : id;
		uint32_t at = wh_strtab_add(&r->names, text, strlen(text));
		if (at == WH_STRTAB_NONE)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		else
			*name = wh_strtab_get(&r->names, at).data;
	}
	free(current);
	return code;
}

/* Where a record was: in which group of which model, or in none. */
struct was {
	const char *group; /* what moves tell of; NULL: nowhere */
	const char *name;  /* of the model's group, as it is called now */
	uint32_t place;    /* number of that group among all of all models */
	bool is_new;
};

struct places {
	struct wh_strtab table; /* "model/group" */
	struct WH_VEC(const char *) names;
};

static int find_place(struct wh_renaming *r, struct places *places, const struct wh_held_model *held, uint32_t group, uint32_t *place, struct wh_err *err)
{
	char text[64];
	int n = snprintf(text, sizeof text, "%p/%u", (const void *)held, group);
	*place = wh_strtab_add(&places->table, text, (size_t)n);
	if (*place == WH_STRTAB_NONE || (*place == places->names.n && wh_vec_push(&places->names, NULL)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (places->names.data[*place])
		return WH_OK;
	return current_name(r, held->model->groups.data[group].id, &places->names.data[*place], err);
}

/* What is new to the model that it went under may have been known to one before that: it is back again. */
static int find_earlier(struct wh_models *of, const struct wh_record *record, struct wh_choice *choice, struct wh_location *location, struct wh_err *err)
{
	struct wh_choice next = *choice;
	struct wh_location there;
	for (int tried = 0; tried < MOST_EARLIER; tried++) {
		WH_TRY(wh_models_choose_next(of, record->attributes, &next, err));
		if (!next.held)
			return WH_OK;
		WH_TRY(wh_held_locate(next.held, record->fingerprint, &there, err));
		if (!there.is_new) {
			*choice = next;
			*location = there;
			return WH_OK;
		}
	}
	return WH_OK;
}

static int find_old(struct wh_renaming *r, struct wh_dataset *data, struct was *was, struct places *places, struct wh_err *err)
{
	for (size_t i = 0; i < data->records.n; i++) {
		const struct wh_record *record = &data->records.data[i];
		struct wh_location location;
		struct wh_choice choice;
		was[i] = (struct was){ .group = r->standing ? record->group : NULL };
		struct wh_models *of = r->old;
		WH_TRY(wh_models_choose(of, record->attributes, &choice, err));
		if (!choice.held && r->since) {
			of = r->since;
			WH_TRY(wh_models_choose(of, record->attributes, &choice, err));
		}
		if (!choice.held)
			continue;
		WH_TRY(wh_held_locate(choice.held, record->fingerprint, &location, err));
		if (location.is_new)
			WH_TRY(find_earlier(of, record, &choice, &location, err));
		WH_TRY(find_place(r, places, choice.held, location.group, &was[i].place, err));
		was[i].is_new = location.is_new;
		was[i].name = places->names.data[was[i].place];
		was[i].group = was[i].group ? was[i].group : was[i].name;
	}
	return WH_OK;
}

/* ---- groups that people made one ---- */

/* The place that more than half of group g was in; UINT32_MAX: there is none. */
static uint32_t place_of(const struct wh_dataset *data, const struct wh_grouping *now, size_t g, const struct was *was, uint32_t *count, size_t n_places)
{
	memset(count, 0, n_places * sizeof *count);
	for (size_t i = 0; i < data->records.n; i++)
		if (now->of_point[data->records.data[i].point] == g && was[i].name && !was[i].is_new)
			count[was[i].place]++;
	for (uint32_t p = 0; p < n_places; p++)
		if (2 * (size_t)count[p] > now->groups[g].n_records)
			return p;
	return UINT32_MAX;
}

/* Different groups of a model that have one name were merged by people: what continues them is one, too. */
static int unite(const struct wh_dataset *data, struct wh_grouping *now, const struct was *was, const struct places *places, struct wh_err *err)
{
	uint32_t *count = calloc(places->names.n + 1, sizeof *count), *place = calloc(now->n + 1, sizeof *place);
	int code = count && place ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t g = 0; code == WH_OK && g < now->n; g++)
		place[g] = place_of(data, now, g, was, count, places->names.n);
	for (size_t g = 0; code == WH_OK && g < now->n; g++)
		for (size_t h = 0; h < now->n && place[g] != UINT32_MAX; h++) {
			const char *name = places->names.data[place[g]];
			if (h != g && place[h] != UINT32_MAX && place[h] != place[g] && places->names.data[place[h]] == name &&
			    !strcmp(now->groups[h].id, name))
				memcpy(now->groups[g].id, now->groups[h].id, WH_GROUP_ID);
		}
	free(count);
	free(place);
	return code;
}

/* ---- new groups ---- */

/* Groups of strangers take no part in the naming; what was new to the old model was nowhere. */
static int rename_groups(struct wh_renaming *r, struct wh_dataset *data, const struct was *was, struct wh_grouping *now, struct wh_err *err)
{
	size_t *strangers = calloc(now->n + 1, sizeof *strangers), n = data->records.n;
	struct wh_record *records = data->records.data;
	if (!strangers)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++)
		strangers[now->of_point[records[i].point]] += was[i].is_new;
	for (size_t i = 0; i < n; i++) {
		uint32_t g = now->of_point[records[i].point];
		records[i].group = 2 * strangers[g] > now->groups[g].n_records ? NULL : was[i].group;
	}
	int code = wh_continue_ids(now, data, r->used, err);
	for (size_t i = 0; i < n; i++)
		if (!was[i].is_new)
			records[i].group = was[i].group;
	free(strangers);
	return code;
}

int wh_renew(struct wh_renaming *r, struct wh_dataset *data, struct wh_model *model, const struct wh_constraints *constraints,
	     struct wh_grouping *now, struct wh_err *err)
{
	struct was *was = calloc(data->records.n + 1, sizeof *was);
	struct places places = { 0 };
	wh_strtab_init(&places.table, SIZE_MAX);
	int code = was ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = find_old(r, data, was, &places, err);
	if (code == WH_OK) {
		model->groups.n = 0;
		code = wh_group(now, data, model, constraints, err);
	}
	if (code == WH_OK)
		code = rename_groups(r, data, was, now, err);
	if (code == WH_OK)
		code = unite(data, now, was, &places, err);
	if (code == WH_OK)
		wh_group_name_model(now, model);
	wh_strtab_release(&places.table);
	wh_vec_release(&places.names);
	free(was);
	return code;
}

/* Moves to groups that became one are one. n: how many are left. */
static size_t join_moves(struct wh_move *moves, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++) {
		size_t k = kept;
		while (k > 0 && (strcmp(moves[k - 1].to, moves[i].to) != 0 || strcmp(moves[k - 1].from ? moves[k - 1].from : "", moves[i].from ? moves[i].from : "") != 0))
			k--;
		if (!k) {
			moves[kept++] = moves[i];
			continue;
		}
		moves[k - 1].observations += moves[i].observations;
		for (size_t m = 0; m < n; m++) /* of the same origin: one part less */
			if (m != i && moves[m].from && moves[i].from && !strcmp(moves[m].from, moves[i].from))
				moves[m].parts--;
	}
	return kept;
}

/* ---- one of several ---- */

static int note_choice(struct wh_renewed *renewed, const struct wh_models *models, const struct wh_choice *choice, struct wh_err *err)
{
	wh_str_clear(&renewed->was_of);
	renewed->before = 0;
	renewed->was = choice->of;
	if (!choice->held)
		return WH_OK;
	renewed->before = choice->held->number;
	wh_models_text(models, choice->held->values, &renewed->was_of);
	return wh_str_check(&renewed->was_of, err);
}

static int store_model(struct wh_renewal *r, struct wh_renewed *renewed, struct wh_model *model, struct wh_err *err)
{
	struct wh_standing *standing = r->standing;
	struct wh_str file = { 0 };
	int code = wh_model_pack(model, &renewed->part->data, &file, err);
	if (code == WH_OK)
		code = wh_store_add_model(standing->store, standing->call->signal->noun, (struct wh_bytes){ file.data, file.n }, &renewed->number, err);
	wh_str_release(&file);
	if (code == WH_OK)
		code = wh_models_put(&standing->models, renewed->part->values, renewed->number, err);
	return code;
}

/* Groups that the store does not have yet. Old ones stay, and what is in them unless it moves. */
static int store_groups(struct wh_renewal *r, struct wh_renewed *renewed, struct wh_err *err)
{
	struct wh_dataset *data = &renewed->part->data;
	for (size_t g = 0; g < renewed->now.n; g++) {
		const struct wh_group *group = &renewed->now.groups[g];
		struct wh_store_group row = { .id = group->id, .created_ns = wh_time_now(), .model = renewed->number,
					      .fingerprint = data->records.data[group->first].fingerprint };
		size_t before = r->used.n;
		if (wh_strtab_add(&r->used, group->id, strlen(group->id)) == WH_STRTAB_NONE)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (r->used.n > before)
			WH_TRY(wh_store_add_group(r->standing->store, r->standing->call->signal->noun, &row, err));
	}
	return WH_OK;
}

static int make(struct wh_renewal *r, struct wh_renewed *renewed, struct wh_model *model, struct wh_err *err)
{
	struct wh_dataset *data = &renewed->part->data;
	struct wh_constraints constraints = { 0 };
	struct wh_renaming renaming = { .old = &r->old, .since = &r->standing->models, .standing = r->moves ? r->standing : NULL, .used = &r->used };
	wh_strtab_init(&renaming.names, SIZE_MAX);
	int code = r->standing->call->n_operands ? WH_OK : wh_standing_constraints(r->standing, data, &constraints, err);
	if (code == WH_OK)
		code = wh_renew(&renaming, data, model, &constraints, &renewed->now, err);
	if (code == WH_OK) /* while the old names are there */
		code = wh_list_moves(&renewed->now, data, &renewed->moves, &renewed->n_moves, err);
	if (code == WH_OK)
		renewed->n_moves = join_moves(renewed->moves, renewed->n_moves);
	for (size_t i = 0; code == WH_OK && i < renewed->n_moves; i++) {
		const char *from = renewed->moves[i].from;
		if (from && !(renewed->moves[i].from = wh_arena_strdup(&r->standing->models.arena, from)))
			code = wh_arena_error(&r->standing->models.arena, err);
	}
	if (code == WH_OK)
		code = wh_fit_judge(data, &renewed->now, &renewed->n_classes, &renewed->f, err);
	if (code == WH_OK)
		code = store_model(r, renewed, model, err);
	if (code == WH_OK)
		code = store_groups(r, renewed, err);
	if (code == WH_OK && r->moves)
		code = wh_regroup_write(r->standing, &renewed->now, data, renewed->number, renewed->moves, renewed->n_moves, err);
	wh_strtab_release(&renaming.names);
	wh_constraints_release(&constraints);
	return code;
}

/* To learn: the standing model's parameters, and nothing of what it learned. */
static int make_afresh(struct wh_renewal *r, struct wh_renewed *renewed, struct wh_err *err)
{
	wh_str_clear(&r->standing->model.state);
	return make(r, renewed, &r->standing->model, err);
}

static int make_anew(struct wh_renewal *r, struct wh_renewed *renewed, struct wh_err *err)
{
	struct wh_model model;
	WH_TRY(wh_models_read(&r->standing->models, renewed->before, &model, err));
	int code = make(r, renewed, &model, err);
	wh_model_release(&model);
	return code;
}

static int renew_part(struct wh_renewal *r, struct wh_part *part, struct wh_err *err)
{
	struct wh_models *models = &r->standing->models;
	struct wh_choice choice;
	struct wh_err why = { 0 };
	WH_TRY(wh_models_choose_part(models, part, &choice, err));
	bool own = choice.of == WH_CHOICE_OWN;
	if (r->missing && own)
		return WH_OK;
	if (wh_vec_push(&r->done, (struct wh_renewed){ .part = part, .f = NAN }))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_renewed *renewed = &r->done.data[r->done.n - 1];
	WH_TRY(wh_models_choose_part(&r->old, part, &choice, err));
	if (!choice.held)
		WH_TRY(wh_models_choose_part(models, part, &choice, err));
	else
		models = &r->old;
	WH_TRY(note_choice(renewed, models, &choice, err));
	if (wh_fit_check(r->standing->call, &part->data, &why) != WH_OK)
		snprintf(renewed->why, sizeof renewed->why, "%.*s", (int)sizeof renewed->why - 1, why.message);
	else if (!r->learns && !own)
		snprintf(renewed->why, sizeof renewed->why, "there is no model of them yet: train --per makes one");
	else
		return r->learns ? make_afresh(r, renewed, err) : make_anew(r, renewed, err);
	return WH_OK;
}

/* ---- all ---- */

static int tell(struct wh_renewal *r, struct wh_err *err)
{
	const struct wh_host *host = r->standing->call->host;
	const struct wh_renewed *first = NULL;
	for (size_t i = 0; i < r->done.n; i++) {
		struct wh_renewed *renewed = &r->done.data[i];
		struct wh_str of = { 0 };
		struct wh_choice choice;
		if (!renewed->number) { /* what it goes by meanwhile: there may be a better one now */
			WH_TRY(wh_models_choose_part(&r->standing->models, renewed->part, &choice, err));
			WH_TRY(note_choice(renewed, &r->standing->models, &choice, err));
		}
		wh_models_text(&r->standing->models, renewed->part->values, &of);
		if (renewed->number)
			wh_host_log(host, WH_INFO, "%s: %zu observations in %zu %ss, model %lld", of.data ? of.data : "", renewed->part->data.records.n,
				    renewed->now.n, r->standing->call->signal->group_noun, (long long)renewed->number);
		else
			wh_host_log(host, WH_WARNING, "%s: refused: %s", of.data ? of.data : "", renewed->why);
		wh_str_release(&of);
		r->n_made += renewed->number != 0;
		r->n_refused += !renewed->number;
		first = first || renewed->number ? first : renewed;
	}
	if (r->n_made || r->missing)
		return WH_OK;
	return wh_err_set(err, WH_E_USAGE, "none of %zu could be made; the first: %s", r->n_refused, first ? first->why : "no observations");
}

int wh_renew_all(struct wh_renewal *r, const struct wh_dataset *data, struct wh_err *err)
{
	wh_strtab_init(&r->used, SIZE_MAX);
	WH_TRY(wh_standing_group_ids(r->standing, &r->used, err));
	WH_TRY(wh_models_split(&r->standing->models, data, &r->parts, &r->n_parts, err));
	for (size_t i = 0; i < r->n_parts; i++) {
		WH_TRY(renew_part(r, &r->parts[i], err));
		if (wh_host_cancelled(r->standing->call->host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	WH_TRY(tell(r, err));
	if (!r->n_made) /* as it was: nothing is divided before there is something to choose from */
		return WH_OK;
	WH_TRY(wh_models_keep(&r->standing->models, err));
	return wh_standing_keep_settings(r->standing, err);
}

static void emit_before(const struct wh_renewed *renewed, struct wh_emit *out)
{
	if (renewed->before) {
		wh_emit_integer(out, "before", renewed->before);
		wh_emit_bytes(out, "before_of", renewed->was_of.data, renewed->was_of.n);
	}
	wh_emit_string(out, "before_choice", wh_choice_name(renewed->was));
}

int wh_renewal_emit(const struct wh_renewal *r, struct wh_emit *out, struct wh_err *err)
{
	(void)err;
	wh_emit_array(out, "models");
	for (size_t i = 0; i < r->done.n; i++) {
		const struct wh_renewed *renewed = &r->done.data[i];
		if (!renewed->number)
			continue;
		wh_emit_object(out, NULL);
		wh_models_emit_values(&r->standing->models, renewed->part->values, out);
		wh_emit_integer(out, "model", renewed->number);
		emit_before(renewed, out);
		wh_emit_integer(out, "observations", (int64_t)renewed->part->data.records.n);
		wh_emit_integer(out, "distinct", (int64_t)renewed->part->data.n_points);
		wh_emit_integer(out, "classes", (int64_t)renewed->n_classes);
		wh_emit_real(out, "f", renewed->f);
		wh_emit_integer(out, "groups", (int64_t)renewed->now.n);
		wh_emit_array(out, "moves");
		for (size_t k = 0; k < renewed->n_moves; k++)
			wh_emit_move(&renewed->moves[k], out);
		wh_emit_end(out);
		wh_emit_end(out);
	}
	wh_emit_end(out);
	wh_emit_array(out, "refused");
	for (size_t i = 0; i < r->done.n; i++) {
		const struct wh_renewed *renewed = &r->done.data[i];
		if (renewed->number)
			continue;
		wh_emit_object(out, NULL);
		wh_models_emit_values(&r->standing->models, renewed->part->values, out);
		wh_emit_integer(out, "observations", (int64_t)renewed->part->data.records.n);
		wh_emit_string(out, "why", renewed->why);
		emit_before(renewed, out);
		wh_emit_end(out);
	}
	wh_emit_end(out);
	return WH_OK;
}

void wh_renewal_release(struct wh_renewal *r)
{
	for (size_t i = 0; i < r->done.n; i++) {
		wh_str_release(&r->done.data[i].was_of);
		wh_grouping_release(&r->done.data[i].now);
		free(r->done.data[i].moves);
	}
	wh_vec_release(&r->done);
	wh_parts_release(r->parts, r->n_parts);
	wh_models_close(&r->old);
	wh_strtab_release(&r->used);
}
