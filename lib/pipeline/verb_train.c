/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: learn. A method that compares: its parameters and the cut from labelled observations; one that places: how to embed, groups and
 * thresholds, from observations that need no labels.
 *
 * Parameters and the cut (ReBucket IV, training): a grid with refinement that
 * maximises the paper's F, the quality estimated by cross-validation over whole classes.
 *
 * Items are the distinct pairs of point and class, weighted by their observations. Weights that come from the corpus (document
 * frequencies) are taken from all observations: they need no labels.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "learn/quality.h"
#include "learn/select.h"
#include "pipeline/constraints.h"
#include "pipeline/fit.h"
#include "pipeline/group.h"
#include "pipeline/renew.h"
#include "pipeline/title.h"
#include "pipeline/verbs.h"

enum { MOST_ITEMS = 12000, CUTS = 99 };

static const double PLATEAU = 0.005; /* of F: cuts this near the best are as good; the middle of their run is taken */

static const struct wh_param options[] = {
	{ .name = "output", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "where the model goes; -o for short" },
	{ .name = "folds", .type = WH_PARAM_INT, .initial = "5", .lo = 0, .hi = 20, .metavar = "K",
	  .help = "cross-validate over K folds of whole classes; 0: do not" },
	{ .name = "refine", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 6, .metavar = "ROUNDS",
	  .help = "rounds of refinement around the best point of the grid" },
	{ .name = "freeze-weights", .type = WH_PARAM_FLAG,
	  .help = "keep these observations' frequency weights in the model, instead of taking them from what it is used on" },
	{ .name = "per", .type = WH_PARAM_STRING, .metavar = "ATTRIBUTE,…",
	  .help = "a model for each combination of values of these, platform,version say, kept in the store (methods that place)" },
	{ .name = "missing", .type = WH_PARAM_FLAG, .help = "with --per: only where there is no model yet" },
	WH_OPTION_LEAST,
	{ 0 },
};

struct item {
	uint32_t point, truth, weight, fold;
};

struct training {
	struct wh_call *call;
	struct wh_model *model;
	struct wh_dataset data;
	struct WH_VEC(struct item) items;
	size_t n_classes;
	/* the part being scored */
	uint32_t *chosen; /* items */
	size_t n_chosen;
	float *distance; /* condensed, MOST_ITEMS at most */
	struct wh_merge *merges;
	uint32_t *truth, *weight;
	double d; /* of the last score */
};

/* ---- items ---- */

static int by_point_and_class(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	return x->truth < y->truth ? -1 : x->truth > y->truth;
}

static int make_items(struct training *t, const uint32_t *truth, struct wh_err *err)
{
	for (size_t i = 0; i < t->data.records.n; i++)
		if (truth[i] != WH_NO_LABEL && wh_vec_push(&t->items, (struct item){ t->data.records.data[i].point, truth[i], 1, 0 }))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (t->items.n < 2)
		return wh_err_set(err, WH_E_USAGE, "fewer than two observations have a label; give labels with --labels FILE");
	qsort(t->items.data, t->items.n, sizeof *t->items.data, by_point_and_class);
	size_t n = 1;
	for (size_t i = 1; i < t->items.n; i++) {
		if (!by_point_and_class(&t->items.data[i], &t->items.data[n - 1]))
			t->items.data[n - 1].weight++;
		else
			t->items.data[n++] = t->items.data[i];
	}
	t->items.n = n;
	return WH_OK;
}

/* Whole classes leave by lot until what stays can be compared pair by pair. */
static int limit_items(struct training *t, struct wh_err *err)
{
	uint32_t *fold, *truth;
	unsigned parts = (unsigned)((t->items.n + MOST_ITEMS - 1) / MOST_ITEMS);
	if (parts < 2)
		return WH_OK;
	fold = malloc(t->items.n * sizeof *fold);
	truth = malloc(t->items.n * sizeof *truth);
	int code = fold && truth ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < t->items.n; i++)
		truth[i] = t->items.data[i].truth;
	if (code == WH_OK)
		code = wh_folds_by_class(t->items.n, truth, parts + 1, t->call->host->seed, fold, err);
	size_t n = 0;
	for (size_t i = 0; code == WH_OK && i < t->items.n; i++)
		if (!fold[i])
			t->items.data[n++] = t->items.data[i];
	if (code == WH_OK) {
		wh_host_log(t->call->host, WH_INFO, "training on %zu of %zu distinct labelled observations: whole classes were left out by lot", n,
			    t->items.n);
		t->items.n = n;
	}
	free(fold);
	free(truth);
	return n > 1 || code != WH_OK ? code : wh_err_set(err, WH_E_LIMIT, "a class of more than %d distinct observations", MOST_ITEMS);
}

