/* SPDX-License-Identifier: Apache-2.0 */
/* history: everything people said and every regrouping, in order; undo: takes one of them back. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "pipeline/curate.h"
#include "pipeline/verbs.h"

static const char *word_name(enum wh_store_word word)
{
	static const char *const names[] = {
		[WH_STORE_TOGETHER] = "together", [WH_STORE_APART] = "apart", [WH_STORE_LABEL] = "label",	  [WH_STORE_NOTE] = "note",
		[WH_STORE_MERGE] = "merge",	  [WH_STORE_SPLIT] = "split", [WH_STORE_REGROUP] = "regroup", [WH_STORE_UNDO] = "undo",
	};
	return (size_t)word < sizeof names / sizeof *names ? names[word] : "unknown";
}

/* ---- history ---- */

static const struct wh_param history_options[] = {
	{ .name = "parts", .type = WH_PARAM_FLAG, .help = "also list the pairs that merges and splits are made of" },
	{ 0 },
};

struct history {
	struct wh_call *call;
	struct wh_emit *out;
	bool parts;
};

static bool wanted(const struct wh_call *call, const struct wh_store_saying *saying)
{
	for (size_t i = 0; i < call->n_operands; i++)
		if (!strcmp(saying->a ? saying->a : "", call->operands[i]) || !strcmp(saying->b ? saying->b : "", call->operands[i]))
			return true;
	return !call->n_operands;
}

/* Merges, splits and regroupings keep what they moved as JSON: for people it is a number, for programs `detail`. */
static int emit_text(const struct wh_store_saying *saying, struct wh_emit *out, struct wh_err *err)
{
	bool moved = saying->word == WH_STORE_MERGE || saying->word == WH_STORE_SPLIT;
	struct json_object *detail;
	if (!saying->text || (!moved && saying->word != WH_STORE_REGROUP)) {
		wh_emit_string(out, "text", saying->text);
		return WH_OK;
	}
	WH_TRY(wh_json_parse((struct wh_bytes){ saying->text, strlen(saying->text) }, &detail, err));
	struct json_object *list = moved ? detail : wh_json_array(detail, "moves");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	wh_emit_format(out, "text", moved ? "%zu observation%s" : "%zu move%s", n, n == 1 ? "" : "s");
	wh_emit_string(out, "detail", json_object_to_json_string_ext(detail, JSON_C_TO_STRING_PLAIN));
	json_object_put(detail);
	return WH_OK;
}

static int emit_saying(void *user, const struct wh_store_saying *saying, struct wh_err *err)
{
	const struct history *h = user;
	if ((saying->part_of && !h->parts) || !wanted(h->call, saying))
		return WH_OK;
	wh_emit_object(h->out, NULL);
	wh_emit_integer(h->out, "number", saying->number);
	wh_emit_time(h->out, "time", saying->time_ns);
	wh_emit_string(h->out, "who", saying->who);
	wh_emit_string(h->out, "word", word_name(saying->word));
	wh_emit_string(h->out, "a", saying->a);
	wh_emit_string(h->out, "b", saying->b);
	int code = emit_text(saying, h->out, err);
	if (saying->part_of)
		wh_emit_integer(h->out, "part_of", saying->part_of);
	if (saying->undone_by)
		wh_emit_integer(h->out, "undone_by", saying->undone_by);
	wh_emit_end(h->out);
	return code;
}

static int run_history(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "number", "time", "who", "word", "a", "b", "undone_by", "text", NULL };
	struct history history = { call, out, wh_values_flag(&call->options, "parts") };
	struct wh_store *store;
	char schema[WH_SCHEMA];
	WH_TRY(wh_store_open(&store, call->store, WH_STORE_READ, err));
	wh_emit_records(out, wh_verb_schema(call, "history", schema), columns);
	int code = wh_store_each_saying(store, call->signal->noun, true, emit_saying, &history, err);
	wh_store_close(store);
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

