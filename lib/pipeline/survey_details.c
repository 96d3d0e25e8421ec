/* SPDX-License-Identifier: Apache-2.0 */
/* What a survey knows about one group in full: its representative, its other faces, what sets it apart, its neighbours. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "pipeline/precedence.h"
#include "pipeline/survey.h"
#include "store/store.h"

#define NEIGHBOUR_LEAST 0.05 /* similarity; what is less alike is no neighbour */
enum { REPORT_MIB = 64 };

static const struct wh_record *member(const struct wh_survey *s, size_t i)
{
	return &s->of.data->records.data[s->member[i]];
}

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* A member of a JSON object as text in the report's arena; *text stays NULL where there is none. */
static int keep_text(struct wh_survey *s, const struct json_object *from, const char *name, const char **text)
{
	const char *found = wh_json_string(from, name);
	*text = found ? wh_arena_strdup(&s->report->arena, found) : NULL;
	return found && !*text;
}

static int write_text(void *user, const char *text, size_t n, struct wh_err *err)
{
	wh_str_add(user, text, n);
	return wh_str_check(user, err);
}

/* ---- the representative ---- */

struct showing {
	struct wh_survey *s;
	struct wh_str *text; /* what the signal shows of it, JSON */
};

static int show_body(struct showing *showing, const struct wh_record *record, struct wh_bytes body, struct wh_err *err)
{
	const struct wh_signal *signal = showing->s->of.data->signal;
	struct wh_arena arena;
	struct wh_observation o = { 0 };
	struct wh_json_writer writer;
	wh_arena_init(&arena, (size_t)REPORT_MIB << 20);
	wh_json_writer_init(&writer, (struct wh_sink){ write_text, showing->text }, true);
	int code = signal->decode(body, &arena, &o, err);
	o.id = record->id;
	wh_emit_object(&writer.emit, NULL);
	if (code == WH_OK)
		code = signal->show(showing->s->of.model->config, &o, false, &arena, &writer.emit, err);
	wh_emit_end(&writer.emit);
	if (code == WH_OK)
		code = wh_emit_close(&writer.emit, err);
	wh_json_writer_release(&writer);
	wh_arena_release(&arena);
	return code;
}

static int show_stored(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	struct wh_record record = { .id = stored->id };
	return show_body(user, &record, stored->body, err);
}

static int show_record(struct wh_survey *s, const struct wh_record *record, struct wh_str *text, struct wh_err *err)
{
	struct showing showing = { s, text };
	if (record->body.size)
		return show_body(&showing, record, record->body, err);
	if (!s->of.store)
		return WH_OK;
	return wh_store_get(s->of.store, s->of.data->signal->noun, record->id, WH_STORE_BODY, show_stored, &showing, err);
}

struct frames {
	struct wh_survey *s;
	struct wh_report_frame *frames;
	size_t n, all;
};

static int take_feature(void *user, const char *name, size_t n)
{
	struct frames *f = user;
	if (f->all++ >= WH_REPORT_FRAMES)
		return WH_OK;
	f->frames[f->n] = (struct wh_report_frame){ .name = wh_arena_strndup(&f->s->report->arena, name, n), .weight = -1 };
	return f->frames[f->n++].name ? WH_OK : WH_E_NOMEM;
}

