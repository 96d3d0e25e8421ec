/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal `words`, made up: text files, alike where they use the same words. It is the test that include/whorl/signal.h suffices for
 * a signal: nothing outside this folder knows it, and it has none of the hooks that may be left out.
 *
 * The body, and the fingerprint, is a line `word count` for every word, sorted. Similarity is the cosine of the counts.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whorl/signal.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "base/vec.h"

/* ---- counts ---- */

struct word {
	const char *text;
	size_t n;
	int64_t count;
};

/* Takes the first line off the text; false at its end. */
static bool take_word(struct wh_bytes *text, struct word *word)
{
	const char *nl = text->size ? memchr(text->data, '\n', text->size) : NULL, *blank = nl ? memchr(text->data, ' ', (size_t)(nl - text->data)) : NULL;
	if (!blank)
		return false;
	*word = (struct word){ text->data, (size_t)(blank - text->data), strtoll(blank, NULL, 10) };
	*text = (struct wh_bytes){ nl + 1, text->size - (size_t)(nl + 1 - text->data) };
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	int c = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
	return c ? c : x->n < y->n ? -1 : x->n > y->n;
}

/* Sorts and adds up words[n]; the lines become the observation's body. */
static int set_body(struct wh_observation *o, struct word *words, size_t n, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_bytes *body = wh_arena_zalloc(arena, 1, sizeof *body);
	size_t room = 1;
	for (size_t i = 0; i < n; i++)
		room += words[i].n + 24;
	char *p = body ? wh_arena_alloc(arena, room) : NULL;
	if (!p)
		return wh_arena_error(arena, err);
	body->data = p;
	qsort(words, n, sizeof *words, by_text);
	for (size_t i = 0, j; i < n; i = j) {
		int64_t count = 0;
		for (j = i; j < n && !by_text(&words[i], &words[j]); j++)
			count += words[j].count;
		p += sprintf(p, "%.*s %lld\n", (int)words[i].n, words[i].text, (long long)count);
	}
	body->size = (size_t)(p - body->data);
	o->body = body;
	return WH_OK;
}

/* ---- formats ---- */

static int encode(const struct wh_observation *o, struct wh_emit *e, struct wh_err *err)
{
	struct wh_bytes rest = *(const struct wh_bytes *)o->body;
	struct word word;
	char name[256];
	(void)err;
	wh_emit_object(e, "words");
	while (take_word(&rest, &word)) {
		snprintf(name, sizeof name, "%.*s", (int)word.n, word.text);
		wh_emit_integer(e, name, word.count);
	}
	wh_emit_end(e);
	return WH_OK;
}

static int decode(struct wh_bytes text, struct wh_arena *arena, struct wh_observation *o, struct wh_err *err)
{
	struct json_object *record;
	WH_TRY(wh_json_parse(text, &record, err));
	struct json_object *object = wh_json_object(record, "words");
	const char *time = wh_json_string(record, "time"), *id = wh_json_string(record, "id"), *label = wh_json_string(record, "label");
	size_t n = 0;
	struct word *words = wh_arena_zalloc(arena, object ? (size_t)json_object_object_length(object) + 1 : 1, sizeof *words);
	o->id = id ? wh_arena_strdup(arena, id) : NULL;
	o->label = label ? wh_arena_strdup(arena, label) : NULL;
	o->has_time = time && !wh_time_parse(time, strlen(time), &o->time_ns);
	int code = !object ? wh_err_set(err, WH_E_FORMAT, "no object \"words\"") : words ? WH_OK : wh_arena_error(arena, err);
	if (code == WH_OK) {
		json_object_object_foreach(object, key, value)
			words[n++] = (struct word){ key, strlen(key), json_object_get_int64(value) };
		code = set_body(o, words, n, arena, err);
	}
	json_object_put(record);
	return code;
}

static int detect_records(const char *text, size_t size)
{
	return size && *text == '{' && memmem(text, size, "\"words\"", 7) ? 90 : 0;
}

static int read_records(struct wh_reader *reader, struct wh_err *err)
{
	const char *p = reader->text, *end = p + reader->size;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct wh_observation o = { 0 };
		struct wh_err why = { 0 };
		int code = stop > p ? decode((struct wh_bytes){ p, (size_t)(stop - p) }, reader->arena, &o, &why) : WH_OK;
		if (code == WH_OK && stop > p)
			WH_TRY(wh_reader_emit(reader, &o, err));
		else if (code == WH_E_FORMAT)
			WH_TRY(wh_reader_skip(reader, p, err, "%s", why.message));
		else if (code != WH_OK)
			return wh_err_set(err, code, "%s", why.message);
		p = stop + 1;
	}
	return WH_OK;
}

static int detect_text(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!isprint((unsigned char)text[i]) && !isspace((unsigned char)text[i]))
			return 0;
	return size ? 30 : 0;
}

