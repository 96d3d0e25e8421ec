/* SPDX-License-Identifier: Apache-2.0 */
/* search: the most similar observations on record, with what is known about them. */
#include <stdlib.h>
#include <string.h>

#include "pipeline/listing.h"
#include "pipeline/notes.h"
#include "pipeline/standing.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "among", .type = WH_PARAM_PATH, .metavar = "INPUT", .help = "search these files instead of the store" },
	{ .name = "nearest", .type = WH_PARAM_INT, .initial = "10", .lo = 1, .hi = 100000, .metavar = "N", .help = "how many for each query" },
	{ .name = "least", .type = WH_PARAM_REAL, .initial = "0.1", .lo = 0, .hi = 1, .help = "least similarity that counts" },
	{ 0 },
};

struct hit {
	uint32_t record;
	double similarity;
};

struct searching {
	struct wh_call *call;
	struct wh_model model;
	struct wh_dataset corpus, queries;
	struct wh_space space;
	struct wh_notes notes;
	const struct wh_record *query;
	double *similarity; /* per point of the corpus; below 0: not found */
	struct WH_VEC(struct hit) hits;
	void *scratch;
};

static int take_neighbour(void *user, size_t j, double similarity)
{
	((struct searching *)user)->similarity[j] = similarity;
	return WH_OK;
}

static int nearer(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;
	if (x->similarity != y->similarity)
		return x->similarity > y->similarity ? -1 : 1;
	return x->record < y->record ? -1 : x->record > y->record;
}

/* Asks for everything at or above the floor: the query is a point of its own for as long as it asks. */
static int find(struct searching *s, double floor, struct wh_err *err)
{
	const struct wh_method *method = s->space.method;
	size_t n = s->corpus.n_points;
	for (size_t p = 0; p < n; p++)
		s->similarity[p] = -1;
	WH_TRY(method->add(s->space.state, s->query->fingerprint, err));
	int code = WH_OK;
	if (method->neighbours)
		code = method->neighbours(s->space.state, n, floor, n, &s->scratch, take_neighbour, s, err);
	else
		for (size_t p = 0; p < n; p++)
			s->similarity[p] = method->similarity(s->space.state, n, p);
	method->drop(s->space.state);
	return code;
}

static int emit_hits(struct searching *s, struct wh_emit *out, struct wh_err *err)
{
	double floor = wh_values_real(&s->call->options, "least");
	size_t most = (size_t)wh_values_int(&s->call->options, "nearest");
	WH_TRY(find(s, floor, err));
	s->hits.n = 0;
	for (uint32_t r = 0; r < s->corpus.records.n; r++) {
		double similarity = s->similarity[s->corpus.records.data[r].point];
		bool itself = !strcmp(s->corpus.records.data[r].id, s->query->id);
		if (similarity >= floor && !itself && wh_vec_push(&s->hits, (struct hit){ r, similarity }))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	if (s->hits.n)
		qsort(s->hits.data, s->hits.n, sizeof *s->hits.data, nearer);
	for (size_t k = 0; k < s->hits.n && k < most; k++) {
		const struct wh_record *record = &s->corpus.records.data[s->hits.data[k].record];
		wh_emit_object(out, NULL);
		wh_emit_string(out, "query", s->query->id);
		wh_emit_integer(out, "rank", (int64_t)k + 1);
		wh_emit_string(out, "id", record->id);
		wh_emit_real(out, "similarity", s->hits.data[k].similarity);
		wh_emit_string(out, "group", record->group);
		wh_emit_string(out, "label", record->label ? record->label : wh_notes_label(&s->notes, record->group));
		wh_emit_string(out, "note", wh_notes_find(&s->notes, record->id, record->group));
		wh_emit_end(out);
	}
	return WH_OK;
}

/* Queries are files, or ids that the store has. */
static int load_queries(struct searching *s, struct wh_err *err)
{
	struct wh_call *call = s->call;
	if (wh_operand_is_path(call->operands[0]))
		return wh_dataset_load_paths(&s->queries, call, &s->model, call->operands, call->n_operands, 0, err);
	for (size_t i = 0; i < call->n_operands; i++) {
		size_t r = wh_dataset_find(&s->corpus, call->operands[i]);
		if (r == SIZE_MAX)
			return wh_err_set(err, WH_E_NOTFOUND, "%s: neither a file nor an id on record", call->operands[i]);
		if (wh_vec_push(&s->queries.records, s->corpus.records.data[r]))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return WH_OK;
}

static int search(struct searching *s, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "query", "rank", "id", "similarity", "group", "label", "note", NULL };
	struct wh_call *call = s->call;
	const char *among = wh_values_string(&call->options, "among");
	char schema[WH_SCHEMA];
	WH_TRY(wh_dataset_load_paths(&s->corpus, call, &s->model, &among, among ? 1 : 0, 0, err));
	WH_TRY(wh_dataset_need(&s->corpus, err));
	if (!among)
		WH_TRY(wh_notes_load(&s->notes, call, err));
	WH_TRY(load_queries(s, err));
	WH_TRY(wh_dataset_need(&s->queries, err));
	s->similarity = malloc((s->corpus.n_points + 1) * sizeof *s->similarity);
	if (!s->similarity)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_space_open(&s->space, &s->model, s->corpus.points, s->corpus.n_points, err));
	wh_emit_records(out, wh_verb_schema(call, "search", schema), columns);
	for (size_t i = 0; i < s->queries.records.n; i++) {
		s->query = &s->queries.records.data[i];
		if (!s->query->empty)
			WH_TRY(emit_hits(s, out, err));
	}
	return wh_emit_close(out, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct searching s = { .call = call };
	bool files = wh_values_string(&call->options, "among") != NULL;
	WH_TRY(files ? wh_model_open(&s.model, call, err) : wh_standing_model(&s.model, call, err));
	int code = search(&s, out, err);
	if (s.scratch)
		s.space.method->scratch_free(s.scratch);
	wh_space_close(&s.space);
	wh_dataset_release(&s.queries);
	wh_dataset_release(&s.corpus);
	wh_notes_release(&s.notes);
	wh_vec_release(&s.hits);
	free(s.similarity);
	wh_model_release(&s.model);
	return code;
}

const struct wh_verb wh_verb_search = {
	.name = "search",
	.operands = "QUERY…",
	.least = 1,
	.most = SIZE_MAX,
	.summary = "the most similar observations on record",
	.description = "For every observation in the files given, or with these ids, lists the most similar ones in the store (or --among other files):\n"
		       "their similarity, group, label and the newest note. This is how an incident seen before is recognised.\n"
		       "\n"
		       "As a rule, observations whose similarity is at least 1 - d (d is the cut) are of one group. Nothing is stored; assign\n"
		       "is the verb that puts observations into groups.\n",
	.examples = "whorl NOUN search report.txt\n"
		    "whorl NOUN search --among old-reports/ --nearest 3 report.txt\n"
		    "whorl NOUN search --least 0.33 report.txt\n",
	.result = "search",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
