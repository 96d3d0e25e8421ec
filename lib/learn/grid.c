/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "learn/select.h"

/* A trained row and the values it may try. */
struct axis {
	const struct wh_param *param;
	char *grid;                    /* the table's, cut into words */
	struct WH_VEC(const char *) words;
	struct WH_VEC(double) numbers; /* INT and REAL: ascending; refinement adds to them */
	size_t at;                     /* the combination being tried: a word */
	double best;                   /* INT and REAL: the number of the best combination */
};

struct search {
	struct wh_values *best, trial;
	bool *given; /* best's, as the caller had it */
	struct axis *axes;
	size_t n_axes;
	wh_score_fn *score;
	void *user;
	const struct wh_host *host;
	double best_score;
	bool any; /* something was scored */
	uint64_t tried, total; /* total: at most, for the progress */
};

static bool is_number(const struct axis *axis)
{
	return axis->param->type == WH_PARAM_INT || axis->param->type == WH_PARAM_REAL;
}

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static int add_number(struct axis *axis, double number, struct wh_err *err)
{
	if (wh_vec_reserve(&axis->numbers, axis->numbers.n + 1))
		return no_memory(err);
	size_t at = axis->numbers.n++;
	for (; at && axis->numbers.data[at - 1] > number; at--)
		axis->numbers.data[at] = axis->numbers.data[at - 1];
	axis->numbers.data[at] = number;
	return WH_OK;
}

static int axis_init(struct axis *axis, const struct wh_param *param, struct wh_err *err)
{
	axis->param = param;
	axis->grid = strdup(param->grid);
	if (!axis->grid)
		return no_memory(err);
	char *rest = axis->grid;
	for (const char *word; (word = strtok_r(rest, " ", &rest));) {
		if (wh_vec_push(&axis->words, word))
			return no_memory(err);
		if (is_number(axis))
			WH_TRY(add_number(axis, strtod(word, NULL), err));
	}
	return axis->words.n ? WH_OK : wh_err_set(err, WH_E_USAGE, "--%s: its grid is empty", param->name);
}

/* Scores the trial and takes it over where it is better. */
static int try(struct search *search, bool *better, struct wh_err *err)
{
	double score;
	if (wh_host_cancelled(search->host))
		return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	WH_TRY(search->score(search->user, &search->trial, &score, err));
	wh_host_progress(search->host, "training", ++search->tried, search->total);
	*better = !isnan(score) && (!search->any || score > search->best_score);
	if (!*better)
		return WH_OK;
	search->any = true;
	search->best_score = score;
	for (size_t i = 0; i < search->n_axes; i++) {
		const char *name = search->axes[i].param->name;
		char buffer[32];
		size_t row = (size_t)wh_values_find(&search->trial, name);
		const char *text = wh_values_text(&search->trial, row, buffer, sizeof buffer);
		WH_TRY(wh_values_set(search->best, name, text, err));
		search->best->given[row] = search->given[row];
		if (is_number(&search->axes[i]))
			search->axes[i].best = strtod(text, NULL);
	}
	return WH_OK;
}

static int try_combinations(struct search *search, struct wh_err *err)
{
	for (;;) {
		bool better;
		for (size_t i = 0; i < search->n_axes; i++) {
			const struct axis *axis = &search->axes[i];
			WH_TRY(wh_values_set(&search->trial, axis->param->name, axis->words.data[axis->at], err));
		}
		WH_TRY(try(search, &better, err));
		size_t i = search->n_axes;
		while (i && ++search->axes[i - 1].at == search->axes[i - 1].words.n)
			search->axes[--i].at = 0;
		if (!i)
			return WH_OK;
	}
}

static int set_number(struct search *search, const struct axis *axis, double number, struct wh_err *err)
{
	char text[32];
	snprintf(text, sizeof text, axis->param->type == WH_PARAM_INT ? "%.0f" : "%.10g", number);
	return wh_values_set(&search->trial, axis->param->name, text, err);
}

static int refine(struct search *search, struct axis *axis, struct wh_err *err)
{
	const double *numbers = axis->numbers.data;
	double middle[2];
	size_t n = 0, at = 0;
	while (at < axis->numbers.n && numbers[at] < axis->best)
		at++;
	if (at)
		middle[n++] = (numbers[at - 1] + axis->best) / 2;
	if (at + 1 < axis->numbers.n)
		middle[n++] = (axis->best + numbers[at + 1]) / 2;
	for (size_t i = 0; i < n; i++) {
		bool better, known = false;
		WH_TRY(set_number(search, axis, middle[i], err));
		size_t row = (size_t)wh_values_find(&search->trial, axis->param->name);
		const union wh_value *set = &search->trial.value[row];
		double value = axis->param->type == WH_PARAM_INT ? (double)set->integer : set->real;
		for (size_t j = 0; j < axis->numbers.n; j++)
			known |= axis->numbers.data[j] == value;
		if (!known) {
			WH_TRY(add_number(axis, value, err));
			WH_TRY(try(search, &better, err));
		}
	}
	return set_number(search, axis, axis->best, err);
}

static int run(struct search *search, unsigned rounds, struct wh_err *err)
{
	WH_TRY(wh_values_copy(&search->trial, search->best, err));
	size_t n = search->best->n, n_numbers = 0;
	search->axes = calloc(n + 1, sizeof *search->axes);
	search->given = calloc(n + 1, sizeof *search->given);
	if (!search->axes || !search->given)
		return no_memory(err);
	search->total = 1;
	for (size_t i = 0; i < n; i++) {
		search->given[i] = search->best->given[i];
		if (!search->best->params[i].grid || search->best->given[i])
			continue;
		struct axis *axis = &search->axes[search->n_axes++];
		WH_TRY(axis_init(axis, &search->best->params[i], err));
		search->total *= axis->words.n;
		n_numbers += is_number(axis);
	}
	search->total += (uint64_t)rounds * 2 * n_numbers;
	WH_TRY(try_combinations(search, err));
	if (!search->any)
		return WH_OK;
	for (size_t i = 0; i < search->n_axes; i++) {
		size_t row = (size_t)wh_values_find(search->best, search->axes[i].param->name);
		char buffer[32];
		WH_TRY(wh_values_set(&search->trial, search->axes[i].param->name,
				     wh_values_text(search->best, row, buffer, sizeof buffer), err));
	}
	for (unsigned round = 0; round < rounds; round++)
		for (size_t i = 0; i < search->n_axes; i++)
			if (is_number(&search->axes[i]))
				WH_TRY(refine(search, &search->axes[i], err));
	return WH_OK;
}

int wh_grid_search(struct wh_values *best, unsigned rounds, wh_score_fn *score, void *user, const struct wh_host *host,
		   double *best_score, struct wh_err *err)
{
	struct search search = { .best = best, .score = score, .user = user, .host = host, .best_score = NAN };
	int code = run(&search, rounds, err);
	*best_score = search.best_score;
	for (size_t i = 0; i < search.n_axes; i++) {
		free(search.axes[i].grid);
		wh_vec_release(&search.axes[i].words);
		wh_vec_release(&search.axes[i].numbers);
	}
	free(search.axes);
	free(search.given);
	wh_values_release(&search.trial);
	return code;
}