static int read_text(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_observation o = { 0 };
	char *text = wh_arena_strndup(reader->arena, reader->text, reader->size);
	struct word *words = wh_arena_zalloc(reader->arena, reader->size / 2 + 1, sizeof *words);
	size_t n = 0;
	if (!text || !words)
		return wh_arena_error(reader->arena, err);
	for (char *p = text; *p; p++)
		if (isalpha((unsigned char)*p)) {
			words[n] = (struct word){ p, 0, 1 };
			while (isalpha((unsigned char)p[words[n].n]) && words[n].n < 100) {
				p[words[n].n] = (char)tolower((unsigned char)p[words[n].n]);
				words[n].n++;
			}
			p += words[n++].n - 1;
		}
	WH_TRY(set_body(&o, words, n, reader->arena, err));
	return wh_reader_emit(reader, &o, err);
}

static const struct wh_format records = {
	.name = "words", .summary = "a JSON object a line: id, time, label, words", .reference = "tests/words/words.c", .lines = true,
	.detect = detect_records, .read = read_records,
};
static const struct wh_format text = {
	.name = "text", .summary = "printable text", .reference = "ASCII", .detect = detect_text, .read = read_text,
};
static const struct wh_format *const formats[] = { &records, &text, NULL };

/* ---- the method ---- */

struct space {
	struct WH_VEC(char *) points;
};

static int space_open(const struct wh_method *method, const struct wh_values *params, void **space, struct wh_err *err)
{
	(void)method, (void)params;
	return (*space = calloc(1, sizeof(struct space))) ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static int space_add(void *space, struct wh_bytes fingerprint, struct wh_err *err)
{
	struct space *s = space;
	char *copy = strndup(fingerprint.size ? fingerprint.data : "", fingerprint.size);
	if (copy && !wh_vec_push(&s->points, copy))
		return WH_OK;
	free(copy);
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static int space_freeze(void *space, const struct wh_host *host, struct wh_err *err)
{
	(void)space, (void)host, (void)err;
	return WH_OK;
}

static void space_drop(void *space)
{
	struct space *s = space;
	free(s->points.data[--s->points.n]);
}

static void space_close(void *space)
{
	struct space *s = space;
	while (s->points.n)
		space_drop(s);
	wh_vec_release(&s->points);
	free(s);
}

static double product(const char *a, const char *b)
{
	struct wh_bytes x = { a, strlen(a) }, y = { b, strlen(b) };
	struct word v, w;
	double sum = 0;
	bool more = take_word(&x, &v) && take_word(&y, &w);
	while (more) {
		int c = by_text(&v, &w);
		sum += c ? 0 : (double)v.count * (double)w.count;
		more = (c > 0 || take_word(&x, &v)) && (c < 0 || take_word(&y, &w));
	}
	return sum;
}

static double similarity(const void *space, size_t i, size_t j)
{
	const struct space *s = space;
	const char *a = s->points.data[i], *b = s->points.data[j];
	double norm = sqrt(product(a, a) * product(b, b));
	return norm > 0 ? fmin(product(a, b) / norm, 1) : 0;
}

static const struct wh_param params[] = {
	{ .name = "d", .type = WH_PARAM_REAL, .initial = "0.5", .lo = 0, .hi = 1, .help = "distance up to which groups merge" },
	{ .name = "linkage", .type = WH_PARAM_CHOICE, .initial = "average", .choices = "complete|average|single", .help = "how groups are compared",
	  .grid = "complete average" },
	{ 0 },
};
static const struct wh_method cosine = {
	.name = "cosine", .summary = "cosine of the counts", .source = "Salton and Buckley 1988", .params = params, .open = space_open,
	.add = space_add, .freeze = space_freeze, .drop = space_drop, .similarity = similarity, .close = space_close,
};
static const struct wh_method *const methods[] = { &cosine, NULL };

/* ---- the signal ---- */

static int fingerprint(const void *config, void **scratch, const struct wh_observation *o, struct wh_arena *arena, struct wh_bytes *result,
		       struct wh_err *err)
{
	(void)config, (void)scratch, (void)arena, (void)err;
	*result = *(const struct wh_bytes *)o->body;
	return WH_OK;
}

static int show(const void *config, const struct wh_observation *o, bool explain, struct wh_arena *arena, struct wh_emit *e, struct wh_err *err)
{
	(void)config, (void)explain, (void)arena;
	return encode(o, e, err);
}

static int features(struct wh_bytes rest, wh_feature_fn *feature, void *user)
{
	struct word word;
	while (take_word(&rest, &word))
		WH_TRY(feature(user, word.text, word.n));
	return WH_OK;
}

static int title(struct wh_bytes rest, struct wh_str *out)
{
	struct word word;
	for (int i = 0; i < 5 && take_word(&rest, &word); i++)
		wh_str_printf(out, "%s%.*s", i ? " " : "", (int)(word.n < 18 ? word.n : 18), word.text);
	return out->failed ? WH_E_NOMEM : WH_OK;
}

static const struct wh_param settings[] = { { 0 } };
static const char *const none[] = { NULL };

static const struct wh_signal words_signal = {
	.noun = "words", .group_noun = "topic", .group_verb = "cluster", .method_noun = "similarity", .feature_noun = "word",
	.summary = "text files, grouped by the words they use", .formats = formats, .settings = settings, .methods = methods,
	.attributes = none, .columns = none, .encode = encode, .decode = decode, .fingerprint = fingerprint, .show = show,
	.features = features, .title = title,
};

extern const struct wh_signal *const wh_signals[];
const struct wh_signal *const wh_signals[] = { &words_signal, NULL };
