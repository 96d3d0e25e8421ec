/* SPDX-License-Identifier: Apache-2.0 */
/* What a survey draws: a map of the observations, indices over the number of groups, the exemplar of a group. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/elbow.h"
#include "learn/onset.h"
#include "learn/tsne.h"
#include "pipeline/survey.h"
#include "report/plot.h"

enum {
	LEAST_POINTS = 8,       /* for a map to say more than a table */
	MOST_MAPPED = 20000,    /* points: beyond, a map takes minutes */
	MOST_CHOSEN = 3000,     /* points for which every k is tried */
	MOST_K = 30,
	STARTS = 3,             /* of each k-means */
	EXEMPLARS = 60,         /* groups, the largest, of which one is drawn: some 50 kB each */
	QUIET = 30,             /* series behind the loud ones */
	LOUD = 4,
	QUIET_MOST = 2,         /* times the change of the loudest that a quiet one may have */
	TITLE = 48,             /* bytes of a group's title that its name on the map begins with */
};

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* The SVG that draws into text, kept by the report; or what went wrong. */
static int keep(struct wh_survey *s, int code, struct wh_str *text, const char **kept, struct wh_err *err)
{
	if (code == WH_OK) {
		*kept = wh_arena_strndup(&s->report->arena, text->data, text->n);
		code = *kept ? WH_OK : no_memory(err);
	}
	wh_str_release(text);
	return code;
}

/* ---- where points are ---- */

/* Coordinates of every stride-th point, n_points / stride of them and the rest's; *x NULL: there are none to have. */
static int read_coordinates(struct wh_survey *s, size_t stride, float **x, size_t *n, size_t *d, struct wh_err *err)
{
	const struct wh_method *method = s->space.method;
	*x = NULL;
	*n = *d = 0;
	if (!method->coordinates || !s->of.data->n_points)
		return WH_OK;
	(void)method->coordinates(s->space.state, 0, d);
	if (!*d)
		return WH_OK;
	*n = (s->of.data->n_points + stride - 1) / stride;
	*x = malloc(*n * *d * sizeof **x);
	if (!*x)
		return no_memory(err);
	for (size_t i = 0; i < *n; i++) {
		size_t width;
		memcpy(*x + i * *d, method->coordinates(s->space.state, i * stride, &width), *d * sizeof **x);
	}
	return WH_OK;
}

/* ---- the map ---- */

struct mapping {
	uint32_t *group;    /* per point */
	const char **names; /* per point: its first record's id */
	bool *is_new;       /* per point */
	const char **group_names;
	float *map;
};

/* "label" or what the group's title begins with, after its number. */
static const char *name_group(struct wh_survey *s, size_t g)
{
	const struct wh_report_group *group = &s->report->groups[g];
	if (group->label)
		return wh_arena_printf(&s->report->arena, "%zu %s", g + 1, group->label);
	size_t n = strlen(group->title), end = strcspn(group->title, ",<");
	end = end < TITLE ? end : TITLE;
	while (end < n && end && ((unsigned char)group->title[end] & 0xc0) == 0x80)
		end--; /* not within a character */
	return wh_arena_printf(&s->report->arena, "%zu %.*s", g + 1, (int)end, group->title);
}

static int describe_points(struct wh_survey *s, struct mapping *m, struct wh_err *err)
{
	const struct wh_dataset *data = s->of.data;
	for (size_t p = 0; p < data->n_points; p++) {
		m->group[p] = WH_PLOT_NO_GROUP;
		m->names[p] = "";
		m->is_new[p] = s->of.location && s->of.location[p].is_new;
	}
	for (size_t g = 0; g < s->of.n_groups; g++) {
		if (!(m->group_names[g] = name_group(s, g)))
			return no_memory(err);
		for (size_t i = s->start[g + 1]; i-- > s->start[g];) {
			const struct wh_record *record = &data->records.data[s->member[i]];
			m->group[record->point] = (uint32_t)g;
			m->names[record->point] = record->id;
		}
	}
	return WH_OK;
}

