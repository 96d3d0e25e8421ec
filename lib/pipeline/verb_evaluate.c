/* SPDX-License-Identifier: Apache-2.0 */
/* evaluate: how well the groups agree with what people know. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strtab.h"
#include "learn/quality.h"
#include "pipeline/calibrate.h"
#include "pipeline/group.h"
#include "pipeline/labels.h"
#include "pipeline/verbs.h"

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "groups", .type = WH_PARAM_STRING, .metavar = "FILE[:COLUMN]",
	  .help = "judge this grouping (as cluster writes it) instead of making one" },
	{ .name = "ranking", .type = WH_PARAM_FLAG, .initial = "true",
	  .help = "also rank earlier observations for each later one: pair AUC, recall rate, MAP; compares all pairs" },
	{ 0 },
};

struct evaluation {
	struct wh_dataset data;
	uint32_t *truth, *group; /* per record */
	uint32_t *scored;        /* records with a label, in the order of time */
	uint32_t *scored_truth, *scored_group, *order;
	size_t n_scored, n_classes;
};

struct given {
	struct wh_strtab ids, groups;
	struct WH_VEC(uint32_t) group;
};

static int take_group(void *user, struct wh_bytes id, struct wh_bytes group, struct wh_err *err)
{
	struct given *given = user;
	uint32_t at = wh_strtab_add(&given->ids, id.data, id.size), value = wh_strtab_add(&given->groups, group.data, group.size);
	if (at == WH_STRTAB_NONE || value == WH_STRTAB_NONE || (at == given->group.n && wh_vec_push(&given->group, value)))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

/* Groups from a file: every record must be in it. */
static int read_groups(struct evaluation *ev, const char *file, struct wh_err *err)
{
	struct given given = { 0 };
	wh_strtab_init(&given.ids, SIZE_MAX);
	wh_strtab_init(&given.groups, SIZE_MAX);
	int code = wh_labels_read(file, take_group, &given, err);
	for (size_t i = 0; code == WH_OK && i < ev->data.records.n; i++) {
		const char *id = ev->data.records.data[i].id;
		uint32_t at = wh_strtab_find(&given.ids, id, strlen(id));
		if (at == WH_STRTAB_NONE)
			code = wh_err_set(err, WH_E_NOTFOUND, "%s: no group for %s", file, id);
		else
			ev->group[i] = given.group.data[at];
	}
	wh_strtab_release(&given.ids);
	wh_strtab_release(&given.groups);
	wh_vec_release(&given.group);
	return code;
}

static int make_groups(struct evaluation *ev, struct wh_model *model, const struct wh_call *call, struct wh_err *err)
{
	struct wh_grouping grouping;
	WH_TRY(wh_calibrate_default(model, call, &ev->data, err));
	WH_TRY(wh_group(&grouping, &ev->data, model, NULL, err));
	for (size_t i = 0; i < ev->data.records.n; i++)
		ev->group[i] = grouping.of_point[ev->data.records.data[i].point];
	wh_grouping_release(&grouping);
	return WH_OK;
}

/* Groups of unlabelled records only are none of those that are scored: numbers anew, in the order of sight. */
static int number_groups(uint32_t *group, size_t n, struct wh_err *err)
{
	uint32_t most = 0, next = 0;
	for (size_t i = 0; i < n; i++)
		most = group[i] > most ? group[i] : most;
	uint32_t *number = malloc(((size_t)most + 1) * sizeof *number);
	if (!number)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	memset(number, 0xff, ((size_t)most + 1) * sizeof *number);
	for (size_t i = 0; i < n; i++) {
		if (number[group[i]] == UINT32_MAX)
			number[group[i]] = next++;
		group[i] = number[group[i]];
	}
	free(number);
	return WH_OK;
}

/* Only records with a label are scored; they were grouped together with the others. */
static int select_scored(struct evaluation *ev, struct wh_err *err)
{
	size_t n = ev->data.records.n;
	uint32_t *by_time = malloc((n + 1) * sizeof *by_time);
	ev->scored = malloc((n + 1) * sizeof *ev->scored);
	ev->scored_truth = malloc((n + 1) * sizeof *ev->scored_truth);
	ev->scored_group = malloc((n + 1) * sizeof *ev->scored_group);
	ev->order = malloc((n + 1) * sizeof *ev->order);
	if (!by_time || !ev->scored || !ev->scored_truth || !ev->scored_group || !ev->order || wh_dataset_by_time(&ev->data, by_time)) {
		free(by_time);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t k = 0; k < n; k++) {
		uint32_t r = by_time[k];
		if (ev->truth[r] == WH_NO_LABEL)
			continue;
		ev->scored[ev->n_scored] = r;
		ev->scored_truth[ev->n_scored] = ev->truth[r];
		ev->scored_group[ev->n_scored] = ev->group[r];
		ev->order[ev->n_scored] = (uint32_t)ev->n_scored;
		ev->n_scored++;
	}
	free(by_time);
	if (!ev->n_scored)
		return wh_err_set(err, WH_E_USAGE, "no observation has a label; give them with --labels FILE");
	return number_groups(ev->scored_group, ev->n_scored, err);
}

struct scored_pairs {
	const struct evaluation *ev;
	struct wh_space *space;
};

static double scored_similarity(void *user, size_t i, size_t j)
{
	const struct scored_pairs *pairs = user;
	const struct wh_record *records = pairs->ev->data.records.data;
	uint32_t a = records[pairs->ev->scored[i]].point, b = records[pairs->ev->scored[j]].point;
	return a == b ? 1 : wh_space_similarity(pairs->space, a, b);
}

static int emit_ranking(const struct evaluation *ev, const struct wh_model *model, const struct wh_call *call, struct wh_emit *out,
			struct wh_err *err)
{
	struct wh_space space;
	struct wh_ranking ranking;
	WH_TRY(wh_space_open(&space, model, ev->data.points, ev->data.n_points, err));
	struct scored_pairs pairs = { ev, &space };
	int code = wh_ranking(ev->n_scored, ev->scored_truth, ev->order, scored_similarity, &pairs, call->host, &ranking, err);
	wh_space_close(&space);
	WH_TRY(code);
	wh_emit_real(out, "pair_auc", ranking.pair_auc);
	wh_emit_real(out, "rr1", ranking.rr1);
	wh_emit_real(out, "rr5", ranking.rr5);
	wh_emit_real(out, "map", ranking.map);
	wh_emit_integer(out, "queries", (int64_t)ranking.queries);
	return WH_OK;
}

static int emit_quality(const struct evaluation *ev, struct wh_emit *out, struct wh_err *err)
{
	struct wh_quality q;
	WH_TRY(wh_quality(ev->n_scored, ev->scored_truth, ev->scored_group, &q, err));
	wh_emit_integer(out, "n", (int64_t)q.n);
	wh_emit_integer(out, "unlabelled", (int64_t)(ev->data.records.n - ev->n_scored));
	wh_emit_integer(out, "classes", (int64_t)q.classes);
	wh_emit_integer(out, "groups", (int64_t)q.groups);
	wh_emit_real(out, "f", q.f);
	wh_emit_real(out, "purity", q.purity);
	wh_emit_real(out, "inverse_purity", q.inverse_purity);
	wh_emit_real(out, "bcubed_precision", q.bcubed_precision);
	wh_emit_real(out, "bcubed_recall", q.bcubed_recall);
	wh_emit_real(out, "bcubed_f", q.bcubed_f);
	wh_emit_real(out, "ari", q.ari);
	wh_emit_real(out, "ami", q.ami);
	wh_emit_real(out, "nmi", q.nmi);
	wh_emit_integer(out, "one_hit_wonders", (int64_t)q.one_hit);
	wh_emit_integer(out, "second_bucket", (int64_t)q.second_bucket);
	return WH_OK;
}

static int evaluate(struct evaluation *ev, struct wh_model *model, struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	const char *groups = wh_values_string(&call->options, "groups");
	WH_TRY(wh_dataset_load(&ev->data, call, model, WH_LOAD_STORE, err));
	WH_TRY(wh_dataset_need(&ev->data, err));
	WH_TRY(wh_label_numbers(&ev->data, &ev->truth, &ev->n_classes, err));
	ev->group = calloc(ev->data.records.n + 1, sizeof *ev->group);
	if (!ev->group)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(groups ? read_groups(ev, groups, err) : make_groups(ev, model, call, err));
	WH_TRY(select_scored(ev, err));
	wh_emit_document(out, wh_verb_schema(call, "evaluation", schema));
	WH_TRY(emit_quality(ev, out, err));
	if (!groups && wh_values_flag(&call->options, "ranking"))
		WH_TRY(emit_ranking(ev, model, call, out, err));
	if (!groups)
		wh_model_emit(model, out);
	return wh_emit_close(out, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_model model;
	struct evaluation ev = { 0 };
	WH_TRY(wh_model_open(&model, call, err));
	int code = evaluate(&ev, &model, call, out, err);
	wh_dataset_release(&ev.data);
	free(ev.truth);
	free(ev.group);
	free(ev.scored);
	free(ev.scored_truth);
	free(ev.scored_group);
	free(ev.order);
	wh_model_release(&model);
	return code;
}

const struct wh_verb wh_verb_evaluate = {
	.name = "evaluate",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "measure the quality of the groups against labels",
	.description = "Groups the observations and compares the result with their labels (embedded, or from --labels): purity, inverse purity,\n"
		       "the F of ReBucket, B-cubed precision, recall and F, adjusted Rand index, adjusted and plain mutual information, numbers\n"
		       "of groups and of groups of one. Unless --no-ranking is given, also judges the similarity itself: the area under the ROC\n"
		       "curve over all pairs, and, for every observation with an earlier one of its class, how often the right class is ranked\n"
		       "first or among the first five (rr1, rr5), and the mean average precision.\n"
		       "\n"
		       "Purity falls where groups mix faults, inverse purity where a fault is spread over groups; F and B-cubed F weigh both. 1 is\n"
		       "perfect, and the Rand index and the adjusted information are 0 for groups made by chance.\n"
		       "\n"
		       "Observations without a label take part in the grouping and are not scored.\n",
	.examples = "whorl NOUN evaluate --labels labels.tsv reports/\n"
		    "whorl NOUN evaluate --labels labels.tsv --groups groups.tsv reports/\n",
	.result = "evaluation",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
