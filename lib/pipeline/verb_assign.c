/* SPDX-License-Identifier: Apache-2.0 */
/* assign: put new observations into the groups of a store, one after the other. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/time.h"
#include "pipeline/assign.h"
#include "pipeline/calibrate.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "dry-run", .type = WH_PARAM_FLAG, .help = "say where they would go, write no group" },
	{ .name = "timing", .type = WH_PARAM_FLAG, .help = "report the median and the 99th percentile of the time of one observation" },
	{ 0 },
};

struct assigning {
	struct wh_standing standing;
	struct wh_dataset data;
	struct wh_assigner assigner;
	struct wh_constraints constraints;
	uint32_t *home_of_record; /* UINT32_MAX: not yet */
	struct WH_VEC(uint32_t) pairs; /* per record, the first of its constraints; see index_constraints */
	uint32_t *next;
	struct WH_VEC(double) seconds;
	struct WH_VEC(uint32_t) barred;
	struct wh_emit *out;
	bool dry;
};

/* ---- constraints of one record ---- */

/* Each constraint stands twice in a linked list, once for either record: entry 2k for a, 2k + 1 for b; together first, then apart. */
static int index_constraints(struct assigning *s)
{
	size_t n = s->constraints.together.n + s->constraints.apart.n;
	if (wh_vec_reserve(&s->pairs, s->data.records.n + 1) || !(s->next = malloc((2 * n + 1) * sizeof *s->next)))
		return WH_E_NOMEM;
	s->pairs.n = s->data.records.n;
	memset(s->pairs.data, 0xff, s->pairs.n * sizeof *s->pairs.data);
	for (uint32_t k = 0; k < n; k++) {
		const struct wh_record_pair *pair = k < s->constraints.together.n ? &s->constraints.together.data[k]
										   : &s->constraints.apart.data[k - s->constraints.together.n];
		s->next[2 * k] = s->pairs.data[pair->a];
		s->pairs.data[pair->a] = 2 * k;
		s->next[2 * k + 1] = s->pairs.data[pair->b];
		s->pairs.data[pair->b] = 2 * k + 1;
	}
	return WH_OK;
}

/* The home that people put the record in (UINT32_MAX: none), and those it is barred from. */
static int consult(struct assigning *s, uint32_t record, uint32_t *bound)
{
	*bound = UINT32_MAX;
	s->barred.n = 0;
	for (uint32_t at = s->pairs.data[record]; at != UINT32_MAX; at = s->next[at]) {
		size_t k = at / 2;
		bool together = k < s->constraints.together.n;
		const struct wh_record_pair *pair = together ? &s->constraints.together.data[k] : &s->constraints.apart.data[k - s->constraints.together.n];
		uint32_t home = s->home_of_record[at % 2 ? pair->a : pair->b];
		if (home == UINT32_MAX)
			continue;
		if (together)
			*bound = home;
		else if (wh_vec_push(&s->barred, home))
			return WH_E_NOMEM;
	}
	return WH_OK;
}

/* ---- one after the other ---- */

static int write_placed(struct assigning *s, const struct wh_record *record, const struct wh_placed *placed, struct wh_err *err)
{
	const char *noun = s->standing.call->signal->noun, *id = s->assigner.homes.data[placed->home].id;
	struct wh_store_group group = { .id = id, .created_ns = wh_time_now(), .model = s->standing.model.number, .fingerprint = record->fingerprint };
	if (placed->is_new)
		WH_TRY(wh_store_add_group(s->standing.store, noun, &group, err));
	return wh_store_update(s->standing.store, noun, record->row, record->fingerprint, id, placed->similarity, NULL, err);
}

