/* SPDX-License-Identifier: Apache-2.0 */
/* resymbolise: what symbols that have arrived tell of stored observations; those whose fingerprint changes are placed anew. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "pipeline/load.h"
#include "pipeline/intern.h"
#include "pipeline/place.h"
#include "pipeline/verbs.h"

enum { REPORT_MIB = 64 };

/* How many went from one group to another. */
struct move {
	const char *from, *to;
	int64_t observations;
};

struct renewing {
	struct wh_call *call;
	struct wh_standing *standing;
	void *context; /* of the signal's readers */
	struct wh_arena arena;
	void *scratch;
	struct wh_str body;
	struct wh_interner *strings;
	struct wh_map left; /* row -> the name of the group it left, interned */
	struct WH_VEC(struct move) moves;
	size_t looked, filled, regrouped, absent;
};

/* ---- what is better now ---- */

/* Keeps the new body; where the fingerprint changes, too, the observation leaves its group. */
static int renew(struct renewing *s, const struct wh_store_observation *stored, struct wh_bytes body, uint64_t hash, struct wh_bytes fingerprint,
		 struct wh_err *err)
{
	bool same = fingerprint.size == stored->fingerprint.size &&
		    (!fingerprint.size || !memcmp(fingerprint.data, stored->fingerprint.data, fingerprint.size));
	bool leave = !same && stored->group;
	s->filled++;
	if (leave) {
		const char *group = wh_intern(s->strings, stored->group, strlen(stored->group));
		uint64_t *slot = group ? wh_map_put(&s->left, (uint64_t)stored->row, 0) : NULL;
		if (!slot)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		*slot = (uint64_t)(uintptr_t)group;
		s->regrouped++;
	}
	return wh_store_replace(s->standing->store, s->call->signal->noun, stored->row, body, hash, fingerprint, leave, err);
}

static int fill_in(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	struct renewing *s = user;
	const struct wh_signal *signal = s->call->signal;
	struct wh_observation o = { 0 };
	struct wh_bytes fingerprint;
	bool changed;
	if (wh_host_cancelled(s->call->host))
		return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	wh_arena_reset(&s->arena);
	s->looked++;
	WH_TRY(signal->decode(stored->body, &s->arena, &o, err));
	WH_TRY(signal->resymbolise(s->context, &o, &s->arena, &changed, err));
	if (!changed)
		return WH_OK;
	WH_TRY(wh_encode_body(signal, &o, &s->body, err));
	WH_TRY(signal->fingerprint(s->standing->model.config, &s->scratch, &o, &s->arena, &fingerprint, err));
	/* the hash stays that of what was imported: to import it again is no conflict */
	return renew(s, stored, (struct wh_bytes){ s->body.data, s->body.n }, stored->body_hash, fingerprint, err);
}

/* ---- what is read again ---- */

struct again {
	struct renewing *s;
	const struct wh_record *record;
};

static int replace_stored(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	const struct again *again = user;
	const struct wh_record *record = again->record;
	again->s->looked++;
	if (record->body.size == stored->body.size && !memcmp(record->body.data, stored->body.data, record->body.size))
		return WH_OK;
	return renew(again->s, stored, record->body, record->body_hash, record->fingerprint, err);
}

static int take_batch(void *user, struct wh_batch *batch, struct wh_err *err)
{
	struct renewing *s = user;
	for (size_t i = 0; i < batch->records.n; i++) {
		struct again again = { s, &batch->records.data[i] };
		int code = wh_store_get(s->standing->store, s->call->signal->noun, batch->records.data[i].id, WH_STORE_BODY | WH_STORE_FINGERPRINT,
					replace_stored, &again, err);
		if (code != WH_OK && code != WH_E_NOTFOUND)
			return code;
		s->absent += code == WH_E_NOTFOUND;
	}
	return WH_OK;
}

static int read_again(struct renewing *s, struct wh_err *err)
{
	struct wh_load load = { .call = s->call, .config = s->standing->model.config, .settings = &s->standing->model.settings,
				.flags = WH_LOAD_BODY, .paths = s->call->operands, .n_paths = s->call->n_operands, .strings = s->strings,
				.take = take_batch, .user = s };
	return wh_load(&load, err);
}

static int look_at_all(struct renewing *s, struct wh_err *err)
{
	const struct wh_signal *signal = s->call->signal;
	WH_TRY(signal->open_reading(&s->call->reading, &s->context, err));
	return wh_store_each(s->standing->store, signal->noun, NULL, WH_STORE_BODY | WH_STORE_FINGERPRINT, fill_in, s, err);
}

/* All that changes, in one transaction. */
static int renew_all(struct renewing *s, struct wh_err *err)
{
	WH_TRY(wh_store_begin(s->standing->store, err));
	int code = s->call->n_operands ? read_again(s, err) : look_at_all(s, err);
	if (code == WH_OK && !wh_values_flag(&s->call->options, "dry-run"))
		return wh_store_commit(s->standing->store, err);
	wh_store_rollback(s->standing->store);
	return code;
}

/* ---- where they go ---- */

