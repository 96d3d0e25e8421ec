/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/curate.h"

#include <string.h>

#include "base/json.h"

int wh_curation_open(struct wh_curation *c, const struct wh_call *call, struct wh_err *err)
{
	*c = (struct wh_curation){ .who = wh_values_string(&call->options, "who") };
	WH_TRY(wh_standing_open(&c->standing, call, WH_STORE_WRITE, err));
	int code = wh_store_begin(c->standing.store, err);
	if (code == WH_OK)
		code = wh_standing_load(&c->standing, 0, &c->data, err);
	if (code != WH_OK)
		wh_curation_close(c);
	return code;
}

int wh_curation_commit(struct wh_curation *c, struct wh_err *err)
{
	return wh_store_commit(c->standing.store, err);
}

void wh_curation_close(struct wh_curation *c)
{
	wh_dataset_release(&c->data);
	wh_standing_close(&c->standing);
}

int wh_curation_group(struct wh_curation *c, const char *id, char **group, struct wh_err *err)
{
	const struct wh_call *call = c->standing.call;
	int code = wh_store_resolve_group(c->standing.store, call->signal->noun, id, group, err);
	return code == WH_E_NOTFOUND ? wh_err_set(err, code, "no %s is called %s", call->signal->group_noun, id) : code;
}

int wh_curation_record(struct wh_curation *c, const char *id, size_t *record, struct wh_err *err)
{
	*record = wh_dataset_find(&c->data, id);
	return *record != SIZE_MAX ? WH_OK : wh_err_set(err, WH_E_NOTFOUND, "no observation is called %s", id);
}

int wh_curation_say(struct wh_curation *c, enum wh_store_word word, const char *a, const char *b, const char *text, int64_t part_of,
		    int64_t *number, struct wh_err *err)
{
	struct wh_store_saying saying = { .who = c->who, .word = word, .a = a, .b = b, .text = text, .part_of = part_of };
	WH_TRY(wh_store_say(c->standing.store, c->standing.call->signal->noun, &saying, err));
	if (number)
		*number = saying.number;
	return WH_OK;
}

int wh_curation_move(struct wh_curation *c, const uint32_t *records, size_t n, const char *group, struct wh_err *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct wh_record *record = &c->data.records.data[records[i]];
		WH_TRY(wh_store_update(c->standing.store, c->standing.call->signal->noun, record->row, record->fingerprint, group,
				       record->similarity, NULL, err));
	}
	return WH_OK;
}

int wh_curation_ids(struct wh_curation *c, const uint32_t *records, size_t n, struct wh_str *json, struct wh_err *err)
{
	wh_str_putc(json, '[');
	for (size_t i = 0; i < n; i++) {
		const char *id = c->data.records.data[records[i]].id;
		if (i)
			wh_str_putc(json, ',');
		wh_json_quote(json, id, strlen(id));
	}
	wh_str_putc(json, ']');
	return wh_str_check(json, err);
}
