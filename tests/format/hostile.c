/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/input.h"
#include "base/rng.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"

/* Touches every byte that is handed over. */
static int count_report(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct hostile_counts *counts = user;
	const struct wh_stack *stack = o->body;
	(void)err;
	counts->reports++;
	counts->frameless += !stack->n_frames;
	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct wh_frame *f = &stack->frames[i];
		const char *texts[] = { f->function, f->module, f->module_version, f->build_id, f->file };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			counts->bytes += texts[k] ? strlen(texts[k]) : 0;
		counts->functions += f->function && *f->function;
	}
	for (size_t i = 0; i < o->n_attributes; i++) {
		assert_true(*o->attributes[i].value);
		counts->bytes += strlen(o->attributes[i].value);
	}
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct hostile_counts *counts = user;
	(void)err;
	assert_true(line > 0 && *why);
	counts->skips++;
	counts->line = line;
	snprintf(counts->why, sizeof counts->why, "%s", why);
	return WH_OK;
}

int hostile_sure(const struct wh_format *format, const char *text, size_t n)
{
	n = n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE;
	int sure = format->detect(text, n), late = format->detect_late ? format->detect_late(text, n, sure) : 0;
	assert_in_range(sure, 0, 100);
	assert_in_range(late, 0, 100);
	return late > sure ? late : sure;
}

/* With the arena, whose state is the caller's to look at and to release. */
static int read_with(const struct wh_format *format, const char *text, size_t n, struct wh_arena *arena, struct hostile_counts *counts,
		     struct wh_err *err)
{
	char *block = malloc(n ? n : 1);
	assert_non_null(block);
	if (n)
		memcpy(block, text, n);
	*counts = (struct hostile_counts){ 0 };
	struct wh_reader reader = { .describe = true, .name = "hostile", .text = block, .size = n, .first_line = 1, .arena = arena,
				    .take = count_report, .skip = count_skip, .user = counts, .format = format };
	assert_in_range(format->detect(block, n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE), 0, 100);
	int code = format->read(&reader, err);
	assert_ptr_equal(reader.text, block);
	assert_int_equal(reader.size, n);
	assert_int_equal(reader.first_line, 1);
	free(block);
	return code;
}

int hostile_try(const struct wh_format *format, const char *text, size_t n, size_t limit, struct hostile_counts *counts)
{
	struct wh_arena arena;
	struct wh_err err = { 0 };
	wh_arena_init(&arena, limit);
	int code = read_with(format, text, n, &arena, counts, &err);
	wh_arena_release(&arena);
	return code;
}

struct hostile_counts hostile_read(const struct wh_format *format, const char *text, size_t n, size_t limit)
{
	struct hostile_counts counts;
	struct wh_arena arena;
	struct wh_err err = { 0 };
	wh_arena_init(&arena, limit);
	if (read_with(format, text, n, &arena, &counts, &err) != WH_OK)
		fail_msg("%s: %s", format->name, err.message);
	assert_true(arena.total <= limit);
	wh_arena_release(&arena);
	return counts;
}

const struct wh_format *hostile_format(const char *name)
{
	const struct wh_format *format = wh_format_find(wh_stack_formats, name);
	if (!format)
		fail_msg("no format %s", name);
	return format;
}

/* ---- fixtures ---- */

struct walk {
	const struct hostile *hostile;
	const struct wh_format *format;
	hostile_each_fn *each;
	size_t n;
};

static int walk_file(void *user, const char *path, const char *relative, struct wh_err *err)
{
	struct walk *walk = user;
	struct wh_input input;
	size_t length = strlen(relative);
	if (length < 4 || strcmp(relative + length - 4, ".txt") != 0 || !strcmp(relative, "PROVENANCE.txt"))
		return WH_OK;
	WH_TRY(wh_input_open(&input, path, err));
	walk->each(walk->hostile, walk->format, input.text, input.size);
	walk->n++;
	wh_input_release(&input);
	return WH_OK;
}

size_t hostile_each(const struct hostile *h, hostile_each_fn *each)
{
	size_t fewest = SIZE_MAX;
	for (const char *const *name = h->formats; *name; name++) {
		char folder[4096];
		struct walk walk = { .hostile = h, .format = hostile_format(*name), .each = each };
		struct wh_err err;
		snprintf(folder, sizeof folder, "%s/%s", h->data, *name);
		assert_int_equal(wh_walk(folder, walk_file, &walk, &err), WH_OK);
		assert_true(walk.n > 0);
		fewest = walk.n < fewest ? walk.n : fewest;
	}
	return fewest;
}