static int draw_map(struct wh_survey *s, struct mapping *m, const float *x, size_t d, struct wh_err *err)
{
	const size_t n = s->of.data->n_points;
	char title[128], note[160];
	struct wh_str text = { 0 };
	WH_TRY(describe_points(s, m, err));
	WH_TRY(wh_tsne(x, n, d, &wh_tsne_defaults, s->of.call->host, m->map, NULL, err));
	snprintf(title, sizeof title, "Map of %zu %ss", n, s->report->noun);
	snprintf(note, sizeof note, "Neighbours are alike; how far %ss are apart says little (t-SNE).", s->report->group_noun);
	const struct wh_scatter scatter = { .title = title, .note = note, .map = m->map, .n = n, .group = m->group, .n_groups = s->of.n_groups,
					    .group_names = m->group_names, .names = m->names, .is_new = m->is_new, .new_name = "of no known kind" };
	return keep(s, wh_plot_scatter(&scatter, &text, err), &text, &s->report->map, err);
}

int wh_survey_map(struct wh_survey *s, struct wh_err *err)
{
	const size_t n = s->of.data->n_points;
	float *x;
	size_t n_read, d;
	if (n < LEAST_POINTS)
		return WH_OK;
	if (n > MOST_MAPPED) {
		wh_host_log(s->of.call->host, WH_INFO, "no map of more than %d different %ss", MOST_MAPPED, s->report->noun);
		return WH_OK;
	}
	WH_TRY(read_coordinates(s, 1, &x, &n_read, &d, err));
	if (!x)
		return WH_OK;
	struct mapping m = { malloc(n * sizeof *m.group), malloc(n * sizeof *m.names), malloc(n * sizeof *m.is_new),
			     malloc((s->of.n_groups + 1) * sizeof *m.group_names), malloc(2 * n * sizeof *m.map) };
	int code = m.group && m.names && m.is_new && m.group_names && m.map ? draw_map(s, &m, x, d, err) : no_memory(err);
	free(x);
	free(m.group);
	free(m.names);
	free(m.is_new);
	free(m.group_names);
	free(m.map);
	return code;
}

/* ---- how many groups ---- */

static size_t index_of(const struct wh_elbow *elbow, size_t k)
{
	for (size_t i = 0; i < elbow->n; i++)
		if (elbow->points[i].k == k)
			return i;
	return SIZE_MAX;
}

static int draw_choice(struct wh_survey *s, const struct wh_elbow *elbow, bool sampled, struct wh_err *err)
{
	const size_t n = elbow->n;
	double *values = malloc((4 * n + 1) * sizeof *values);
	char title[64], note[128], chosen[64], across[64];
	struct wh_str text = { 0 };
	if (!values)
		return no_memory(err);
	for (size_t i = 0; i < n; i++) {
		const struct wh_elbow_point *point = &elbow->points[i];
		values[i] = (double)point->k;
		values[n + i] = point->index.silhouette;
		values[2 * n + i] = point->index.davies_bouldin;
		values[3 * n + i] = point->index.calinski_harabasz;
	}
	const struct wh_measure_of_choice measures[] = {
		{ "Silhouette", "higher is better", values + n, index_of(elbow, elbow->by_silhouette) },
		{ "Davies–Bouldin", "lower is better", values + 2 * n, index_of(elbow, elbow->by_davies_bouldin) },
		{ "Caliński–Harabasz", "higher is better", values + 3 * n, index_of(elbow, elbow->by_calinski_harabasz) },
	};
	snprintf(title, sizeof title, "How many %ss?", s->report->group_noun);
	snprintf(note, sizeof note, "K-means for every number%s.", sampled ? ", of a sample" : "");
	snprintf(across, sizeof across, "%ss", s->report->group_noun);
	snprintf(chosen, sizeof chosen, "%zu here", s->of.n_groups);
	const struct wh_choice choice = { .title = title, .note = note, .x_name = across, .choices = values, .n_choices = n, .measures = measures,
					  .n_measures = sizeof measures / sizeof *measures, .chosen = index_of(elbow, s->of.n_groups), .chosen_name = chosen };
	int code = keep(s, wh_plot_choice(&choice, &text, err), &text, &s->report->choice, err);
	free(values);
	return code;
}

