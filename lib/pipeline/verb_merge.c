/* SPDX-License-Identifier: Apache-2.0 */
/* merge: people say that groups are one. Kept as pairs that every later assignment and regrouping obeys. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/curate.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = { WH_OPTION_WHO, { 0 } };

static bool is_member(const struct wh_record *record, const char *group)
{
	return record->group && !strcmp(record->group, group);
}

static int members_of(const struct wh_curation *c, const char *group, uint32_t **records, size_t *n, struct wh_err *err)
{
	*n = 0;
	*records = malloc((c->data.records.n + 1) * sizeof **records);
	if (!*records)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (uint32_t i = 0; i < c->data.records.n; i++)
		if (is_member(&c->data.records.data[i], group))
			(*records)[(*n)++] = i;
	return *n ? WH_OK : wh_err_set(err, WH_E_NOTFOUND, "%s has no members", group);
}

/* Ties one record of every distinct fingerprint to the anchor, so that the groups stay one however a later grouping would cut them. */
static int tie(struct wh_curation *c, const uint32_t *members, size_t n, uint32_t anchor, int64_t merge, struct wh_err *err)
{
	const struct wh_record *records = c->data.records.data;
	bool *tied = calloc(c->data.n_points + 1, sizeof *tied);
	int code = tied ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		tied[records[anchor].point] = true;
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		bool *done = &tied[records[members[i]].point];
		if (!*done)
			code = wh_curation_say(c, WH_STORE_TOGETHER, records[anchor].id, records[members[i]].id, NULL, merge, NULL, err);
		*done = true;
	}
	free(tied);
	return code;
}

/* Puts the group called id into `into`, whose members are old[n_old]. What was in either before is one from now on. */
static int merge_one(struct wh_curation *c, const char *into, const uint32_t *old, size_t n_old, const char *id, size_t *moved,
		     struct wh_err *err)
{
	const char *noun = c->standing.call->signal->noun;
	struct wh_str json = { 0 };
	char *group = NULL;
	uint32_t *members = NULL;
	size_t n = 0;
	int64_t number = 0;
	int code = wh_curation_group(c, id, &group, err);
	if (code == WH_OK && !strcmp(group, into))
		code = wh_err_set(err, WH_E_CONFLICT, "%s is %s already", id, into);
	if (code == WH_OK)
		code = members_of(c, group, &members, &n, err);
	if (code == WH_OK)
		code = wh_curation_ids(c, members, n, &json, err);
	if (code == WH_OK)
		code = wh_curation_say(c, WH_STORE_MERGE, into, group, json.data, 0, &number, err);
	if (code == WH_OK)
		code = tie(c, old, n_old, old[0], number, err);
	if (code == WH_OK)
		code = tie(c, members, n, old[0], number, err);
	if (code == WH_OK)
		code = wh_curation_move(c, members, n, into, err);
	if (code == WH_OK)
		code = wh_store_update_group(c->standing.store, noun, group, NULL, into, err);
	*moved += n;
	wh_str_release(&json);
	free(members);
	free(group);
	return code;
}

static int merge(struct wh_curation *c, struct wh_call *call, char **into, size_t *moved, struct wh_err *err)
{
	uint32_t *members = NULL;
	size_t n = 0;
	WH_TRY(wh_curation_group(c, call->operands[0], into, err));
	int code = members_of(c, *into, &members, &n, err);
	for (size_t i = 1; code == WH_OK && i < call->n_operands; i++)
		code = merge_one(c, *into, members, n, call->operands[i], moved, err);
	free(members);
	return code == WH_OK ? wh_curation_commit(c, err) : code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_curation c;
	char schema[WH_SCHEMA], *into = NULL;
	size_t moved = 0;
	WH_TRY(wh_curation_open(&c, call, err));
	int code = merge(&c, call, &into, &moved, err);
	if (code == WH_OK) {
		wh_emit_document(out, wh_verb_schema(call, "merge", schema));
		wh_emit_string(out, "group", into);
		wh_emit_integer(out, "moved", (int64_t)moved);
		code = wh_emit_close(out, err);
	}
	free(into);
	wh_curation_close(&c);
	return code;
}

const struct wh_verb wh_verb_merge = {
	.name = "merge",
	.operands = "GROUP GROUP…",
	.least = 2,
	.most = SIZE_MAX,
	.summary = "say that groups are one",
	.description = "Moves the observations of the later groups into the first, whose id stays; the other ids lead to it from now on. Every later assign\n"
		       "and cluster obeys. history lists it, undo takes it back.\n",
	.examples = "whorl NOUN merge g0123456789ab gba9876543210\n",
	.result = "merge",
	.flags = WH_VERB_STORE,
	.options = options,
	.run = run,
};
