/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/regroup.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/strtab.h"
#include "base/time.h"
#include "pipeline/calibrate.h"
#include "pipeline/verbs.h"

/* ---- the map from old to new ---- */

static uint32_t name_number(struct wh_strtab *names, const char *name)
{
	return wh_strtab_add(names, name ? name : "", name ? strlen(name) : 0);
}

struct counting {
	struct wh_strtab pairs, from; /* (from, to) and from, numbered */
	struct WH_VEC(struct wh_move) moves;
	struct WH_VEC(size_t) parts; /* per from */
	size_t *sources;             /* per new group */
};

static int count_record(struct counting *c, const struct wh_grouping *grouping, const struct wh_record *record)
{
	uint32_t group = grouping->of_point[record->point], key[2] = { name_number(&c->from, record->group), group };
	if (key[0] == WH_STRTAB_NONE || (key[0] == c->parts.n && wh_vec_push(&c->parts, 0)))
		return 1;
	uint32_t at = wh_strtab_add(&c->pairs, (const char *)key, sizeof key);
	if (at == WH_STRTAB_NONE)
		return 1;
	if (at == c->moves.n) {
		if (wh_vec_push(&c->moves, (struct wh_move){ .from = record->group, .to = grouping->groups[group].id, .group = group }))
			return 1;
		c->parts.data[key[0]]++;
		c->sources[group] += record->group != NULL;
	}
	c->moves.data[at].observations++;
	return 0;
}

static int by_from(const void *a, const void *b)
{
	const struct wh_move *x = a, *y = b;
	int c = strcmp(x->from ? x->from : "", y->from ? y->from : "");
	if (!c && x->observations != y->observations)
		c = x->observations > y->observations ? -1 : 1;
	return c ? c : strcmp(x->to, y->to);
}

static int most_first(const void *a, const void *b)
{
	const struct wh_move *x = a, *y = b;
	if (x->observations != y->observations)
		return x->observations > y->observations ? -1 : 1;
	return by_from(a, b);
}

int wh_list_moves(const struct wh_grouping *grouping, const struct wh_dataset *data, struct wh_move **moves, size_t *n, struct wh_err *err)
{
	struct counting c = { .sources = calloc(grouping->n + 1, sizeof *c.sources) };
	wh_strtab_init(&c.pairs, SIZE_MAX);
	wh_strtab_init(&c.from, SIZE_MAX);
	int failed = !c.sources || wh_vec_reserve(&c.moves, 1);
	for (size_t i = 0; !failed && i < data->records.n; i++)
		failed = count_record(&c, grouping, &data->records.data[i]);
	for (size_t i = 0; !failed && i < c.moves.n; i++) {
		struct wh_move *move = &c.moves.data[i];
		move->parts = c.parts.data[name_number(&c.from, move->from)];
		move->sources = c.sources[move->group];
	}
	wh_strtab_release(&c.pairs);
	wh_strtab_release(&c.from);
	wh_vec_release(&c.parts);
	free(c.sources);
	if (failed) {
		free(c.moves.data);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	if (c.moves.n)
		qsort(c.moves.data, c.moves.n, sizeof *c.moves.data, by_from);
	*moves = c.moves.data;
	*n = c.moves.n;
	return WH_OK;
}

const char *wh_move_kind(const struct wh_move *move)
{
	if (!move->from)
		return "new";
	if (!strcmp(move->from, move->to))
		return move->parts > 1 ? "split" : "kept";
	return move->parts > 1 ? "moved" : "merged";
}

void wh_emit_move(const struct wh_move *move, struct wh_emit *out)
{
	wh_emit_object(out, NULL);
	wh_emit_string(out, "from", move->from);
	wh_emit_string(out, "to", move->to);
	wh_emit_integer(out, "observations", (int64_t)move->observations);
	wh_emit_string(out, "change", wh_move_kind(move));
	wh_emit_end(out);
}

int wh_emit_moves(struct wh_call *call, const struct wh_grouping *grouping, const struct wh_dataset *data, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "from", "to", "observations", "change", NULL };
	char schema[WH_SCHEMA];
	struct wh_move *moves;
	size_t n;
	WH_TRY(wh_list_moves(grouping, data, &moves, &n, err));
	wh_emit_records(out, wh_verb_schema(call, "regrouping", schema), columns);
	for (size_t i = 0; i < n; i++)
		wh_emit_move(&moves[i], out);
	free(moves);
	return wh_emit_close(out, err);
}

/* ---- names that last ---- */

struct naming {
	const struct wh_strtab *used; /* ids of groups long gone; NULL: none */
	struct wh_strtab old, fresh; /* ids of before; ids of now */
	bool *taken;                 /* per old id */
	char (*id)[WH_GROUP_ID];     /* per new group: the id it continues, or "" */
};