int wh_survey_choice(struct wh_survey *s, struct wh_err *err)
{
	const size_t stride = s->of.data->n_points / MOST_CHOSEN + 1;
	struct wh_elbow_params params = { .most = s->of.n_groups + 5 < MOST_K ? MOST_K : s->of.n_groups + 5, .starts = STARTS, .references = 1,
					  .seed = s->of.call->host ? s->of.call->host->seed : 0 };
	float *x;
	size_t n, d;
	WH_TRY(read_coordinates(s, stride, &x, &n, &d, err));
	uint32_t *label = x && n >= LEAST_POINTS ? malloc(n * sizeof *label) : NULL;
	int code = WH_OK;
	if (x && n >= LEAST_POINTS) {
		struct wh_elbow elbow = { 0 };
		code = label ? wh_elbow(x, n, d, NULL, &params, s->of.call->host, label, &elbow, err) : no_memory(err);
		if (code == WH_OK && elbow.n > 2)
			code = draw_choice(s, &elbow, stride > 1, err);
		wh_elbow_release(&elbow);
	}
	free(label);
	free(x);
	return code;
}

/* ---- an exemplar ---- */

/* The member nearest to the middle of the group, where points lie somewhere; else its representative. */
static int find_exemplar(struct wh_survey *s, uint32_t g, uint32_t *point, struct wh_err *err)
{
	const struct wh_method *method = s->space.method;
	const size_t first = s->start[g], last = s->start[g + 1];
	size_t d = 0;
	*point = s->head[g];
	if (method->coordinates)
		(void)method->coordinates(s->space.state, s->head[g], &d);
	if (!d)
		return WH_OK;
	double *mean = calloc(d, sizeof *mean), least = INFINITY;
	if (!mean)
		return no_memory(err);
	for (size_t i = first; i < last; i++) {
		const float *z = method->coordinates(s->space.state, s->of.data->records.data[s->member[i]].point, &d);
		for (size_t k = 0; k < d; k++)
			mean[k] += z[k] / (double)(last - first);
	}
	for (size_t i = first; i < last; i++) {
		const uint32_t p = s->of.data->records.data[s->member[i]].point;
		const float *z = method->coordinates(s->space.state, p, &d);
		double square = 0;
		for (size_t k = 0; k < d; k++)
			square += (z[k] - mean[k]) * (z[k] - mean[k]);
		if (square < least) {
			least = square;
			*point = p;
		}
	}
	free(mean);
	return WH_OK;
}

struct reading {
	struct wh_arena *arena;
	struct WH_VEC(struct wh_series) series;
	struct WH_VEC(double) range;
};

/* Keeps a series as its change since its first known reading: what grew is seen, whatever it began from. */
static int take_series(void *user, const char *name, const double *x, const double *y, size_t n)
{
	struct reading *r = user;
	double *kept = wh_arena_zalloc(r->arena, n, sizeof *kept), first = NAN, low = 0, high = 0;
	if (!kept)
		return WH_E_NOMEM;
	for (size_t t = 0; t < n; t++) {
		first = isfinite(first) ? first : y[t];
		kept[t] = y[t] - first;
		low = fmin(low, kept[t]);
		high = fmax(high, kept[t]);
	}
	const struct wh_series series = { .name = name, .x = x, .y = kept, .n = n };
	return wh_vec_push(&r->series, series) || wh_vec_push(&r->range, high - low) ? WH_E_NOMEM : WH_OK;
}

struct ranked {
	size_t loud; /* rank among the loud, SIZE_MAX: quiet */
	double range;
	size_t series;
};

static int in_front(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	if (a->loud != b->loud)
		return a->loud < b->loud ? -1 : 1;
	if (a->range != b->range)
		return a->range > b->range ? -1 : 1;
	return a->series < b->series ? -1 : a->series > b->series;
}

