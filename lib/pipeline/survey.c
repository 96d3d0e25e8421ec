/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "pipeline/verbs.h"

/* ---- groups in order ---- */

struct ranked {
	uint32_t group, n, first; /* first: rank in time of its first record */
};

static int largest_first(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* number: per group of the caller's, ours. */
static void place_members(struct wh_survey *s, const uint32_t *order, const uint32_t *number, const struct ranked *ranked)
{
	for (size_t g = 0; g < s->of.n_groups; g++)
		s->start[g + 1] = s->start[g] + ranked[g].n;
	uint32_t *next = s->head; /* not needed yet */
	memcpy(next, s->start, s->of.n_groups * sizeof *next);
	for (size_t k = 0; k < s->of.data->records.n; k++)
		if (s->of.group[order[k]] != WH_NO_GROUP)
			s->member[next[number[s->of.group[order[k]]]]++] = order[k];
}

static int order_groups(struct wh_survey *s, struct wh_err *err)
{
	size_t n = s->of.data->records.n, m = s->of.n_groups;
	uint32_t *order = malloc((n + 1) * sizeof *order), *number = malloc((m + 1) * sizeof *number);
	struct ranked *ranked = malloc((m + 1) * sizeof *ranked);
	s->start = calloc(m + 1, sizeof *s->start);
	s->member = malloc((n + 1) * sizeof *s->member);
	s->head = malloc((m + 1) * sizeof *s->head);
	s->report->groups = wh_arena_zalloc(&s->report->arena, m + 1, sizeof *s->report->groups);
	bool failed = !order || !number || !ranked || !s->start || !s->member || !s->head || !s->report->groups ||
		      wh_dataset_by_time(s->of.data, order) != WH_OK;
	if (!failed) {
		for (uint32_t g = 0; g < m; g++)
			ranked[g] = (struct ranked){ g, 0, UINT32_MAX };
		for (uint32_t k = 0; k < n; k++) {
			uint32_t g = s->of.group[order[k]];
			if (g != WH_NO_GROUP && !ranked[g].n++)
				ranked[g].first = k;
		}
		qsort(ranked, m, sizeof *ranked, largest_first);
		for (uint32_t g = 0; g < m; g++) {
			number[ranked[g].group] = g;
			s->report->groups[g].id = wh_arena_strdup(&s->report->arena, s->of.ids[ranked[g].group]);
			failed = failed || !s->report->groups[g].id;
		}
		place_members(s, order, number, ranked);
	}
	free(order);
	free(number);
	free(ranked);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

/* ---- one group ---- */

static const struct wh_record *member(const struct wh_survey *s, size_t i)
{
	return &s->of.data->records.data[s->member[i]];
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* The distinct fingerprints of a group, and the one that most of its observations have; ties by content. */
static void find_head(struct wh_survey *s, uint32_t g, uint32_t *points)
{
	size_t n = s->start[g + 1] - s->start[g], most = 0;
	for (size_t i = 0; i < n; i++)
		points[i] = member(s, s->start[g] + i)->point;
	qsort(points, n, sizeof *points, by_number);
	for (size_t i = 0, next; i < n; i = next) {
		for (next = i + 1; next < n && points[next] == points[i];)
			next++;
		s->report->groups[g].distinct++;
		if (next - i > most) {
			most = next - i;
			s->head[g] = points[i];
		}
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int commonest_first(const void *a, const void *b)
{
	const struct wh_report_value *x = a, *y = b;
	if (x->observations != y->observations)
		return x->observations > y->observations ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* Runs of equal texts become values, the commonest first; returns how many. values: room for n. */
static size_t count_values(const char **texts, size_t n, struct wh_report_value *values)
{
	size_t distinct = 0;
	qsort(texts, n, sizeof *texts, by_text);
	for (size_t i = 0; i < n; i++) {
		if (!i || strcmp(texts[i], texts[i - 1]) != 0)
			values[distinct++] = (struct wh_report_value){ texts[i], 0 };
		values[distinct - 1].observations++;
	}
	qsort(values, distinct, sizeof *values, commonest_first);
	return distinct;
}

struct room { /* for the largest group */
	uint32_t *points;
	const char **texts;
	struct wh_report_value *values;
	struct wh_str title;
};

static int describe_attribute(struct wh_survey *s, uint32_t g, size_t a, struct room *room, struct wh_report_attribute *attribute)
{
	size_t n = 0;
	attribute->name = s->of.data->signal->attributes[a];
	for (size_t i = s->start[g]; i < s->start[g + 1]; i++)
		if (member(s, i)->attributes && member(s, i)->attributes[a])
			room->texts[n++] = member(s, i)->attributes[a];
	attribute->said = n;
	attribute->distinct = count_values(room->texts, n, room->values);
	attribute->n_values = attribute->distinct < WH_REPORT_VALUES ? attribute->distinct : WH_REPORT_VALUES;
	struct wh_report_value *values = wh_arena_zalloc(&s->report->arena, attribute->n_values + 1, sizeof *values);
	if (!values)
		return 1;
	memcpy(values, room->values, attribute->n_values * sizeof *values);
	attribute->values = values;
	for (size_t i = 0; i < attribute->distinct; i++) {
		if (!i || wh_id_compare(room->values[i].text, attribute->least) < 0)
			attribute->least = room->values[i].text;
		if (!i || wh_id_compare(room->values[i].text, attribute->most) > 0)
			attribute->most = room->values[i].text;
	}
	return 0;
}

static int describe_label(struct wh_survey *s, uint32_t g, struct room *room)
{
	struct wh_report_group *group = &s->report->groups[g];
	const struct wh_notes *notes = s->of.notes;
	size_t n = 0;
	if (notes) {
		const char *note = wh_notes_find(notes, group->id, NULL), *label = wh_notes_label(notes, group->id);
		group->notes = wh_notes_count(notes, group->id);
		group->note = note ? wh_arena_strdup(&s->report->arena, note) : NULL;
		group->label = label ? wh_arena_strdup(&s->report->arena, label) : NULL;
		if ((note && !group->note) || (label && !group->label))
			return 1;
	}
	for (size_t i = s->start[g]; i < s->start[g + 1]; i++)
		if (member(s, i)->label)
			room->texts[n++] = member(s, i)->label;
	if (!group->label && count_values(room->texts, n, room->values))
		group->label = room->values[0].text;
	return 0;
}

static void describe_times(struct wh_survey *s, uint32_t g)
{
	struct wh_report_group *group = &s->report->groups[g];
	enum { RECENT = WH_REPORT_SLOTS / 4, EARLIER = WH_REPORT_SLOTS - RECENT };
	double recent = 0, earlier = 0;
	group->first_ns = group->last_ns = WH_REPORT_NO_TIME;
	for (size_t i = s->start[g]; i < s->start[g + 1] && member(s, i)->time_ns != INT64_MAX; i++) {
		group->first_ns = i == s->start[g] ? member(s, i)->time_ns : group->first_ns;
		group->last_ns = member(s, i)->time_ns;
		group->trend[wh_report_slot(s->report, group->last_ns)]++;
	}
	for (size_t k = 0; k < WH_REPORT_SLOTS; k++) {
		*(k < EARLIER ? &earlier : &recent) += group->trend[k];
		s->report->trend[k] += group->trend[k];
	}
	group->growth = recent / RECENT - earlier / EARLIER;
	group->is_new = s->of.since_ns != WH_REPORT_NO_TIME && group->first_ns != WH_REPORT_NO_TIME && group->first_ns >= s->of.since_ns;
}

static int describe_group(struct wh_survey *s, uint32_t g, struct room *room)
{
	struct wh_report *report = s->report;
	struct wh_report_group *group = &report->groups[g];
	struct wh_report_attribute *attributes = wh_arena_zalloc(&report->arena, report->n_attributes + 1, sizeof *attributes);
	int failed = !attributes;
	group->observations = s->start[g + 1] - s->start[g];
	group->second_of = WH_REPORT_NO_GROUP;
	group->attributes = attributes;
	find_head(s, g, room->points);
	describe_times(s, g);
	for (size_t a = 0; !failed && a < report->n_attributes; a++)
		failed = describe_attribute(s, g, a, room, &attributes[a]);
	failed = failed || describe_label(s, g, room);
	wh_str_clear(&room->title);
	failed = failed || s->of.data->signal->title(s->of.data->points[s->head[g]], &room->title) != WH_OK;
	group->title = failed ? NULL : wh_arena_strndup(&report->arena, room->title.data ? room->title.data : "", room->title.n);
	return failed || !group->title;
}

/* The period first: slots are parts of it. */
static void find_period(struct wh_survey *s)
{
	struct wh_report *report = s->report;
	for (size_t i = 0; i < s->start[s->of.n_groups]; i++) {
		int64_t time_ns = member(s, i)->time_ns;
		if (time_ns == INT64_MAX)
			continue;
		if (!report->timed++ || time_ns < report->first_ns)
			report->first_ns = time_ns;
		if (report->timed == 1 || time_ns > report->last_ns)
			report->last_ns = time_ns;
	}
}

static int describe_groups(struct wh_survey *s, struct wh_err *err)
{
	struct wh_report *report = s->report;
	size_t most = s->of.n_groups ? s->start[1] : 0;
	struct room room = { malloc((most + 1) * sizeof *room.points), malloc((most + 1) * sizeof *room.texts),
			     malloc((most + 1) * sizeof *room.values), { 0 } };
	int failed = !room.points || !room.texts || !room.values;
	report->n_groups = s->of.n_groups;
	report->observations = s->start[s->of.n_groups];
	report->ungrouped = s->of.data->records.n - report->observations;
	report->distinct = s->of.data->n_points;
	report->skipped = s->of.data->skipped;
	find_period(s);
	for (uint32_t g = 0; !failed && g < s->of.n_groups; g++)
		failed = describe_group(s, g, &room);
	free(room.points);
	free(room.texts);
	free(room.values);
	wh_str_release(&room.title);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

/* ---- suspects ---- */

static uint64_t pair_key(uint32_t a, uint32_t b)
{
	return a < b ? (uint64_t)a << 32 | b : (uint64_t)b << 32 | a;
}

static int hold_apart(struct wh_survey *s, struct wh_err *err)
{
	const struct wh_constraints *constraints = s->of.constraints;
	size_t n = constraints ? constraints->apart.n : 0;
	uint32_t *group_of = n ? malloc((s->of.data->records.n + 1) * sizeof *group_of) : NULL;
	bool failed = n && !group_of;
	if (n && !failed)
		memset(group_of, 0xff, s->of.data->records.n * sizeof *group_of);
	for (uint32_t g = 0; n && !failed && g < s->of.n_groups; g++)
		for (size_t i = s->start[g]; i < s->start[g + 1]; i++)
			group_of[s->member[i]] = g;
	for (size_t k = 0; !failed && k < n; k++) {
		uint32_t a = group_of[constraints->apart.data[k].a], b = group_of[constraints->apart.data[k].b];
		failed = a != WH_NO_GROUP && b != WH_NO_GROUP && a != b && !wh_map_put(&s->apart, pair_key(a, b), 1);
	}
	free(group_of);
	return failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

struct nearest {
	struct wh_survey *survey;
	void **scratch; /* per worker */
	uint32_t group, best;
	double similarity;
};

static int take_larger(void *user, size_t j, double similarity)
{
	struct nearest *nearest = user;
	const struct wh_report_group *groups = nearest->survey->report->groups;
	bool nearer = similarity > nearest->similarity || (similarity == nearest->similarity && j < nearest->best);
	if (nearer && groups[j].observations > groups[nearest->group].observations &&
	    !wh_map_get(&nearest->survey->apart, pair_key((uint32_t)j, nearest->group))) {
		nearest->best = (uint32_t)j;
		nearest->similarity = similarity;
	}
	return WH_OK;
}

static int suspect_groups(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	const struct nearest *job = user;
	struct wh_survey *s = job->survey;
	const struct wh_method *method = s->heads.method;
	for (size_t g = first; g < last; g++) {
		struct wh_report_group *group = &s->report->groups[g];
		struct nearest nearest = { .survey = s, .group = (uint32_t)g, .best = WH_REPORT_NO_GROUP };
		size_t below = g < WH_SURVEY_LARGER ? g : WH_SURVEY_LARGER;
		double floor = s->report->suspect_floor;
		if (method->neighbours)
			WH_TRY(method->neighbours(s->heads.state, g, floor, below, &job->scratch[worker], take_larger, &nearest, err));
		for (size_t j = 0; !method->neighbours && j < below; j++) {
			double similarity = method->similarity(s->heads.state, g, j);
			if (similarity >= floor)
				(void)take_larger(&nearest, j, similarity);
		}
		group->suspect = nearest.best != WH_REPORT_NO_GROUP ? WH_SUSPECT_SECOND : group->observations == 1 ? WH_SUSPECT_ONCE : WH_SUSPECT_NONE;
		group->second_of = nearest.best;
		group->second_similarity = nearest.similarity;
	}
	return WH_OK;
}

static int find_suspects(struct wh_survey *s, struct wh_err *err)
{
	unsigned threads = wh_host_threads(s->of.call->host);
	struct nearest job = { .survey = s, .scratch = calloc(threads, sizeof *job.scratch) };
	if (!job.scratch)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	s->report->suspect_floor = (1 - s->report->d) / 2;
	int code = wh_parallel(s->of.call->host, "suspecting", s->of.n_groups, 16, suspect_groups, &job, err);
	for (unsigned w = 0; w < threads; w++)
		if (job.scratch[w])
			s->heads.method->scratch_free(job.scratch[w]);
	free(job.scratch);
	return code;
}

/* ---- life ---- */

/* The weights are those of all points, so that a similarity here is what it was for the grouping. */
static int open_spaces(struct wh_survey *s, struct wh_err *err)
{
	struct wh_bytes *heads = malloc((s->of.n_groups + 1) * sizeof *heads);
	if (!heads)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t g = 0; g < s->of.n_groups; g++)
		heads[g] = s->of.data->points[s->head[g]];
	int code = s->of.model->state.n ? WH_OK : wh_model_freeze(s->of.model, s->of.data, err);
	if (code == WH_OK)
		code = wh_space_open(&s->space, s->of.model, s->of.data->points, s->of.data->n_points, err);
	if (code == WH_OK)
		code = wh_space_open(&s->heads, s->of.model, heads, s->of.n_groups, err);
	free(heads);
	return code;
}

int wh_survey_open(struct wh_survey *s, const struct wh_surveyed *of, struct wh_report *report, struct wh_err *err)
{
	*s = (struct wh_survey){ .of = *of, .report = report };
	const struct wh_signal *signal = of->call->signal;
	report->noun = signal->noun;
	report->group_noun = signal->group_noun;
	report->feature_noun = signal->feature_noun;
	report->method = of->model->method->name;
	report->version = WH_VERSION_NUMBER;
	report->d = of->model->method->group ? NAN : wh_values_real(&of->model->params, "d");
	report->since_ns = of->since_ns;
	while (signal->attributes[report->n_attributes])
		report->n_attributes++;
	WH_TRY(order_groups(s, err));
	WH_TRY(describe_groups(s, err));
	WH_TRY(hold_apart(s, err));
	WH_TRY(open_spaces(s, err));
	WH_TRY(find_suspects(s, err));
	wh_report_finish(report);
	return WH_OK;
}

void wh_survey_close(struct wh_survey *s)
{
	if (s->scratch)
		s->heads.method->scratch_free(s->scratch);
	wh_space_close(&s->heads);
	wh_space_close(&s->space);
	free(s->start);
	free(s->member);
	free(s->head);
	wh_map_release(&s->apart);
	wh_traits_release(&s->traits);
	wh_amounts_release(&s->amounts);
}