/* An id that neither was nor is anyone's. */
static int fresh_id(struct naming *names, const struct wh_record *first, char id[static WH_GROUP_ID])
{
	for (unsigned salt = 0;; salt++) {
		wh_group_id(first, salt, id);
		size_t n = strlen(id), before = names->fresh.n;
		if (wh_strtab_find(&names->old, id, n) != WH_STRTAB_NONE || (names->used && wh_strtab_find(names->used, id, n) != WH_STRTAB_NONE))
			continue;
		if (wh_strtab_add(&names->fresh, id, n) == WH_STRTAB_NONE)
			return 1;
		if (names->fresh.n > before)
			return 0;
	}
}

static int rename_groups(struct naming *names, struct wh_grouping *grouping, const struct wh_dataset *data, const struct wh_move *moves, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (moves[i].from && name_number(&names->old, moves[i].from) == WH_STRTAB_NONE)
			return 1;
	names->taken = calloc(names->old.n + 1, sizeof *names->taken);
	names->id = calloc(grouping->n + 1, sizeof *names->id);
	if (!names->taken || !names->id)
		return 1;
	for (size_t i = 0; i < n; i++) { /* most first: the larger part keeps the name */
		uint32_t old = moves[i].from ? name_number(&names->old, moves[i].from) : 0;
		if (!moves[i].from || names->taken[old] || names->id[moves[i].group][0])
			continue;
		names->taken[old] = true;
		strncpy(names->id[moves[i].group], moves[i].from, WH_GROUP_ID - 1);
	}
	for (size_t g = 0; g < grouping->n; g++) {
		struct wh_group *group = &grouping->groups[g];
		if (names->id[g][0])
			memcpy(group->id, names->id[g], WH_GROUP_ID);
		else if (fresh_id(names, &data->records.data[group->first], group->id))
			return 1;
	}
	return 0;
}

int wh_continue_ids(struct wh_grouping *grouping, const struct wh_dataset *data, const struct wh_strtab *used, struct wh_err *err)
{
	struct naming names = { .used = used };
	struct wh_move *moves;
	size_t n;
	WH_TRY(wh_list_moves(grouping, data, &moves, &n, err));
	qsort(moves, n, sizeof *moves, most_first);
	wh_strtab_init(&names.old, SIZE_MAX);
	wh_strtab_init(&names.fresh, SIZE_MAX);
	int failed = rename_groups(&names, grouping, data, moves, n);
	wh_strtab_release(&names.old);
	wh_strtab_release(&names.fresh);
	free(names.taken);
	free(names.id);
	free(moves);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

/* ---- writing ---- */

static int write_groups(struct wh_standing *standing, const struct wh_grouping *grouping, const struct wh_dataset *data,
			const struct wh_strtab *old, struct wh_err *err)
{
	const char *noun = standing->call->signal->noun;
	for (size_t g = 0; g < grouping->n; g++) {
		const struct wh_group *group = &grouping->groups[g];
		struct wh_store_group row = { .id = group->id, .created_ns = wh_time_now(), .model = standing->model.number,
					      .fingerprint = data->records.data[group->first].fingerprint };
		if (wh_strtab_find(old, group->id, strlen(group->id)) == WH_STRTAB_NONE)
			WH_TRY(wh_store_add_group(standing->store, noun, &row, err));
	}
	return WH_OK;
}

static int write_records(struct wh_standing *standing, const struct wh_grouping *grouping, const struct wh_dataset *data,
			 struct wh_err *err)
{
	for (size_t i = 0; i < data->records.n; i++) {
		const struct wh_record *record = &data->records.data[i];
		WH_TRY(wh_store_update(standing->store, standing->call->signal->noun, record->row, record->fingerprint,
				       grouping->groups[grouping->of_point[record->point]].id, grouping->similarity[record->point], NULL, err));
	}
	return WH_OK;
}

/* Old groups whose name nobody bears any more point to where most of their members went. */
static int write_successors(struct wh_standing *standing, const struct wh_move *moves, size_t n, const struct wh_strtab *now, struct wh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		bool largest = moves[i].from && (!i || !moves[i - 1].from || strcmp(moves[i - 1].from, moves[i].from) != 0);
		if (largest && wh_strtab_find(now, moves[i].from, strlen(moves[i].from)) == WH_STRTAB_NONE)
			WH_TRY(wh_store_update_group(standing->store, standing->call->signal->noun, moves[i].from, NULL, moves[i].to, err));
	}
	return WH_OK;
}

static int write_text(void *user, const char *text, size_t n, struct wh_err *err)
{
	wh_str_add(user, text, n);
	return wh_str_check(user, err);
}

/* The audit trail keeps what changed; what was kept as it was goes without saying. */
static int say_moves(struct wh_standing *standing, int64_t model, const struct wh_move *moves, size_t n, struct wh_err *err)
{
	struct wh_str text = { 0 };
	struct wh_json_writer writer;
	wh_json_writer_init(&writer, (struct wh_sink){ write_text, &text }, true);
	wh_emit_object(&writer.emit, NULL);
	wh_emit_integer(&writer.emit, "model", model);
	wh_emit_array(&writer.emit, "moves");
	for (size_t i = 0; i < n; i++) {
		if (!moves[i].from || !strcmp(moves[i].from, moves[i].to))
			continue;
		wh_emit_object(&writer.emit, NULL);
		wh_emit_string(&writer.emit, "from", moves[i].from);
		wh_emit_string(&writer.emit, "to", moves[i].to);
		wh_emit_integer(&writer.emit, "observations", (int64_t)moves[i].observations);
		wh_emit_end(&writer.emit);
	}
	int code = wh_emit_close(&writer.emit, err);
	wh_json_writer_release(&writer);
	struct wh_store_saying saying = { .word = WH_STORE_REGROUP, .a = standing->call->signal->noun, .text = text.data };
	if (code == WH_OK)
		code = wh_store_say(standing->store, standing->call->signal->noun, &saying, err);
	wh_str_release(&text);
	return code;
}