/* The guilty first, then the others that changed most; but not those beside which the guilty would be flat: units differ. */
static int order_series(const struct reading *r, const char *const *guilty, size_t n_guilty, struct wh_series *drawn, size_t *n_drawn, struct wh_err *err)
{
	struct ranked *ranked = malloc((r->series.n + 1) * sizeof *ranked);
	if (!ranked)
		return no_memory(err);
	for (size_t i = 0; i < r->series.n; i++) {
		ranked[i] = (struct ranked){ SIZE_MAX, r->range.data[i], i };
		for (size_t k = 0; k < n_guilty && ranked[i].loud == SIZE_MAX; k++)
			if (!strcmp(guilty[k], r->series.data[i].name))
				ranked[i].loud = k;
	}
	qsort(ranked, r->series.n, sizeof *ranked, in_front);
	double most = 0;
	*n_drawn = 0;
	for (size_t i = 0; i < r->series.n && *n_drawn < LOUD + QUIET; i++) {
		const bool loud = ranked[i].loud != SIZE_MAX;
		if (loud)
			most = fmax(most, ranked[i].range);
		else if (most > 0 && ranked[i].range > QUIET_MOST * most)
			continue;
		drawn[*n_drawn] = r->series.data[ranked[i].series];
		drawn[(*n_drawn)++].loud = loud;
	}
	free(ranked);
	return WH_OK;
}

/* When the series of that name begins to rise, as an x; NaN: it does not, or there is none. */
static double rise_of(const struct reading *r, const char *name)
{
	for (size_t i = 0; name && i < r->series.n; i++) {
		const struct wh_series *series = &r->series.data[i];
		const double onset = strcmp(series->name, name) ? NAN : wh_onset(series->y, series->n);
		if (!isnan(onset))
			return series->x[(size_t)onset];
	}
	return NAN;
}

static int draw_exemplar(struct wh_survey *s, const struct reading *r, const char *id, const char *const *guilty, size_t n_guilty, const char *first,
			 const char **svg, struct wh_err *err)
{
	struct wh_series drawn[LOUD + QUIET];
	size_t n = 0;
	char title[256], note[160];
	struct wh_str text = { 0 };
	WH_TRY(order_series(r, guilty, n_guilty, drawn, &n, err));
	snprintf(title, sizeof title, "%s %s", s->report->noun, id);
	snprintf(note, sizeof note, "The one in the middle of the %s; in colour the %ss that set it apart, in grey others that changed, twice as much at most.", s->report->group_noun,
		 s->report->feature_noun);
	const struct wh_lines lines = { .title = title, .note = note, .x_name = "step", .y_name = "change since the beginning", .series = drawn, .n_series = n,
					.mark = rise_of(r, first), .mark_name = "moved first" };
	return keep(s, wh_plot_lines(&lines, &text, err), &text, svg, err);
}

int wh_survey_exemplar(struct wh_survey *s, uint32_t g, const char *const *guilty, size_t n_guilty, const char *first, const char **svg,
		       struct wh_err *err)
{
	const struct wh_signal *signal = s->of.data->signal;
	struct wh_arena arena;
	struct reading r = { .arena = &arena };
	uint32_t point;
	const char *id = "";
	*svg = NULL;
	if (!signal->series || g >= EXEMPLARS)
		return WH_OK;
	WH_TRY(find_exemplar(s, g, &point, err));
	for (size_t i = s->start[g + 1]; i-- > s->start[g];)
		if (s->of.data->records.data[s->member[i]].point == point)
			id = s->of.data->records.data[s->member[i]].id;
	wh_arena_init(&arena, SIZE_MAX);
	int code = signal->series(s->of.data->points[point], &arena, take_series, &r, err);
	if (code == WH_E_NOMEM)
		code = no_memory(err);
	if (code == WH_OK && r.series.n)
		code = draw_exemplar(s, &r, id, guilty, n_guilty < LOUD ? n_guilty : LOUD, first, svg, err);
	wh_vec_release(&r.series);
	wh_vec_release(&r.range);
	wh_arena_release(&arena);
	return code;
}
