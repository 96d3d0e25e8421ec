/* SPDX-License-Identifier: Apache-2.0 */
/* split: people say that observations do not belong to their group, or that two are no duplicates. */
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "base/strtab.h"
#include "pipeline/curate.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	{ .name = "from", .type = WH_PARAM_STRING, .metavar = "ID",
	  .help = "only hold the observations apart from this one (not a duplicate); they leave its group if they are in it" },
	WH_OPTION_WHO,
	{ 0 },
};

struct split {
	struct wh_curation c;
	uint32_t *moved; /* records that leave */
	size_t n_moved;
	char fresh[WH_GROUP_ID];
	int64_t number;
	size_t pairs;
};

static bool is_moved(const struct split *s, uint32_t record)
{
	for (size_t i = 0; i < s->n_moved; i++)
		if (s->moved[i] == record)
			return true;
	return false;
}

static int find_records(struct split *s, const struct wh_call *call, struct wh_err *err)
{
	s->moved = malloc(call->n_operands * sizeof *s->moved);
	if (!s->moved)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < call->n_operands; i++) {
		size_t record;
		WH_TRY(wh_curation_record(&s->c, call->operands[i], &record, err));
		const char *group = s->c.data.records.data[record].group;
		if (!group)
			return wh_err_set(err, WH_E_CONFLICT, "%s is in no %s yet: assign it first", call->operands[i], call->signal->group_noun);
		if (i && strcmp(group, s->c.data.records.data[s->moved[0]].group) != 0)
			return wh_err_set(err, WH_E_CONFLICT, "%s is in %s, %s in %s: split one %s at a time", call->operands[i], group, call->operands[0],
					  s->c.data.records.data[s->moved[0]].group, call->signal->group_noun);
		s->moved[s->n_moved++] = (uint32_t)record;
	}
	return WH_OK;
}

static int hold_apart(struct split *s, uint32_t a, uint32_t b, struct wh_err *err)
{
	s->pairs++;
	return wh_curation_say(&s->c, WH_STORE_APART, s->c.data.records.data[a].id, s->c.data.records.data[b].id, NULL, s->number, NULL, err);
}

/* What leaves stays together, and apart from one observation of each fingerprint that stays. */
static int hold(struct split *s, const char *from, struct wh_err *err)
{
	const struct wh_record *records = s->c.data.records.data;
	for (size_t i = 1; i < s->n_moved; i++)
		WH_TRY(wh_curation_say(&s->c, WH_STORE_TOGETHER, records[s->moved[0]].id, records[s->moved[i]].id, NULL, s->number, NULL, err));
	if (from) {
		size_t other;
		WH_TRY(wh_curation_record(&s->c, from, &other, err));
		return hold_apart(s, s->moved[0], (uint32_t)other, err);
	}
	struct wh_strtab seen;
	wh_strtab_init(&seen, SIZE_MAX);
	int code = WH_OK;
	for (uint32_t r = 0; code == WH_OK && r < s->c.data.records.n; r++) {
		if (!records[r].group || strcmp(records[r].group, records[s->moved[0]].group) != 0 || is_moved(s, r))
			continue;
		size_t before = seen.n;
		wh_strtab_add(&seen, records[r].fingerprint.data, records[r].fingerprint.size);
		if (seen.n > before)
			code = hold_apart(s, s->moved[0], r, err);
	}
	wh_strtab_release(&seen);
	return code;
}

static int name_group(struct split *s, struct wh_err *err)
{
	struct wh_strtab used;
	const struct wh_record *first = &s->c.data.records.data[s->moved[0]];
	wh_strtab_init(&used, SIZE_MAX);
	int code = wh_standing_group_ids(&s->c.standing, &used, err);
	for (unsigned salt = 0; code == WH_OK; salt++) {
		wh_group_id(first, salt, s->fresh);
		if (wh_strtab_find(&used, s->fresh, strlen(s->fresh)) == WH_STRTAB_NONE)
			break;
	}
	wh_strtab_release(&used);
	return code;
}

static int leave(struct split *s, struct wh_err *err)
{
	const char *noun = s->c.standing.call->signal->noun;
	struct wh_store_group group = { .id = s->fresh, .created_ns = wh_time_now(), .model = s->c.standing.model.number,
					.fingerprint = s->c.data.records.data[s->moved[0]].fingerprint };
	WH_TRY(wh_store_add_group(s->c.standing.store, noun, &group, err));
	return wh_curation_move(&s->c, s->moved, s->n_moved, s->fresh, err);
}

static size_t members(const struct split *s, const char *group)
{
	size_t n = 0;
	for (size_t i = 0; i < s->c.data.records.n; i++)
		n += s->c.data.records.data[i].group && !strcmp(s->c.data.records.data[i].group, group);
	return n;
}

static int split(struct split *s, struct wh_call *call, struct wh_err *err)
{
	const char *from = wh_values_string(&call->options, "from");
	struct wh_str json = { 0 };
	size_t other = SIZE_MAX;
	WH_TRY(find_records(s, call, err));
	const char *group = s->c.data.records.data[s->moved[0]].group;
	if (from)
		WH_TRY(wh_curation_record(&s->c, from, &other, err));
	bool leaves = !from || (s->c.data.records.data[other].group && !strcmp(s->c.data.records.data[other].group, group));
	if (leaves && members(s, group) == s->n_moved)
		return wh_err_set(err, WH_E_CONFLICT, "nothing would be left in %s", group);
	int code = wh_curation_ids(&s->c, s->moved, s->n_moved, &json, err);
	if (code == WH_OK && leaves)
		code = name_group(s, err);
	if (code == WH_OK)
		code = wh_curation_say(&s->c, WH_STORE_SPLIT, group, leaves ? s->fresh : NULL, json.data, 0, &s->number, err);
	if (code == WH_OK)
		code = hold(s, from, err);
	if (code == WH_OK && leaves)
		code = leave(s, err);
	wh_str_release(&json);
	return code == WH_OK ? wh_curation_commit(&s->c, err) : code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct split s = { 0 };
	char schema[WH_SCHEMA];
	WH_TRY(wh_curation_open(&s.c, call, err));
	int code = split(&s, call, err);
	if (code == WH_OK) {
		wh_emit_document(out, wh_verb_schema(call, "split", schema));
		wh_emit_string(out, "from", s.c.data.records.data[s.moved[0]].group);
		wh_emit_string(out, "group", s.fresh[0] ? s.fresh : NULL);
		wh_emit_integer(out, "moved", s.fresh[0] ? (int64_t)s.n_moved : 0);
		wh_emit_integer(out, "held_apart", (int64_t)s.pairs);
		code = wh_emit_close(out, err);
	}
	free(s.moved);
	wh_curation_close(&s.c);
	return code;
}

const struct wh_verb wh_verb_split = {
	.name = "split",
	.operands = "ID…",
	.least = 1,
	.most = SIZE_MAX,
	.summary = "say that observations do not belong to their group",
	.description = "Moves the observations, all of one group, into a new group, and holds them apart from what stays: every later assign and cluster\n"
		       "obeys. With --from ID, says only that they are no duplicates of that one observation. history lists it, undo takes it back.\n",
	.examples = "whorl NOUN split report-17.txt report-18.txt\n"
		    "whorl NOUN split report-17.txt --from report-3.txt\n",
	.result = "split",
	.flags = WH_VERB_STORE,
	.options = options,
	.run = run,
};