int wh_regroup_write(struct wh_standing *standing, const struct wh_grouping *grouping, const struct wh_dataset *data, int64_t model,
		     const struct wh_move *moves, size_t n, struct wh_err *err)
{
	WH_TRY(write_records(standing, grouping, data, err));
	return say_moves(standing, model, moves, n, err);
}

static int write_all(struct wh_standing *standing, const struct wh_grouping *grouping, const struct wh_dataset *data,
		     struct wh_err *err)
{
	struct wh_strtab old, now;
	struct wh_move *moves = NULL;
	size_t n = 0;
	wh_strtab_init(&old, SIZE_MAX);
	wh_strtab_init(&now, SIZE_MAX);
	int code = wh_list_moves(grouping, data, &moves, &n, err);
	for (size_t i = 0; code == WH_OK && i < n; i++)
		if ((moves[i].from && name_number(&old, moves[i].from) == WH_STRTAB_NONE) || name_number(&now, moves[i].to) == WH_STRTAB_NONE)
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		code = wh_standing_keep_model(standing, data, err);
	if (code == WH_OK && standing->model.method->group)
		code = wh_models_forget(standing->store, standing->call, err);
	if (code == WH_OK)
		code = write_groups(standing, grouping, data, &old, err);
	if (code == WH_OK)
		code = write_records(standing, grouping, data, err);
	if (code == WH_OK)
		code = write_successors(standing, moves, n, &now, err);
	if (code == WH_OK)
		code = say_moves(standing, standing->model.number, moves, n, err);
	free(moves);
	wh_strtab_release(&old);
	wh_strtab_release(&now);
	return code;
}

static int regroup(struct wh_standing *standing, struct wh_dataset *data, struct wh_grouping *grouping, struct wh_emit *out, struct wh_err *err)
{
	struct wh_call *call = (struct wh_call *)standing->call;
	struct wh_constraints constraints = { 0 };
	bool dry = wh_values_find(&call->options, "dry-run") >= 0 && wh_values_flag(&call->options, "dry-run");
	int code = wh_standing_constraints(standing, data, &constraints, err);
	if (code == WH_OK)
		code = wh_calibrate_default(&standing->model, call, data, err);
	/* Weights are frozen with the groups they make: assign compares under the same. What has come since counts from now on, unless
	 * somebody brings a model with weights of its own. */
	bool brought = wh_values_find(&call->options, "model") >= 0 && wh_values_string(&call->options, "model") && standing->model.state.n;
	if (code == WH_OK && !brought) {
		code = wh_model_freeze(&standing->model, data, err);
		standing->stored_model = false;
	}
	if (code == WH_OK)
		code = wh_group(grouping, data, &standing->model, &constraints, err);
	struct wh_strtab used;
	wh_strtab_init(&used, SIZE_MAX);
	if (code == WH_OK)
		code = wh_standing_group_ids(standing, &used, err);
	if (code == WH_OK)
		code = wh_continue_ids(grouping, data, &used, err);
	if (code == WH_OK)
		wh_group_name_model(grouping, &standing->model);
	wh_strtab_release(&used);
	if (code == WH_OK && !dry)
		code = write_all(standing, grouping, data, err);
	if (code == WH_OK && !dry)
		code = wh_store_commit(standing->store, err);
	if (code == WH_OK)
		code = wh_emit_moves(call, grouping, data, out, err);
	wh_constraints_release(&constraints);
	return code;
}

int wh_regroup_store(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_standing standing;
	struct wh_dataset data = { 0 };
	struct wh_grouping grouping = { 0 };
	WH_TRY(wh_standing_open(&standing, call, WH_STORE_WRITE, err));
	int code = WH_OK;
	if (standing.models.n_per)
		code = wh_err_set(err, WH_E_USAGE, "%s has a model for each combination of values: train --per makes them anew; --model FILE makes one of them again",
				  call->store);
	if (code == WH_OK)
		code = wh_store_begin(standing.store, err); /* nobody adds while we look */
	if (code == WH_OK)
		code = wh_standing_load(&standing, WH_LOAD_ATTRIBUTES, &data, err);
	if (code == WH_OK)
		code = wh_dataset_need(&data, err);
	if (code == WH_OK)
		code = regroup(&standing, &data, &grouping, out, err);
	wh_grouping_release(&grouping);
	wh_dataset_release(&data);
	wh_standing_close(&standing);
	return code;
}