/* As the test says that its formats are read. */
static struct hostile_counts read_for(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	struct hostile_counts counts = hostile_read(format, text, n, HOSTILE_ARENA);
	assert_false(h->frames && counts.frameless);
	return counts;
}

static void cut_one(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	size_t step = n > 2 * h->cuts ? n / h->cuts : 1;
	for (size_t i = 0; i < n; i += step)
		read_for(h, format, text, i);
}

void hostile_cut(const struct hostile *h)
{
	hostile_each(h, cut_one);
}

static void change_one(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	static const char odd[] = "\0\n\r\t\"'()[]{}:/|+-<>`# =?&;,~@%\\\x1b\xc2\xff#0x9";
	struct wh_rng rng;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < h->rounds; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < h->changes; i++) {
			size_t at = wh_rng_below(&rng, n);
			switch (wh_rng_below(&rng, 3)) {
			case 0:
				copy[at] = odd[wh_rng_below(&rng, sizeof odd - 1)];
				break;
			case 1:
				copy[at] = (char)wh_rng_next(&rng);
				break;
			default: { /* a piece moved elsewhere */
				size_t from = wh_rng_below(&rng, n), length = wh_rng_below(&rng, 64);
				length = length < n - at ? length : n - at;
				length = length < n - from ? length : n - from;
				memmove(copy + at, copy + from, length);
			}
			}
		}
		read_for(h, format, copy, n);
	}
	free(copy);
}

void hostile_change(const struct hostile *h)
{
	hostile_each(h, change_one);
}

static void crlf_one(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	char *other = malloc(2 * n + 1);
	size_t m = 0;
	assert_non_null(other);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			other[m++] = '\r';
		other[m++] = text[i];
	}
	struct hostile_counts want = read_for(h, format, text, n), got = read_for(h, format, other, m);
	assert_int_equal(got.reports, want.reports);
	assert_int_equal(got.functions, want.functions);
	free(other);
}

void hostile_crlf(const struct hostile *h)
{
	hostile_each(h, crlf_one);
}

static void small_one(const struct hostile *h, const struct wh_format *format, const char *text, size_t n)
{
	(void)h;
	for (size_t limit = 64; limit < (size_t)1 << 20; limit *= 4) {
		struct hostile_counts counts = hostile_read(format, text, n, limit);
		if (!counts.reports && !counts.skips)
			fail_msg("%s: lost with %zu bytes: %.60s", format->name, limit, text);
	}
}

void hostile_small_arena(const struct hostile *h)
{
	hostile_each(h, small_one);
}

/* ---- made up ---- */

void hostile_noise(const struct hostile *h)
{
	struct wh_rng rng;
	char text[4096];
	wh_rng_init(&rng, 7);
	for (int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof text; i++)
			text[i] = round & 1 ? (char)wh_rng_next(&rng) : "\0\n (:'\"at.F#0"[wh_rng_below(&rng, 13)];
		for (const char *const *name = h->formats; *name; name++)
			assert_int_equal(read_for(h, hostile_format(*name), text, sizeof text).reports, 0);
	}
}

char *hostile_repeated(const char *beginning, const char *piece, size_t n)
{
	size_t first = strlen(beginning), length = strlen(piece);
	char *text = malloc(n);
	assert_non_null(text);
	first = first < n ? first : n;
	memcpy(text, beginning, first);
	for (size_t at = first; at < n; at += length)
		memcpy(text + at, piece, length < n - at ? length : n - at);
	return text;
}

void hostile_bear(const struct hostile *h, const struct hostile_load *load)
{
	static const char *const nothing[] = { "", NULL };
	for (const char *const *beginning = load->beginnings ? load->beginnings : nothing; *beginning; beginning++)
		for (const char *const *piece = load->pieces; *piece; piece++) {
			char *text = hostile_repeated(*beginning, *piece, load->size);
			for (const char *const *name = h->formats; *name; name++)
				read_for(h, hostile_format(*name), text, load->size);
			free(text);
		}
}

void hostile_repeat(const struct hostile *h)
{
	hostile_bear(h, &h->repeat);
}

void hostile_endless(const struct hostile *h)
{
	hostile_bear(h, &h->endless);
}

void hostile_no_reports(const struct hostile *h)
{
	for (const char *const *text = h->texts; *text; text++)
		for (const char *const *name = h->formats; *name; name++) {
			int sure = hostile_sure(hostile_format(*name), *text, strlen(*text));
			if (sure >= WH_DETECT_LEAST)
				fail_msg("%s is %d sure of %.40s", *name, sure, *text);
		}
}
