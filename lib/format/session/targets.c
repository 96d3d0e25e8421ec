/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/targets.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES_MIB = 256 };

/* What is known of a series of the target at hand. */
struct state {
	uint32_t target; /* and one: 0 is none */
	int64_t step;    /* its last */
	int64_t time_ns;
	double before, total; /* deltas added up, without the last and with it */
};

void wh_session_targets_init(struct wh_session_targets *t)
{
	*t = (struct wh_session_targets){ 0 };
	wh_strtab_init(&t->targets, (size_t)MOST_NAMES_MIB << 20);
	wh_strtab_init(&t->labels, (size_t)MOST_NAMES_MIB << 20);
	wh_strtab_init(&t->series, (size_t)MOST_NAMES_MIB << 20);
}

void wh_session_targets_release(struct wh_session_targets *t)
{
	wh_strtab_release(&t->targets);
	wh_strtab_release(&t->labels);
	wh_strtab_release(&t->series);
	wh_vec_release(&t->labels_of);
	wh_vec_release(&t->samples);
	wh_str_release(&t->key);
}

/* ---- gathering ---- */

static bool is_text(struct wh_bytes text)
{
	return text.size && !memchr(text.data, '\0', text.size);
}

/* The number of text in the table; one that does not fit is told from no memory by the table's limit. */
static uint32_t number(struct wh_session_targets *t, struct wh_strtab *table, struct wh_bytes text)
{
	uint32_t at = wh_strtab_add(table, text.data, text.size);
	if (at != WH_STRTAB_NONE)
		return at;
	if (table->arena.limit - table->arena.total < text.size + 2 * sizeof(max_align_t))
		t->full = true;
	else
		t->failed = true;
	return 0;
}

uint32_t wh_session_targets_add(struct wh_session_targets *t, struct wh_bytes id, struct wh_label *labels, size_t n)
{
	wh_str_clear(&t->key);
	wh_str_putc(&t->key, '\0');
	wh_series_sort(labels, n);
	for (size_t i = 0; i < n; i++) {
		if (!is_text(labels[i].name) || !is_text(labels[i].value))
			continue;
		wh_str_add(&t->key, labels[i].name.data, labels[i].name.size);
		wh_str_putc(&t->key, '\0');
		wh_str_add(&t->key, labels[i].value.data, labels[i].value.size);
		wh_str_putc(&t->key, '\0');
	}
	t->failed |= t->key.failed;
	if (t->failed || t->full)
		return 0;
	struct wh_bytes key = { t->key.data, t->key.n };
	uint32_t target = number(t, &t->targets, id.size && *id.data ? id : key);
	if (!t->failed && !t->full && target == t->labels_of.n)
		t->failed |= wh_vec_push(&t->labels_of, number(t, &t->labels, (struct wh_bytes){ key.data + 1, key.size - 1 }));
	return target;
}

void wh_session_targets_sample(struct wh_session_targets *t, uint32_t target, struct wh_bytes series, int64_t time_ns, double value, bool is_delta)
{
	t->full |= t->samples.n == WH_SESSION_MOST_ROWS;
	if (t->failed || t->full)
		return;
	struct wh_sample sample = { .time_ns = time_ns, .value = value, .target = target, .series = number(t, &t->series, series), .is_delta = is_delta };
	t->failed |= !t->failed && wh_vec_push(&t->samples, sample);
}

/* ---- handing over ---- */

static bool is_before(const struct wh_sample *a, const struct wh_sample *b)
{
	return a->target != b->target ? a->target < b->target : a->time_ns < b->time_ns;
}

/* By target and time, as they came where those are equal; costs nothing where they are in order already. */
static int sort(struct wh_session_targets *t)
{
	size_t n = t->samples.n, i = 1;
	struct wh_sample *samples = t->samples.data, *spare;
	while (i < n && !is_before(&samples[i], &samples[i - 1]))
		i++;
	if (i >= n)
		return WH_OK;
	spare = malloc(n * sizeof *spare);
	if (!spare)
		return WH_E_NOMEM;
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t at = 0; at < n; at += 2 * width) {
			size_t middle = at + width < n ? at + width : n, end = at + 2 * width < n ? at + 2 * width : n;
			size_t x = at, y = middle;
			for (size_t k = at; k < end; k++)
				spare[k] = y == end || (x < middle && !is_before(&samples[y], &samples[x])) ? samples[x++] : samples[y++];
		}
		memcpy(samples, spare, n * sizeof *samples);
	}
	free(spare);
	return WH_OK;
}