/* Classes numbered from 0 among the items that stay. */
static int compact_classes(struct training *t, struct wh_err *err)
{
	uint32_t *number = malloc((t->n_classes + 1) * sizeof *number), next = 0;
	if (!number)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	memset(number, 0xff, (t->n_classes + 1) * sizeof *number);
	for (size_t i = 0; i < t->items.n; i++) {
		uint32_t *n = &number[t->items.data[i].truth];
		if (*n == UINT32_MAX)
			*n = next++;
		t->items.data[i].truth = *n;
	}
	t->n_classes = next;
	free(number);
	return WH_OK;
}

static int make_folds(struct training *t, unsigned k, struct wh_err *err)
{
	uint32_t *truth = malloc(t->items.n * sizeof *truth), *fold = malloc(t->items.n * sizeof *fold);
	int code = truth && fold ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < t->items.n; i++)
		truth[i] = t->items.data[i].truth;
	if (code == WH_OK)
		code = wh_folds_by_class(t->items.n, truth, k, t->call->host->seed, fold, err);
	for (size_t i = 0; code == WH_OK && i < t->items.n; i++)
		t->items.data[i].fold = fold[i];
	free(truth);
	free(fold);
	return code;
}

/* ---- one choice of parameters ---- */

struct filling {
	const struct training *t;
	struct wh_space *space;
};

static int fill_rows(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	(void)worker, (void)err;
	const struct filling *f = user;
	const struct training *t = f->t;
	for (size_t i = first; i < last; i++) {
		const struct item *a = &t->items.data[t->chosen[i]];
		for (size_t j = i + 1; j < t->n_chosen; j++) {
			const struct item *b = &t->items.data[t->chosen[j]];
			double similarity = a->point == b->point ? 1 : wh_space_similarity(f->space, a->point, b->point);
			t->distance[wh_condensed(t->n_chosen, i, j)] = (float)(1 - similarity);
		}
	}
	return WH_OK;
}

/* The dendrogram of the chosen items under these parameters. */
static int grow(struct training *t, const struct wh_values *params, struct wh_err *err)
{
	struct wh_model model = *t->model;
	struct wh_space space;
	enum wh_linkage linkage;
	model.params = *params;
	WH_TRY(wh_space_open(&space, &model, t->data.points, t->data.n_points, err));
	struct filling filling = { t, &space };
	int code = wh_parallel(t->call->host, NULL, t->n_chosen, 16, fill_rows, &filling, err);
	wh_space_close(&space);
	WH_TRY(code);
	for (size_t i = 0; i < t->n_chosen; i++) {
		t->truth[i] = t->items.data[t->chosen[i]].truth;
		t->weight[i] = t->items.data[t->chosen[i]].weight;
	}
	wh_linkage_parse(wh_values_string(params, "linkage"), &linkage);
	return wh_hclust_dense(linkage, t->n_chosen, t->distance, t->weight, t->merges, err);
}

static int renumber(struct training *t)
{
	uint32_t *number = malloc(t->n_classes * sizeof *number), next = 0;
	if (!number)
		return WH_E_NOMEM;
	memset(number, 0xff, t->n_classes * sizeof *number);
	for (size_t i = 0; i < t->n_chosen; i++) {
		uint32_t *n = &number[t->truth[i]];
		if (*n == UINT32_MAX)
			*n = next++;
		t->truth[i] = *n;
	}
	free(number);
	return WH_OK;
}

