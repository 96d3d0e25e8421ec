/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/documents.h"

#include <string.h>

const char *wh_documents_begin(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	return p;
}

/* Whether a line begins at p with a bracket: the document before it was cut off. */
static bool begins_line(const char *begin, const char *p, const char *end)
{
	if (p == begin || p == end || *p != '{')
		return false;
	while (p > begin && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p > begin && p[-1] == '\n';
}

int wh_documents_walk(struct wh_reader *reader, struct wh_arena *arena, bool quiet, wh_document_fn *f, void *user, struct wh_err *err)
{
	const char *at = reader->text, *end = at + reader->size;
	for (at = wh_documents_begin(at, end); at < end; at = wh_documents_begin(at, end)) {
		const char *begin = at, *why = NULL;
		struct wh_json_scan s;
		struct wh_json_value value;
		wh_json_scan_init(&s, (struct wh_bytes){ at, (size_t)(end - at) }, arena);
		if (wh_json_scan_value(&s, &value) && value.kind == WH_JSON_OBJECT)
			WH_TRY(f(user, &s, begin, err));
		else
			why = "not a JSON object";
		if (s.short_of_memory && wh_arena_error(arena, NULL) == WH_E_NOMEM)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		at = s.p;
		wh_arena_reset(arena);
		if (s.why)
			why = s.why;
		if (!why)
			continue;
		bool cut_off = begins_line(begin, at, end);
		if (!quiet)
			WH_TRY(wh_reader_skip(reader, at < end && !cut_off ? at : begin, err, "JSON: %s", cut_off ? "it is cut off" : why));
		if (cut_off)
			continue;
		const char *nl = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		at = nl ? nl + 1 : end;
	}
	return WH_OK;
}