/* Deltas as what they add up to; one that is not known leaves that as it was. */
static double value_of(const struct wh_sample *sample, struct state *state)
{
	if (!sample->is_delta || !isfinite(sample->value))
		return sample->value;
	if (state->time_ns != sample->time_ns)
		state->before = state->total;
	state->total = state->before + sample->value;
	return state->total;
}

/* The samples from one on that are of its target, as rows; how many. */
static size_t make_rows(struct wh_session_targets *t, const struct wh_sample *samples, size_t n, struct state *states, struct wh_session_builder *b)
{
	int64_t step = 0, first_ns = n ? samples->time_ns : 0;
	size_t i = 0;
	for (; i < n && samples[i].target == samples->target; i++) {
		struct state *state = &states[samples[i].series];
		struct wh_bytes name = wh_strtab_get(&t->series, samples[i].series);
		if (state->target != samples->target + 1)
			*state = (struct state){ .target = samples->target + 1, .step = -1 };
		bool again = state->step == step && state->time_ns != samples[i].time_ns;
		if (again || (samples[i].time_ns != first_ns && (uint64_t)samples[i].time_ns - (uint64_t)first_ns >= (uint64_t)t->together_ns)) {
			wh_session_builder_row(b, "@time_s", 7, step++, (double)first_ns / 1e9);
			first_ns = samples[i].time_ns;
		}
		double value = value_of(&samples[i], state);
		state->step = step;
		state->time_ns = samples[i].time_ns;
		wh_session_builder_row(b, name.data, name.size, step, value);
	}
	wh_session_builder_row(b, "@time_s", 7, step, (double)first_ns / 1e9);
	return i;
}

static int emit(struct wh_reader *reader, const struct wh_session_targets *t, uint32_t target, struct wh_session_builder *b,
		const struct wh_attribute *shared, size_t n, struct wh_err *err)
{
	struct wh_bytes id = wh_strtab_get(&t->targets, target), labels = wh_strtab_get(&t->labels, t->labels_of.data[target]);
	struct wh_attribute attributes[2 * WH_SERIES_LABELS];
	struct wh_session_head head = { .id = *id.data ? id.data : NULL, .attributes = attributes };
	for (; head.n_attributes < n && n <= WH_SERIES_LABELS; head.n_attributes++)
		attributes[head.n_attributes] = shared[head.n_attributes];
	for (const char *p = labels.data; p < labels.data + labels.size && head.n_attributes < 2 * WH_SERIES_LABELS; head.n_attributes++) {
		attributes[head.n_attributes].name = p;
		p += strlen(p) + 1;
		attributes[head.n_attributes].value = p;
		p += strlen(p) + 1;
	}
	return wh_session_emit(reader, b, WH_SESSION_SPARSE, &head, reader->text, err);
}

static int emit_all(struct wh_reader *reader, struct wh_session_targets *t, const struct wh_attribute *shared, size_t n, struct wh_err *err)
{
	struct wh_session_builder builder;
	struct state *states = calloc(t->series.n + 1, sizeof *states);
	int code = states ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_session_builder_init(&builder, reader->arena);
	for (size_t i = 0; code == WH_OK && i < t->samples.n;) {
		const struct wh_sample *at = &t->samples.data[i];
		i += make_rows(t, at, t->samples.n - i, states, &builder);
		code = emit(reader, t, at->target, &builder, shared, n, err);
	}
	wh_session_builder_release(&builder);
	free(states);
	return code;
}

int wh_session_targets_emit(struct wh_reader *reader, struct wh_session_targets *t, const struct wh_attribute *shared, size_t n, struct wh_err *err)
{
	int code;
	if (t->failed) {
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	} else if (t->full) {
		code = wh_reader_skip(reader, reader->text, err, "more than %zu samples, or %d MiB of names", WH_SESSION_MOST_ROWS, MOST_NAMES_MIB);
	} else {
		code = sort(t) == WH_OK ? emit_all(reader, t, shared, n, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	t->samples.n = 0;
	t->failed = t->full = false;
	return code;
}