const struct wh_verb wh_verb_history = {
	.name = "history",
	.operands = "[ID…]",
	.most = SIZE_MAX,
	.summary = "what was said and changed, in order",
	.description = "Lists labels, notes, merges, splits, regroupings and what was undone, oldest first: everything, or what concerns these ids.\n",
	.examples = "whorl NOUN history\n"
		    "whorl NOUN history g0123456789ab\n",
	.result = "history",
	.flags = WH_VERB_STORE,
	.options = history_options,
	.run = run_history,
};

/* ---- undo ---- */

static const struct wh_param undo_options[] = { WH_OPTION_WHO, { 0 } };

struct undoing {
	struct wh_curation c;
	int64_t number;
	bool found;
	int64_t part_of;
	enum wh_store_word word;
	struct wh_str a, b, text;
	struct wh_str label; /* the one in force before, of the same id */
	bool labelled;       /* a first label was seen: what was before it came with the observation */
	bool later;          /* labelled again since */
};

static int take_saying(void *user, const struct wh_store_saying *saying, struct wh_err *err)
{
	struct undoing *u = user;
	bool same = u->found && saying->word == WH_STORE_LABEL && u->word == WH_STORE_LABEL && !strcmp(saying->a, u->a.data);
	if (saying->number == u->number) {
		u->found = true;
		u->part_of = saying->part_of;
		u->word = saying->word;
		wh_str_puts(&u->a, saying->a ? saying->a : "");
		wh_str_puts(&u->b, saying->b ? saying->b : "");
		wh_str_puts(&u->text, saying->text ? saying->text : "");
	} else if (same && !saying->undone_by) {
		u->later = true;
	}
	return u->a.failed || u->b.failed || u->text.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static int take_label(void *user, const struct wh_store_saying *saying, struct wh_err *err)
{
	struct undoing *u = user;
	if (saying->word != WH_STORE_LABEL || saying->number > u->number || strcmp(saying->a, u->a.data) != 0)
		return WH_OK;
	const char *label = saying->undone_by || saying->number == u->number ? NULL : saying->text;
	if (!u->labelled && !label)
		label = saying->b ? saying->b : "";
	u->labelled = true;
	if (label) {
		wh_str_clear(&u->label);
		wh_str_puts(&u->label, label);
	}
	return wh_str_check(&u->label, err);
}

/* The observations that a merge or a split moved and that are still where it put them. */
static int moved_back(struct undoing *u, const char *where, uint32_t **records, size_t *n, struct wh_err *err)
{
	struct json_object *ids;
	WH_TRY(wh_json_parse((struct wh_bytes){ u->text.data, u->text.n }, &ids, err));
	size_t most = json_object_is_type(ids, json_type_array) ? json_object_array_length(ids) : 0;
	*n = 0;
	*records = malloc((most + 1) * sizeof **records);
	for (size_t i = 0; *records && i < most; i++) {
		size_t r = wh_dataset_find(&u->c.data, json_object_get_string(json_object_array_get_idx(ids, i)));
		if (r != SIZE_MAX && u->c.data.records.data[r].group && !strcmp(u->c.data.records.data[r].group, where))
			(*records)[(*n)++] = (uint32_t)r;
	}
	json_object_put(ids);
	return *records ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* A merge put b into a; a split took b out of a. */
static int move_back(struct undoing *u, struct wh_err *err)
{
	const char *noun = u->c.standing.call->signal->noun;
	bool merge = u->word == WH_STORE_MERGE;
	const char *where = merge ? u->a.data : u->b.data, *back = merge ? u->b.data : u->a.data;
	uint32_t *records = NULL;
	size_t n = 0;
	if (!u->b.n)
		return WH_OK; /* a split that only held apart */
	int code = moved_back(u, where, &records, &n, err);
	if (code == WH_OK && merge)
		code = wh_store_update_group(u->c.standing.store, noun, back, NULL, "", err);
	if (code == WH_OK)
		code = wh_curation_move(&u->c, records, n, back, err);
	if (code == WH_OK && !merge)
		code = wh_store_update_group(u->c.standing.store, noun, where, NULL, back, err);
	free(records);
	return code;
}

static int label_back(struct undoing *u, struct wh_err *err)
{
	const char *noun = u->c.standing.call->signal->noun, *label = u->label.data ? u->label.data : "";
	size_t record = wh_dataset_find(&u->c.data, u->a.data);
	if (u->later)
		return WH_OK;
	if (record == SIZE_MAX)
		return wh_store_update_group(u->c.standing.store, noun, u->a.data, label, NULL, err);
	return wh_store_update(u->c.standing.store, noun, u->c.data.records.data[record].row, (struct wh_bytes){ NULL, 0 }, NULL,
			       u->c.data.records.data[record].similarity, label, err);
}

static int undo(struct undoing *u, const struct wh_call *call, struct wh_err *err)
{
	struct wh_store *store = u->c.standing.store;
	const char *noun = call->signal->noun;
	char *rest;
	int64_t by;
	u->number = strtoll(call->operands[0], &rest, 10);
	if (rest == call->operands[0] || *rest)
		return wh_err_set(err, WH_E_USAGE, "%s is no number of the history", call->operands[0]);
	WH_TRY(wh_store_each_saying(store, noun, true, take_saying, u, err));
	if (!u->found)
		return wh_err_set(err, WH_E_NOTFOUND, "the history has no number %s", call->operands[0]);
	if (u->part_of)
		return wh_err_set(err, WH_E_CONFLICT, "%s is a part of %lld: undo that", call->operands[0], (long long)u->part_of);
	if (u->word == WH_STORE_REGROUP || u->word == WH_STORE_UNDO)
		return wh_err_set(err, WH_E_CONFLICT, "%s is %s: that cannot be undone", call->operands[0],
				  u->word == WH_STORE_UNDO ? "an undo" : "a regrouping");
	WH_TRY(wh_curation_say(&u->c, WH_STORE_UNDO, call->operands[0], NULL, NULL, 0, &by, err));
	WH_TRY(wh_store_undo(store, noun, u->number, by, err));
	if (u->word == WH_STORE_MERGE || u->word == WH_STORE_SPLIT)
		WH_TRY(move_back(u, err));
	if (u->word == WH_STORE_LABEL) {
		WH_TRY(wh_store_each_saying(store, noun, true, take_label, u, err));
		WH_TRY(label_back(u, err));
	}
	return wh_curation_commit(&u->c, err);
}

static int run_undo(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct undoing u = { 0 };
	char schema[WH_SCHEMA];
	WH_TRY(wh_curation_open(&u.c, call, err));
	int code = undo(&u, call, err);
	if (code == WH_OK) {
		wh_emit_document(out, wh_verb_schema(call, "undo", schema));
		wh_emit_integer(out, "undone", u.number);
		wh_emit_string(out, "word", word_name(u.word));
		code = wh_emit_close(out, err);
	}
	wh_str_release(&u.a);
	wh_str_release(&u.b);
	wh_str_release(&u.text);
	wh_str_release(&u.label);
	wh_curation_close(&u.c);
	return code;
}

const struct wh_verb wh_verb_undo = {
	.name = "undo",
	.operands = "NUMBER",
	.least = 1,
	.most = 1,
	.summary = "take back something from the history",
	.description = "Takes back the label, note, merge or split with this number: its constraints are no longer obeyed, observations that are still where\n"
		       "it put them go back, the label before it is in force again. NUMBER is the first column of history, which keeps both.\n",
	.examples = "whorl NOUN undo 12\n",
	.result = "undo",
	.flags = WH_VERB_STORE,
	.options = undo_options,
	.run = run_undo,
};