static int score(void *user, const struct wh_values *params, double *f, struct wh_err *err)
{
	struct training *t = user;
	double d[CUTS], curve[CUTS];
	WH_TRY(grow(t, params, err));
	if (renumber(t) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (int i = 0; i < CUTS; i++)
		d[i] = (i + 1) / (double)(CUTS + 1);
	WH_TRY(wh_cut_curve(t->n_chosen, t->merges, t->truth, t->weight, d, CUTS, curve, err));
	int best = 0;
	for (int i = 1; i < CUTS; i++)
		if (curve[i] > curve[best])
			best = i;
	int first = best, last = best;
	while (first > 0 && curve[first - 1] >= curve[best] - PLATEAU)
		first--;
	while (last + 1 < CUTS && curve[last + 1] >= curve[best] - PLATEAU)
		last++;
	t->d = (d[first] + d[last]) / 2;
	*f = curve[best];
	return WH_OK;
}

static void choose(struct training *t, uint32_t fold, bool inside, bool all)
{
	t->n_chosen = 0;
	for (uint32_t i = 0; i < t->items.n; i++)
		if (all || (t->items.data[i].fold == fold) == inside)
			t->chosen[t->n_chosen++] = i;
}

static int set_d(struct wh_values *params, double d, struct wh_err *err)
{
	char text[32];
	snprintf(text, sizeof text, "%.4f", d);
	return wh_values_set(params, "d", text, err);
}

/* Trains on the chosen items: params and their d. */
static int search(struct training *t, struct wh_values *params, double *f, struct wh_err *err)
{
	bool fixed = wh_values_given(params, "d");
	WH_TRY(wh_grid_search(params, (unsigned)wh_values_int(&t->call->options, "refine"), score, t, t->call->host, f, err));
	if (fixed)
		return WH_OK;
	WH_TRY(score(t, params, f, err)); /* for its d */
	return set_d(params, t->d, err);
}

/* ---- cross-validation ---- */

static int test_fold(struct training *t, const struct wh_values *params, double *f, struct wh_err *err)
{
	double d = wh_values_real(params, "d");
	WH_TRY(grow(t, params, err));
	if (renumber(t) != WH_OK)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return wh_cut_curve(t->n_chosen, t->merges, t->truth, t->weight, &d, 1, f, err);
}

static int validate(struct training *t, unsigned k, double *mean, double *deviation, double *fold_f, size_t *n, struct wh_err *err)
{
	*n = 0;
	WH_TRY(make_folds(t, k, err));
	for (unsigned fold = 0; fold < k; fold++) {
		struct wh_values params;
		double f;
		choose(t, fold, true, false);
		size_t inside = t->n_chosen;
		if (inside < 2 || t->items.n - inside < 2)
			continue;
		WH_TRY(wh_values_copy(&params, &t->model->params, err));
		choose(t, fold, false, false);
		int code = search(t, &params, &f, err);
		choose(t, fold, true, false);
		if (code == WH_OK)
			code = test_fold(t, &params, &fold_f[*n], err);
		wh_values_release(&params);
		WH_TRY(code);
		++*n;
		wh_host_progress(t->call->host, "cross-validating", fold + 1, k);
	}
	double sum = 0, squares = 0;
	for (size_t i = 0; i < *n; i++)
		sum += fold_f[i];
	*mean = *n ? sum / (double)*n : NAN;
	for (size_t i = 0; i < *n; i++)
		squares += (fold_f[i] - *mean) * (fold_f[i] - *mean);
	*deviation = *n > 1 ? sqrt(squares / (double)(*n - 1)) : NAN;
	return WH_OK;
}

/* ---- the verb ---- */

static int allocate(struct training *t, struct wh_err *err)
{
	size_t n = t->items.n;
	t->chosen = malloc(n * sizeof *t->chosen);
	t->distance = malloc(n * (n - 1) / 2 * sizeof *t->distance);
	t->merges = malloc(n * sizeof *t->merges);
	t->truth = malloc(n * sizeof *t->truth);
	t->weight = malloc(n * sizeof *t->weight);
	if (t->chosen && t->distance && t->merges && t->truth && t->weight)
		return WH_OK;
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static int train(struct training *t, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	uint32_t *truth = NULL;
	double f, mean = NAN, deviation = NAN, fold_f[20];
	size_t n_folds = 0;
	unsigned k = (unsigned)wh_values_int(&t->call->options, "folds");
	const char *path = wh_values_string(&t->call->options, "output");
	WH_TRY(wh_dataset_load(&t->data, t->call, t->model, WH_LOAD_STORE, err));
	WH_TRY(wh_dataset_need(&t->data, err));
	int code = wh_label_numbers(&t->data, &truth, &t->n_classes, err);
	if (code == WH_OK && !t->call->n_operands)
		code = wh_constraints_as_labels(t->call, &t->data, truth, &t->n_classes, err);
	if (code == WH_OK)
		code = make_items(t, truth, err);
	free(truth);
	WH_TRY(code);
	WH_TRY(limit_items(t, err));
	WH_TRY(compact_classes(t, err));
	WH_TRY(allocate(t, err));
	if (k > 1)
		WH_TRY(validate(t, k, &mean, &deviation, fold_f, &n_folds, err));
	choose(t, 0, false, true);
	WH_TRY(search(t, &t->model->params, &f, err));
	if (wh_values_flag(&t->call->options, "freeze-weights"))
		WH_TRY(wh_model_freeze(t->model, &t->data, err));
	if (path)
		WH_TRY(wh_model_write(t->model, &t->data, path, err));
	wh_emit_document(out, wh_verb_schema(t->call, "training", schema));
	wh_emit_integer(out, "observations", (int64_t)t->data.records.n);
	wh_emit_integer(out, "distinct", (int64_t)t->items.n);
	wh_emit_integer(out, "classes", (int64_t)t->n_classes);
	wh_model_emit(t->model, out);
	wh_emit_real(out, "f", f);
	wh_emit_real(out, "cross_validated_f", mean);
	wh_emit_real(out, "cross_validated_f_deviation", deviation);
	wh_emit_array(out, "folds");
	for (size_t i = 0; i < n_folds; i++)
		wh_emit_real(out, NULL, fold_f[i]);
	wh_emit_end(out);
	wh_emit_string(out, "model", path);
	return wh_emit_close(out, err);
}

/* ---- a method that places ---- */

static int emit_fit(const struct training *t, const struct wh_grouping *grouping, const char *path, struct wh_emit *out, struct wh_err *err)
{
	char schema[WH_SCHEMA];
	size_t n_classes = 0;
	double f;
	WH_TRY(wh_fit_judge(&t->data, grouping, &n_classes, &f, err));
	wh_emit_document(out, wh_verb_schema(t->call, "training", schema));
	wh_emit_integer(out, "observations", (int64_t)t->data.records.n);
	wh_emit_integer(out, "distinct", (int64_t)t->data.n_points);
	wh_emit_integer(out, "classes", (int64_t)n_classes);
	wh_model_emit(t->model, out);
	wh_emit_real(out, "f", f);
	wh_emit_real(out, "cross_validated_f", NAN);
	wh_emit_array(out, "folds");
	wh_emit_end(out);
	wh_emit_array(out, "groups");
	for (size_t g = 0; g < grouping->n; g++) {
		wh_emit_object(out, NULL);
		wh_emit_string(out, "group", grouping->groups[g].id);
		wh_emit_integer(out, "size", grouping->groups[g].n_records);
		WH_TRY(wh_title_emit(t->call->signal, t->data.points[grouping->groups[g].representative], out, err));
		wh_emit_end(out);
	}
	wh_emit_end(out);
	wh_emit_string(out, "model", path);
	return wh_emit_close(out, err);
}

static int fit(struct training *t, struct wh_emit *out, struct wh_err *err)
{
	struct wh_grouping grouping = { 0 };
	const char *path = wh_values_string(&t->call->options, "output");
	WH_TRY(wh_dataset_load(&t->data, t->call, t->model, WH_LOAD_STORE, err));
	WH_TRY(wh_dataset_need(&t->data, err));
	WH_TRY(wh_fit_check(t->call, &t->data, err));
	int code = wh_group(&grouping, &t->data, t->model, NULL, err);
	if (code == WH_OK && path)
		code = wh_model_write(t->model, &t->data, path, err);
	if (code == WH_OK)
		code = emit_fit(t, &grouping, path, out, err);
	wh_grouping_release(&grouping);
	return code;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct wh_model model;
	struct training t = { .call = call, .model = &model };
	if (wh_values_string(&call->options, "per") || wh_values_flag(&call->options, "missing"))
		return wh_train_per(call, out, err);
	WH_TRY(wh_model_open(&model, call, err));
	int code = model.method->group ? fit(&t, out, err) : train(&t, out, err);
	wh_dataset_release(&t.data);
	wh_vec_release(&t.items);
	free(t.chosen);
	free(t.distance);
	free(t.merges);
	free(t.truth);
	free(t.weight);
	wh_model_release(&model);
	return code;
}

const struct wh_verb wh_verb_train = {
	.name = "train",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "learn parameters from labelled observations, or groups from unlabelled ones",
	.description = "Tries every combination of the method's grid, refines around the best one (--refine), and for each grows the whole dendrogram and\n"
		       "takes the cut that maximises the F of ReBucket. Parameters given as options stay as they are. The quality is estimated by\n"
		       "cross-validation: whole classes are left out in turn, parameters are learned on the others. Without INPUT learns from the\n"
		       "store, where merge and split count as labels, too.\n"
		       "\n"
		       "A method that places (sessions, say) needs no labels: it learns how to embed the observations, makes the groups (-k, else their\n"
		       "number is found) and holds part of the observations back to learn how far out what belongs to no new kind may lie (--alarm).\n"
		       "All of it goes into the model, with which assign works at once. Labels, where there are some, only judge the groups.\n"
		       "\n"
		       "With --per ATTRIBUTE,… makes such a model for each combination of values that has enough observations (--least), says which were\n"
		       "refused and why, and keeps them in the store. What comes goes under the model of its own values from then on; where there is none,\n"
		       "under that of the newest older version, else of the oldest newer one, else under the model for all that was there before. Groups\n"
		       "that continue those of before, or of the version before, keep their ids: the map is printed. Without INPUT the store's observations\n"
		       "are put into the new groups; with INPUT only the models are kept.\n"
		       "\n"
		       "The figure to believe is cross_validated_f; f is that of the data it was learned on. Time grows with the square of the number\n"
		       "of distinct fingerprints.\n",
	.examples = "whorl NOUN train --labels labels.tsv -o model.whorl reports/\n"
		    "whorl NOUN train --where version=2.1 -o model-2.1.whorl reports/\n"
		    "whorl NOUN train --per platform,version --missing\n"
		    "whorl NOUN cluster --model model.whorl new-reports/\n",
	.result = "training",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD,
	.options = options,
	.run = run,
};