/* Where the frames are from, for signals whose neutral record lists them: they stand in the order of the features. */
static int locate_frames(struct wh_survey *s, struct wh_report_details *details, struct wh_report_frame *frames, struct json_object *shown)
{
	struct json_object *list = wh_json_array(shown, "frames");
	size_t n = list ? json_object_array_length(list) : 0;
	int failed = keep_text(s, shown, "crash_type", &details->crash_type);
	for (size_t i = 0; !failed && i < n && i < details->n_frames; i++) {
		struct json_object *frame = json_object_array_get_idx(list, i);
		uint64_t line = 0;
		failed = keep_text(s, frame, "module", &frames[i].module) || keep_text(s, frame, "module_version", &frames[i].version) ||
			 keep_text(s, frame, "file", &frames[i].file);
		frames[i].line = wh_json_u64(frame, "line", &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
	}
	return failed;
}

static int describe_head(struct wh_survey *s, uint32_t g, struct wh_report_details *details, struct wh_report_frame **frames, struct wh_err *err)
{
	struct frames f = { .s = s, .frames = wh_arena_zalloc(&s->report->arena, WH_REPORT_FRAMES, sizeof *f.frames) };
	size_t head = s->start[g];
	while (member(s, head)->point != s->head[g])
		head++;
	if (!f.frames || s->of.data->signal->features(s->of.data->points[s->head[g]], take_feature, &f) != WH_OK)
		return no_memory(err);
	*frames = f.frames;
	details->frames = f.frames;
	details->n_frames = f.n;
	details->n_frames_left_out = f.all - f.n;
	details->example = wh_arena_strdup(&s->report->arena, member(s, head)->id);
	if (!details->example)
		return no_memory(err);
	struct wh_str text = { 0 };
	struct json_object *shown = NULL;
	int code = show_record(s, member(s, head), &text, err);
	if (code == WH_OK && text.n)
		code = wh_json_parse((struct wh_bytes){ text.data, text.n }, &shown, err);
	if (code == WH_OK && shown && locate_frames(s, details, f.frames, shown))
		code = no_memory(err);
	json_object_put(shown);
	wh_str_release(&text);
	return code;
}

/* ---- its other faces ---- */

struct face {
	uint32_t point, n;
	uint32_t first; /* into s->member */
};

static int by_point(const void *a, const void *b)
{
	const struct face *x = a, *y = b;
	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static int commonest_first(const void *a, const void *b)
{
	const struct face *x = a, *y = b;
	return x->n != y->n ? (x->n > y->n ? -1 : 1) : by_point(a, b);
}

/* The distinct fingerprints of a group but the representative, the commonest first. */
static size_t list_faces(const struct wh_survey *s, uint32_t g, struct face *faces)
{
	size_t n = s->start[g + 1] - s->start[g], distinct = 0, kept = 0;
	for (size_t i = 0; i < n; i++)
		faces[i] = (struct face){ member(s, s->start[g] + i)->point, 1, (uint32_t)(s->start[g] + i) };
	qsort(faces, n, sizeof *faces, by_point);
	for (size_t i = 0; i < n; i++) {
		if (distinct && faces[distinct - 1].point == faces[i].point)
			faces[distinct - 1].n++;
		else
			faces[distinct++] = faces[i];
	}
	for (size_t i = 0; i < distinct; i++)
		if (faces[i].point != s->head[g])
			faces[kept++] = faces[i];
	qsort(faces, kept, sizeof *faces, commonest_first);
	return kept;
}

/* What the method says of two points side by side, as a parsed object. */
static int align(const struct wh_survey *s, uint32_t a, uint32_t b, struct json_object **result, struct wh_err *err)
{
	struct wh_str text = { 0 };
	struct wh_json_writer writer;
	*result = NULL;
	if (!s->space.method->align)
		return WH_OK;
	wh_json_writer_init(&writer, (struct wh_sink){ write_text, &text }, true);
	wh_emit_object(&writer.emit, NULL);
	int code = s->space.method->align(s->space.state, a, b, &writer.emit, err);
	wh_emit_end(&writer.emit);
	if (code == WH_OK)
		code = wh_emit_close(&writer.emit, err);
	if (code == WH_OK)
		code = wh_json_parse((struct wh_bytes){ text.data, text.n }, result, err);
	wh_json_writer_release(&writer);
	wh_str_release(&text);
	return code;
}

/* Adds what each frame of the representative contributes, `times` over. */
static void add_weights(struct json_object *alignment, struct wh_report_frame *frames, size_t n, double times)
{
	struct json_object *rows = alignment ? wh_json_array(alignment, "alignment") : NULL, *value;
	size_t n_rows = rows ? json_object_array_length(rows) : 0, at = 0;
	for (size_t r = 0; r < n_rows && at < n; r++) {
		struct json_object *row = json_object_array_get_idx(rows, r);
		if (!wh_json_string(row, "a"))
			continue;
		double contribution = json_object_object_get_ex(row, "contribution", &value) ? json_object_get_double(value) : 0;
		frames[at].weight = (frames[at].weight < 0 ? 0 : frames[at].weight) + (contribution > 0 ? contribution : 0) * times;
		at++;
	}
}

static int keep_rows(struct wh_survey *s, struct json_object *alignment, struct wh_report_variant *variant)
{
	struct json_object *list = alignment ? wh_json_array(alignment, "alignment") : NULL;
	size_t n = list ? json_object_array_length(list) : 0;
	variant->n_rows = n < WH_REPORT_FRAMES ? n : WH_REPORT_FRAMES;
	variant->n_left_out = n - variant->n_rows;
	struct wh_report_pair *rows = wh_arena_zalloc(&s->report->arena, variant->n_rows + 1, sizeof *rows);
	int failed = !rows;
	for (size_t r = 0; !failed && r < variant->n_rows; r++) {
		struct json_object *row = json_object_array_get_idx(list, r);
		failed = keep_text(s, row, "a", &rows[r].a) || keep_text(s, row, "b", &rows[r].b);
	}
	variant->rows = rows;
	return failed;
}

static int describe_variant(struct wh_survey *s, uint32_t head, const struct face *face, struct wh_report_variant *variant,
			    struct wh_report_frame *frames, size_t n_frames, struct wh_err *err)
{
	struct json_object *alignment;
	variant->observations = face->n;
	variant->similarity = wh_space_similarity(&s->space, head, face->point);
	variant->example = wh_arena_strdup(&s->report->arena, member(s, face->first)->id);
	if (!variant->example)
		return no_memory(err);
	WH_TRY(align(s, head, face->point, &alignment, err));
	add_weights(alignment, frames, n_frames, face->n);
	int failed = keep_rows(s, alignment, variant);
	json_object_put(alignment);
	return failed ? no_memory(err) : WH_OK;
}

static int describe_variants(struct wh_survey *s, uint32_t g, struct wh_report_details *details, struct wh_report_frame *frames,
			     struct wh_err *err)
{
	size_t n = s->start[g + 1] - s->start[g], times = 0;
	struct face *faces = malloc((n + 1) * sizeof *faces);
	struct wh_report_variant *variants = wh_arena_zalloc(&s->report->arena, WH_REPORT_VARIANTS, sizeof *variants);
	int code = faces && variants ? WH_OK : no_memory(err);
	size_t n_faces = code == WH_OK ? list_faces(s, g, faces) : 0;
	details->variants = variants;
	for (size_t i = 0; code == WH_OK && i < n_faces && i < WH_REPORT_VARIANTS; i++) {
		code = describe_variant(s, s->head[g], &faces[i], &variants[i], frames, details->n_frames, err);
		details->n_variants++;
		times += faces[i].n;
	}
	if (code == WH_OK && !times) { /* nobody else: what it is made of */
		struct json_object *alignment;
		code = align(s, s->head[g], s->head[g], &alignment, err);
		if (code == WH_OK)
			add_weights(alignment, frames, details->n_frames, 1);
		json_object_put(alignment);
		times = 1;
	}
	for (size_t i = 0; i < details->n_frames; i++)
		frames[i].weight = frames[i].weight < 0 ? -1 : frames[i].weight / (double)(times ? times : 1);
	free(faces);
	return code;
}

/* ---- what sets it apart ---- */

static int count(struct wh_survey *s, struct wh_err *err)
{
	if (s->counted)
		return WH_OK;
	WH_TRY(wh_traits_count(&s->traits, s->of.data, err));
	WH_TRY(wh_amounts_read(&s->amounts, WH_AMOUNTS_MEASURES, s->of.data, err));
	s->counted = true;
	return WH_OK;
}

/* How much there is of what is measured tells more than who has it: first. */
static int measured_facts(struct wh_survey *s, uint32_t g, size_t n, struct wh_report_details *details, struct wh_report_fact *facts, struct wh_str *sentence)
{
	const uint32_t *members = s->member + s->start[g];
	const char *noun = s->of.data->signal->measure_noun;
	for (size_t i = 0; i < s->amounts.contrast.n && details->n_facts < WH_REPORT_FACTS; i++) {
		const struct wh_contrast_measure *measure = &s->amounts.contrast.data[i];
		struct wh_report_fact *fact = &facts[details->n_facts];
		if (measure->effect <= 0 || measure->score <= 0)
			continue;
		const char *name = wh_amount_name(&s->amounts, measure->measure);
		wh_str_clear(sentence);
		wh_contrast_measure_sentence(sentence, measure, noun, name, n, s->of.data->records.n - n);
		*fact = (struct wh_report_fact){ .what = noun, .name = wh_arena_strdup(&s->report->arena, name), .effect = measure->effect, .p_value = measure->p_value };
		fact->top3 = (double)wh_amounts_among(&s->amounts, measure->measure, members, n, WH_AMOUNTS_TOPMOST) / (double)n;
		fact->top10 = (double)wh_amounts_among(&s->amounts, measure->measure, members, n, WH_AMOUNTS_TOP) / (double)n;
		fact->sentence = sentence->failed ? NULL : wh_arena_strndup(&s->report->arena, sentence->data, sentence->n);
		if (!fact->name || !fact->sentence)
			return WH_E_NOMEM;
		details->n_facts++;
	}
	return WH_OK;
}

static int describe_facts(struct wh_survey *s, uint32_t g, struct wh_report_details *details, struct wh_err *err)
{
	struct wh_report_fact *facts = wh_arena_zalloc(&s->report->arena, WH_REPORT_FACTS, sizeof *facts);
	struct wh_str sentence = { 0 };
	size_t n = s->start[g + 1] - s->start[g];
	if (!facts)
		return no_memory(err);
	details->facts = facts;
	WH_TRY(count(s, err));
	WH_TRY(wh_amounts_contrast(&s->amounts, s->member + s->start[g], n, NULL, 0, err));
	WH_TRY(wh_traits_contrast(&s->traits, s->member + s->start[g], n, NULL, 0, err));
	bool failed = measured_facts(s, g, n, details, facts, &sentence) != WH_OK;
	for (size_t i = 0; !failed && i < s->traits.contrast.n && details->n_facts < WH_REPORT_FACTS; i++) {
		const struct wh_contrast_feature *feature = &s->traits.contrast.data[i];
		struct wh_report_fact *fact = &facts[details->n_facts];
		const char *what, *name;
		size_t n_what;
		if (feature->effect <= 0 || (feature->score <= 0 && (i >= 3 || details->n_facts >= 3))) /* what may be chance is only said where there is little else */
			continue;
		name = wh_trait_name(&s->traits, feature->feature, &what, &n_what);
		fact->what = wh_arena_strndup(&s->report->arena, what, n_what);
		fact->name = wh_arena_strdup(&s->report->arena, name);
		fact->effect = feature->effect;
		fact->top3 = fact->top10 = -1;
		fact->p_value = feature->p_value;
		wh_str_clear(&sentence);
		if (fact->what && fact->name)
			wh_contrast_sentence(&sentence, feature, fact->what, fact->name, s->of.data->signal->measures ? "observations" : "reports", n, s->of.data->records.n - n);
		fact->sentence = sentence.failed ? NULL : wh_arena_strndup(&s->report->arena, sentence.data ? sentence.data : "", sentence.n);
		failed = !fact->what || !fact->name || !fact->sentence;
		details->n_facts += !failed;
	}
	wh_str_release(&sentence);
	return failed ? no_memory(err) : WH_OK;
}

/* Which of the guilty moved first. */
static int describe_movers(struct wh_survey *s, uint32_t g, const char *const *guilty, size_t n, struct wh_report_details *details, struct wh_err *err)
{
	struct wh_mover movers[WH_REPORT_FACTS];
	struct wh_str sentence = { 0 };
	size_t asked;
	struct wh_report_mover *kept = wh_arena_zalloc(&s->report->arena, WH_REPORT_MOVERS, sizeof *kept);
	if (!kept)
		return no_memory(err);
	for (size_t k = 0; k < n; k++)
		movers[k] = (struct wh_mover){ .name = guilty[k] };
	WH_TRY(wh_precede(s->of.data, s->member + s->start[g], s->start[g + 1] - s->start[g], s->of.call->host, movers, n, &asked, err));
	details->movers = kept;
	bool failed = false;
	for (size_t k = 0; !failed && k < n && k < WH_REPORT_MOVERS && movers[k].of.rose; k++) {
		const struct wh_precedence *of = &movers[k].of;
		wh_str_clear(&sentence);
		wh_mover_sentence(&sentence, &movers[k], &movers[0], asked);
		const char *text = sentence.failed ? NULL : wh_arena_strndup(&s->report->arena, sentence.data, sentence.n);
		kept[details->n_movers++] = (struct wh_report_mover){ movers[k].name, text, asked, of->rose, of->first, of->median };
		failed = !text;
	}
	wh_str_release(&sentence);
	return failed ? no_memory(err) : WH_OK;
}

/* Those of the facts that are measures, the most telling first, are what the exemplar is to show. */
static int describe_exemplar(struct wh_survey *s, uint32_t g, struct wh_report_details *details, struct wh_err *err)
{
	const char *guilty[WH_REPORT_FACTS];
	size_t n = 0;
	for (size_t i = 0; i < details->n_facts; i++)
		if (details->facts[i].what == s->of.data->signal->measure_noun)
			guilty[n++] = details->facts[i].name;
	WH_TRY(describe_movers(s, g, guilty, n, details, err));
	return wh_survey_exemplar(s, g, guilty, n, details->n_movers ? details->movers[0].name : NULL, &details->exemplar, err);
}

/* ---- neighbours ---- */

struct nearest {
	uint32_t group;
	size_t n;
	struct wh_report_neighbour *list; /* WH_REPORT_NEIGHBOURS, nearest first */
};

static int take_neighbour(void *user, size_t j, double similarity)
{
	struct nearest *nearest = user;
	size_t at = nearest->n;
	if (j == nearest->group)
		return WH_OK;
	while (at && (nearest->list[at - 1].similarity < similarity ||
		      (nearest->list[at - 1].similarity == similarity && nearest->list[at - 1].group > j)))
		at--;
	if (at == WH_REPORT_NEIGHBOURS)
		return WH_OK;
	size_t last = nearest->n < WH_REPORT_NEIGHBOURS ? nearest->n++ : WH_REPORT_NEIGHBOURS - 1;
	memmove(nearest->list + at + 1, nearest->list + at, (last - at) * sizeof *nearest->list);
	nearest->list[at] = (struct wh_report_neighbour){ (uint32_t)j, similarity };
	return WH_OK;
}

static int describe_neighbours(struct wh_survey *s, uint32_t g, struct wh_report_details *details, struct wh_err *err)
{
	struct nearest nearest = { g, 0, wh_arena_zalloc(&s->report->arena, WH_REPORT_NEIGHBOURS, sizeof *nearest.list) };
	const struct wh_method *method = s->heads.method;
	if (!nearest.list)
		return no_memory(err);
	if (method->neighbours)
		WH_TRY(method->neighbours(s->heads.state, g, NEIGHBOUR_LEAST, s->of.n_groups, &s->scratch, take_neighbour, &nearest, err));
	for (size_t j = 0; !method->neighbours && j < s->of.n_groups; j++) {
		double similarity = j == g ? 0 : method->similarity(s->heads.state, g, j);
		if (similarity >= NEIGHBOUR_LEAST)
			(void)take_neighbour(&nearest, j, similarity);
	}
	details->neighbours = nearest.list;
	details->n_neighbours = nearest.n;
	return WH_OK;
}

static int list_ids(struct wh_survey *s, uint32_t g, struct wh_report_details *details, struct wh_err *err)
{
	size_t n = s->start[g + 1] - s->start[g];
	details->n_ids = n < WH_REPORT_IDS ? n : WH_REPORT_IDS;
	const char **ids = wh_arena_zalloc(&s->report->arena, details->n_ids + 1, sizeof *ids);
	if (!ids)
		return no_memory(err);
	for (size_t i = 0; i < details->n_ids; i++) {
		ids[i] = wh_arena_strdup(&s->report->arena, member(s, s->start[g + 1] - 1 - i)->id);
		if (!ids[i])
			return no_memory(err);
	}
	details->ids = ids;
	return WH_OK;
}

int wh_survey_detail(struct wh_survey *s, uint32_t g, struct wh_err *err)
{
	struct wh_report_frame *frames = NULL;
	if (s->report->groups[g].details)
		return WH_OK;
	struct wh_report_details *details = wh_arena_zalloc(&s->report->arena, 1, sizeof *details);
	if (!details)
		return no_memory(err);
	WH_TRY(describe_head(s, g, details, &frames, err));
	WH_TRY(describe_variants(s, g, details, frames, err));
	WH_TRY(describe_facts(s, g, details, err));
	WH_TRY(describe_exemplar(s, g, details, err));
	WH_TRY(describe_neighbours(s, g, details, err));
	WH_TRY(list_ids(s, g, details, err));
	s->report->groups[g].details = details;
	s->report->n_detailed++;
	return WH_OK;
}

/* ---- the tree ---- */

int wh_survey_tree(struct wh_survey *s, struct wh_err *err)
{
	size_t n = s->of.n_groups < WH_REPORT_TREE ? s->of.n_groups : WH_REPORT_TREE;
	uint32_t *leaves = wh_arena_zalloc(&s->report->arena, n + 1, sizeof *leaves);
	struct wh_merge *merges = wh_arena_zalloc(&s->report->arena, n + 1, sizeof *merges);
	float *distance = malloc((n * n / 2 + 1) * sizeof *distance);
	if (!leaves || !merges || !distance) {
		free(distance);
		return no_memory(err);
	}
	for (size_t i = 0; i < n; i++) {
		leaves[i] = (uint32_t)i;
		for (size_t j = i + 1; j < n; j++)
			distance[wh_condensed(n, i, j)] = (float)(1 - wh_space_similarity(&s->heads, i, j));
	}
	int code = n > 1 ? wh_hclust_dense(WH_LINKAGE_AVERAGE, n, distance, NULL, merges, err) : WH_OK;
	free(distance);
	s->report->tree = leaves;
	s->report->merges = merges;
	s->report->n_tree = code == WH_OK ? n : 0;
	return code;
}
