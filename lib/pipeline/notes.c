/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/notes.h"

#include <stdlib.h>
#include <string.h>

#include "store/store.h"

/* The number of an id, new if need be. */
static int number_of(struct wh_notes *notes, const char *id, uint32_t *number)
{
	*number = wh_strtab_add(&notes->ids, id, strlen(id));
	if (*number == WH_STRTAB_NONE)
		return WH_E_NOMEM;
	if (*number < notes->notes.n)
		return WH_OK;
	return wh_vec_push(&notes->notes, NULL) || wh_vec_push(&notes->labels, NULL) || wh_vec_push(&notes->count, 0) ? WH_E_NOMEM : WH_OK;
}

static int replace(char **text, const char *with)
{
	char *copy = strdup(with);
	if (!copy)
		return WH_E_NOMEM;
	free(*text);
	*text = copy;
	return WH_OK;
}

static int take_saying(void *user, const struct wh_store_saying *saying, struct wh_err *err)
{
	struct wh_notes *notes = user;
	uint32_t at;
	if (saying->word != WH_STORE_NOTE || !saying->text)
		return WH_OK;
	if (number_of(notes, saying->a, &at) != WH_OK || replace(&notes->notes.data[at], saying->text) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	notes->count.data[at]++;
	return WH_OK;
}

static int take_group(void *user, const struct wh_store_group *group, struct wh_err *err)
{
	struct wh_notes *notes = user;
	uint32_t at;
	if (!group->label)
		return WH_OK;
	if (number_of(notes, group->id, &at) != WH_OK || replace(&notes->labels.data[at], group->label) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

int wh_notes_load(struct wh_notes *notes, const struct wh_call *call, struct wh_err *err)
{
	struct wh_store *store;
	*notes = (struct wh_notes){ 0 };
	wh_strtab_init(&notes->ids, SIZE_MAX);
	WH_TRY(wh_store_open(&store, call->store, WH_STORE_READ, err));
	int code = wh_store_each_saying(store, call->signal->noun, false, take_saying, notes, err);
	if (code == WH_OK)
		code = wh_store_each_group(store, call->signal->noun, false, take_group, notes, err);
	wh_store_close(store);
	return code;
}

void wh_notes_release(struct wh_notes *notes)
{
	for (size_t i = 0; i < notes->notes.n; i++) {
		free(notes->notes.data[i]);
		free(notes->labels.data[i]);
	}
	wh_vec_release(&notes->notes);
	wh_vec_release(&notes->labels);
	wh_vec_release(&notes->count);
	wh_strtab_release(&notes->ids);
}

static uint32_t find(const struct wh_notes *notes, const char *id)
{
	return id ? wh_strtab_find(&notes->ids, id, strlen(id)) : WH_STRTAB_NONE;
}

const char *wh_notes_find(const struct wh_notes *notes, const char *id, const char *group)
{
	uint32_t at = find(notes, id);
	if (at == WH_STRTAB_NONE || !notes->notes.data[at])
		at = find(notes, group);
	return at == WH_STRTAB_NONE ? NULL : notes->notes.data[at];
}

const char *wh_notes_label(const struct wh_notes *notes, const char *group)
{
	uint32_t at = find(notes, group);
	return at == WH_STRTAB_NONE ? NULL : notes->labels.data[at];
}

uint32_t wh_notes_count(const struct wh_notes *notes, const char *id)
{
	uint32_t at = find(notes, id);
	return at == WH_STRTAB_NONE ? 0 : notes->count.data[at];
}
