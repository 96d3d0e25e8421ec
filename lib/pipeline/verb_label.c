/* SPDX-License-Identifier: Apache-2.0 */
/* label, note: what people know about an observation or a group. */
#include <stdlib.h>

#include "pipeline/curate.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = { WH_OPTION_WHO, { 0 } };

static int emit_saying(struct wh_call *call, const char *what, const char *id, const char *text, int64_t number, struct wh_emit *out,
		       struct wh_err *err)
{
	char schema[WH_SCHEMA];
	wh_emit_document(out, wh_verb_schema(call, "saying", schema));
	wh_emit_integer(out, "number", number);
	wh_emit_string(out, "word", what);
	wh_emit_string(out, "id", id);
	wh_emit_string(out, "text", text);
	return wh_emit_close(out, err);
}

/* Groups first: their ids have a form of their own. The name they go by now is said. */
static int find_target(struct wh_curation *c, const char *id, char **group, size_t *record, struct wh_err *err)
{
	if (wh_curation_group(c, id, group, NULL) == WH_OK)
		return WH_OK;
	*record = wh_dataset_find(&c->data, id);
	return *record != SIZE_MAX ? WH_OK
				   : wh_err_set(err, WH_E_NOTFOUND, "%s is the id of no observation and of no %s in %s", id,
						c->standing.call->signal->group_noun, c->standing.call->store);
}

static int apply_label(struct wh_curation *c, const char *group, size_t record, const char *text, struct wh_err *err)
{
	const char *noun = c->standing.call->signal->noun;
	if (group)
		return wh_store_update_group(c->standing.store, noun, group, text, NULL, err);
	return wh_store_update(c->standing.store, noun, c->data.records.data[record].row, (struct wh_bytes){ NULL, 0 }, NULL,
			       c->data.records.data[record].similarity, text, err);
}

static int say(struct wh_call *call, enum wh_store_word word, const char *what, struct wh_emit *out, struct wh_err *err)
{
	struct wh_curation c;
	const char *id = call->operands[0], *text = call->operands[1];
	char *group = NULL;
	size_t record = SIZE_MAX;
	int64_t number;
	WH_TRY(wh_curation_open(&c, call, err));
	int code = find_target(&c, id, &group, &record, err);
	const char *before = word == WH_STORE_LABEL && record != SIZE_MAX ? c.data.records.data[record].label : NULL;
	if (code == WH_OK) /* with the label that it takes the place of: it may have come with the observation */
		code = wh_curation_say(&c, word, group ? group : id, before, text, 0, &number, err);
	if (code == WH_OK && word == WH_STORE_LABEL)
		code = apply_label(&c, group, record, text, err);
	if (code == WH_OK)
		code = wh_curation_commit(&c, err);
	if (code == WH_OK)
		code = emit_saying(call, what, group ? group : id, text, number, out, err);
	free(group);
	wh_curation_close(&c);
	return code;
}

static int run_label(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	return say(call, WH_STORE_LABEL, "label", out, err);
}

static int run_note(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	return say(call, WH_STORE_NOTE, "note", out, err);
}

const struct wh_verb wh_verb_label = {
	.name = "label",
	.operands = "ID LABEL",
	.least = 2,
	.most = 2,
	.summary = "say what an observation or a group is",
	.description = "Gives the observation or group of the store a label, a bug number say. An empty label takes it back. Labels are shown wherever the\n"
		       "observation or group is, used by train and evaluate, and never part of a fingerprint.\n",
	.examples = "whorl NOUN label g0123456789ab BUG-1234\n",
	.result = "saying",
	.flags = WH_VERB_STORE,
	.options = options,
	.run = run_label,
};

const struct wh_verb wh_verb_note = {
	.name = "note",
	.operands = "ID TEXT",
	.least = 2,
	.most = 2,
	.summary = "write something down about an observation or a group",
	.description = "Keeps the text with the observation or group of the store. The newest note is shown by search, all of them by history and report.\n",
	.examples = "whorl NOUN note g0123456789ab 'fixed by restarting the cache'\n",
	.result = "saying",
	.flags = WH_VERB_STORE,
	.options = options,
	.run = run_note,
};