static int take_placement(void *user, const struct wh_placement *placed, struct wh_err *err)
{
	struct renewing *s = user;
	uint64_t *slot = wh_map_get(&s->left, (uint64_t)placed->record->row);
	const char *from = slot ? (const char *)(uintptr_t)*slot : NULL, *to = wh_intern(s->strings, placed->group, strlen(placed->group));
	if (!to)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < s->moves.n; i++)
		if (s->moves.data[i].from == from && s->moves.data[i].to == to) {
			s->moves.data[i].observations++;
			return WH_OK;
		}
	return wh_vec_push(&s->moves, (struct move){ from, to, 1 }) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

/* Groups that nobody is in any more point to where most of theirs went. */
static int end_group(void *user, const struct wh_store_group *group, struct wh_err *err)
{
	struct renewing *s = user;
	const struct move *most = NULL;
	for (size_t i = 0; i < s->moves.n && !group->observations; i++)
		if (s->moves.data[i].from && !strcmp(s->moves.data[i].from, group->id) && (!most || s->moves.data[i].observations > most->observations))
			most = &s->moves.data[i];
	return most ? wh_store_update_group(s->standing->store, s->call->signal->noun, group->id, NULL, most->to, err) : WH_OK;
}

static int place_anew(struct renewing *s, struct wh_err *err)
{
	struct wh_placing placing = { .take = take_placement, .user = s };
	int code = wh_place_all(&placing, s->standing, err);
	wh_place_release(&placing);
	return code == WH_OK ? wh_store_each_group(s->standing->store, s->call->signal->noun, false, end_group, s, err) : code;
}

static int by_from(const void *a, const void *b)
{
	const struct move *x = a, *y = b;
	int c = strcmp(x->from ? x->from : "", y->from ? y->from : "");
	return c ? c : strcmp(x->to, y->to);
}

static int emit_moves(struct renewing *s, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "from", "to", "observations", "change", NULL };
	char schema[WH_SCHEMA];
	wh_emit_records(out, wh_verb_schema(s->call, "regrouping", schema), columns);
	if (s->moves.n)
		qsort(s->moves.data, s->moves.n, sizeof *s->moves.data, by_from);
	for (size_t i = 0; i < s->moves.n; i++) {
		const struct move *move = &s->moves.data[i];
		wh_emit_object(out, NULL);
		wh_emit_string(out, "from", move->from);
		wh_emit_string(out, "to", move->to);
		wh_emit_integer(out, "observations", move->observations);
		wh_emit_string(out, "change", !move->from ? "new" : !strcmp(move->from, move->to) ? "kept" : "moved");
		wh_emit_end(out);
	}
	return wh_emit_close(out, err);
}

/* ---- the verb ---- */

static const struct wh_param options[] = {
	{ .name = "dry-run", .type = WH_PARAM_FLAG, .help = "say how many would change, write nothing" },
	{ 0 },
};

static void tell(const struct renewing *s, bool dry)
{
	wh_host_log(s->call->host, WH_INFO, "%zu observations looked at, %zu %s, %zu of them to be grouped anew", s->looked, s->filled,
		    dry ? "would change" : "changed", s->regrouped);
	if (s->absent)
		wh_host_log(s->call->host, WH_WARNING, "%zu are not in the store, and were left out: import them first", s->absent);
}

static int run_with(struct renewing *s, struct wh_emit *out, struct wh_err *err)
{
	bool dry = wh_values_flag(&s->call->options, "dry-run");
	s->strings = wh_interner_new();
	if (!s->strings)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(renew_all(s, err));
	tell(s, dry);
	if (s->regrouped && !dry)
		WH_TRY(place_anew(s, err));
	return emit_moves(s, out, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_standing standing;
	struct renewing s = { .call = call, .standing = &standing };
	WH_TRY(wh_standing_open(&standing, call, WH_STORE_WRITE, err));
	wh_arena_init(&s.arena, (size_t)REPORT_MIB << 20);
	int code = run_with(&s, out, err);
	if (s.context)
		call->signal->close_reading(s.context);
	if (s.scratch)
		call->signal->scratch_free(s.scratch);
	wh_arena_release(&s.arena);
	wh_str_release(&s.body);
	wh_map_release(&s.left);
	wh_vec_release(&s.moves);
	wh_interner_free(s.strings);
	wh_standing_close(&standing);
	return code;
}

const struct wh_verb wh_verb_resymbolise = {
	.name = "resymbolise",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "name what was unknown, with symbols that arrived since",
	.description =
		"Looks at every observation of the store for frames that say a build-id and an offset, but no function, and asks the symbols that\n"
		"are at hand now (--symbols, --sysroot, --debuginfod, and what is installed) for it. What is found is kept; observations whose\n"
		"fingerprint changes by it leave their group and are put into one anew, as assign does. The map of old groups to new ones is\n"
		"printed; a group that nobody is left in points to where most of its members went.\n"
		"\n"
		"With INPUT, reads these files again, from the folder and under the ids that they were imported with, and keeps what is read now:\n"
		"for cores and minidumps, whose stacks may be unwound better with the modules that have arrived.\n"
		"\n"
		"All observations that change are written in one transaction, where they go in a second one; if it is interrupted between them,\n"
		"assign puts into groups what is left without.\n",
	.examples = "whorl NOUN resymbolise --symbols build/symbols\n"
		    "whorl NOUN resymbolise --sysroot image/ cores/\n",
	.result = "regrouping",
	.flags = WH_VERB_READS | WH_VERB_STORE | WH_VERB_RESYMBOLISES,
	.options = options,
	.run = run,
};