static int place(struct assigning *s, uint32_t r, struct wh_err *err)
{
	const struct wh_record *record = &s->data.records.data[r];
	struct timespec start, end;
	struct wh_placed placed;
	uint32_t bound;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if (consult(s, r, &bound) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_assigner_place(&s->assigner, record, bound, s->barred.data, s->barred.n, &placed, err));
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (wh_vec_push(&s->seconds, (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	s->home_of_record[r] = placed.home;
	if (!s->dry)
		WH_TRY(write_placed(s, record, &placed, err));
	wh_emit_object(s->out, NULL);
	wh_emit_string(s->out, "id", record->id);
	wh_emit_string(s->out, "group", s->assigner.homes.data[placed.home].id);
	wh_emit_real(s->out, "similarity", placed.similarity);
	wh_emit_boolean(s->out, "is_new", placed.is_new);
	wh_emit_end(s->out);
	((struct wh_call *)s->standing.call)->found |= placed.is_new;
	return WH_OK;
}

static int place_all(struct assigning *s, const uint32_t *order, struct wh_err *err)
{
	const struct wh_host *host = s->standing.call->host;
	for (size_t k = 0; k < s->data.records.n; k++) {
		const struct wh_record *record = &s->data.records.data[k];
		s->home_of_record[k] = record->group ? wh_strtab_find(&s->assigner.ids, record->group, strlen(record->group)) : UINT32_MAX;
	}
	for (size_t k = 0; k < s->data.records.n; k++) {
		if (s->home_of_record[order[k]] == UINT32_MAX)
			WH_TRY(place(s, order[k], err));
		if (k % 1024 == 0)
			wh_host_progress(host, "assigning", k, s->data.records.n);
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return WH_OK;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void say_timing(struct assigning *s)
{
	size_t n = s->seconds.n;
	if (!n || !wh_values_flag(&s->standing.call->options, "timing"))
		return;
	qsort(s->seconds.data, n, sizeof *s->seconds.data, by_value);
	wh_host_log(s->standing.call->host, WH_INFO, "timing: %zu observations against %zu groups: median %.1f us, 99 %% %.1f us, most %.1f us", n,
		    s->assigner.homes.n, 1e6 * s->seconds.data[n / 2], 1e6 * s->seconds.data[n * 99 / 100], 1e6 * s->seconds.data[n - 1]);
}

/* ---- the verb ---- */

static int assign(struct assigning *s, struct wh_err *err)
{
	static const char *const columns[] = { "id", "group", "similarity", "is_new", NULL };
	struct wh_call *call = (struct wh_call *)s->standing.call;
	char schema[WH_SCHEMA];
	WH_TRY(wh_standing_load(&s->standing, 0, &s->data, err));
	WH_TRY(wh_dataset_need(&s->data, err));
	WH_TRY(wh_standing_constraints(&s->standing, &s->data, &s->constraints, err));
	if (!s->standing.stored_model)
		WH_TRY(wh_calibrate_default(&s->standing.model, call, &s->data, err));
	WH_TRY(wh_assigner_open(&s->assigner, &s->standing, &s->data, err));
	if (!s->dry)
		WH_TRY(wh_standing_keep_model(&s->standing, &s->data, err));
	uint32_t *order = malloc((s->data.records.n + 1) * sizeof *order);
	s->home_of_record = malloc((s->data.records.n + 1) * sizeof *s->home_of_record);
	int code = WH_E_NOMEM;
	if (order && s->home_of_record && index_constraints(s) == WH_OK)
		code = wh_dataset_by_time(&s->data, order);
	if (code != WH_OK)
		wh_err_set(err, code, "out of memory");
	wh_emit_records(s->out, wh_verb_schema(call, "grouping", schema), columns);
	if (code == WH_OK)
		code = place_all(s, order, err);
	free(order);
	return code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct assigning s = { .out = out, .dry = wh_values_flag(&call->options, "dry-run") };
	struct wh_imported imported;
	WH_TRY(wh_standing_open(&s.standing, call, WH_STORE_CREATE, err));
	int code = call->n_operands ? wh_standing_import(&s.standing, &imported, err) : WH_OK;
	if (code == WH_OK)
		code = wh_store_begin(s.standing.store, err); /* one writer at a time decides where things go */
	if (code == WH_OK)
		code = assign(&s, err);
	if (code == WH_OK)
		code = s.dry ? (wh_store_rollback(s.standing.store), WH_OK) : wh_store_commit(s.standing.store, err);
	if (code == WH_OK) {
		say_timing(&s);
		code = wh_emit_close(out, err);
	}
	wh_assigner_close(&s.assigner);
	wh_constraints_release(&s.constraints);
	wh_dataset_release(&s.data);
	wh_vec_release(&s.pairs);
	wh_vec_release(&s.seconds);
	wh_vec_release(&s.barred);
	free(s.next);
	free(s.home_of_record);
	wh_standing_close(&s.standing);
	return code;
}

const struct wh_verb wh_verb_assign = {
	.name = "assign",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "put new observations into the groups of the store",
	.description =
		"Imports INPUT, then puts every observation of the store that has no group yet into one: by time, then id, each either joins the\n"
		"group that is nearest under the store's model, or opens one. Groups and their ids never change by it. What people said is obeyed.\n"
		"\n"
		"The first call on a store keeps the model in force (--model, else the shipped default with weights from what is there); later\n"
		"calls use it until cluster groups the store under another one. Its weights are those of the observations of then; when much has\n"
		"changed since, a release say, renew them: calibrate -o FILE, look at diff FILE, then cluster --model FILE.\n"
		"\n"
		"In the result is_new marks observations that opened a group. With --exit-code, exits with 3 when there was one.\n",
	.examples = "whorl NOUN assign new-reports/\n"
		    "whorl NOUN assign --exit-code --format tsv nightly/\n",
	.result = "grouping",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD | WH_VERB_STORE,
	.options = options,
	.run = run,
};
