/* SPDX-License-Identifier: Apache-2.0 */
/* import: read observations into the store. */
#include "pipeline/standing.h"
#include "pipeline/verbs.h"

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_standing standing;
	struct wh_imported done;
	char schema[WH_SCHEMA];
	WH_TRY(wh_standing_open(&standing, call, WH_STORE_CREATE, err));
	int code = wh_standing_import(&standing, &done, err);
	wh_standing_close(&standing);
	WH_TRY(code);
	if (!done.added && !done.known)
		return wh_err_set(err, WH_E_NOTFOUND, "nothing to import: no observation in %zu files", done.files);
	wh_emit_document(out, wh_verb_schema(call, "import", schema));
	wh_emit_string(out, "store", call->store);
	wh_emit_integer(out, "added", (int64_t)done.added);
	wh_emit_integer(out, "known", (int64_t)done.known);
	wh_emit_integer(out, "skipped", (int64_t)done.skipped);
	wh_emit_integer(out, "files", (int64_t)done.files);
	wh_emit_integer(out, "unknown_files", (int64_t)done.unknown_files);
	return wh_emit_close(out, err);
}

const struct wh_verb wh_verb_import = {
	.name = "import",
	.operands = "INPUT…",
	.least = 1,
	.most = SIZE_MAX,
	.summary = "read observations into the store",
	.description = "Reads files and folders of any known format into the store, which is made if need be. Observations that are there already\n"
		       "are counted and left alone; the same id with other content is an error. What a finished call, or each of its transactions,\n"
		       "has written stays written whatever happens.\n",
	.examples = "whorl NOUN import reports/\n"
		    "zcat reports.jsonl.gz | whorl NOUN import -\n",
	.result = "import",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_STORE,
	.run = run,
};
