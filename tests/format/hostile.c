/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/input.h"
#include "base/rng.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"

#define ARENA ((size_t)64 << 20)

struct counts {
	size_t reports, skips, bytes;
};

/* Touches every byte that is handed over. */
static int count_report(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct counts *counts = user;
	const struct wh_stack *stack = o->body;
	(void)err;
	counts->reports++;
	for (size_t i = 0; i < stack->n_frames; i++) {
		const struct wh_frame *f = &stack->frames[i];
		const char *texts[] = { f->function, f->module, f->module_version, f->build_id, f->file };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			counts->bytes += texts[k] ? strlen(texts[k]) : 0;
	}
	for (size_t i = 0; i < o->n_attributes; i++)
		counts->bytes += strlen(o->attributes[i].value);
	return WH_OK;
}

static int count_skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line, (void)why, (void)err;
	((struct counts *)user)->skips++;
	return WH_OK;
}

static struct counts read_text(const struct wh_format *format, const char *text, size_t n, size_t limit)
{
	struct counts counts = { 0 };
	struct wh_arena arena;
	struct wh_err err = { 0 };
	char *block = malloc(n ? n : 1);
	assert_non_null(block);
	if (n)
		memcpy(block, text, n);
	wh_arena_init(&arena, limit);
	struct wh_reader reader = { .describe = true, .name = "hostile", .text = block, .size = n, .first_line = 1, .arena = &arena,
				    .take = count_report, .skip = count_skip, .user = &counts, .format = format };
	assert_in_range(n ? format->detect(block, n < WH_DETECT_SIZE ? n : WH_DETECT_SIZE) : 0, 0, 100);
	assert_int_equal(format->read(&reader, &err), WH_OK);
	assert_true(arena.total <= limit);
	wh_arena_release(&arena);
	free(block);
	return counts;
}

/* ---- fixtures ---- */

typedef void each_fn(const struct wh_format *, const char *text, size_t n);

struct walk {
	const struct wh_format *format;
	each_fn *each;
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
	walk->each(walk->format, input.text, input.size);
	walk->n++;
	wh_input_release(&input);
	return WH_OK;
}

static void each_fixture(const struct hostile *h, each_fn *each)
{
	for (const char *const *name = h->formats; *name; name++) {
		char folder[4096];
		struct walk walk = { .format = wh_format_find(wh_stack_formats, *name), .each = each };
		struct wh_err err;
		assert_non_null(walk.format);
		snprintf(folder, sizeof folder, "%s/%s", h->data, *name);
		assert_int_equal(wh_walk(folder, walk_file, &walk, &err), WH_OK);
		assert_true(walk.n > 0);
	}
}

static void cut_one(const struct wh_format *format, const char *text, size_t n)
{
	size_t step = n > 2048 ? n / 1024 : 1;
	for (size_t i = 0; i < n; i += step)
		read_text(format, text, i, ARENA);
}

void hostile_cut(const struct hostile *h)
{
	each_fixture(h, cut_one);
}

static void change_one(const struct wh_format *format, const char *text, size_t n)
{
	static const char odd[] = "\0\n\r\t\"'()[]{}:/|+-<>`# \x1b\xc2\xff#0x9";
	struct wh_rng rng;
	char *copy = malloc(n);
	assert_non_null(copy);
	wh_rng_init(&rng, n);
	for (int round = 0; round < 60; round++) {
		memcpy(copy, text, n);
		for (int i = 0; i < 8; i++) {
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
		read_text(format, copy, n, ARENA);
	}
	free(copy);
}

void hostile_change(const struct hostile *h)
{
	each_fixture(h, change_one);
}

static void small_one(const struct wh_format *format, const char *text, size_t n)
{
	for (size_t limit = 64; limit < (size_t)1 << 20; limit *= 4) {
		struct counts counts = read_text(format, text, n, limit);
		if (!counts.reports && !counts.skips)
			fail_msg("%s: lost with %zu bytes: %.60s", format->name, limit, text);
	}
}

void hostile_small_arena(const struct hostile *h)
{
	each_fixture(h, small_one);
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
			assert_int_equal(read_text(wh_format_find(wh_stack_formats, *name), text, sizeof text, ARENA).reports, 0);
	}
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Every format reads n bytes of every piece, over and over, in no more than `most` seconds. */
static void repeat_all(const struct hostile *h, const char *const *pieces, size_t n, double most)
{
	char *text = malloc(n);
	assert_non_null(text);
	for (; *pieces; pieces++) {
		size_t length = strlen(*pieces);
		for (size_t i = 0; i < n; i++)
			text[i] = (*pieces)[i % length];
		for (const char *const *name = h->formats; *name; name++) {
			double start = seconds();
			read_text(wh_format_find(wh_stack_formats, *name), text, n, ARENA);
			double spent = seconds() - start;
			if (spent > most)
				fail_msg("%s: %.1f s for %zu MiB of %s", *name, spent, n >> 20, *pieces);
		}
	}
	free(text);
}

void hostile_repeat(const struct hostile *h)
{
	repeat_all(h, h->pieces, (size_t)2 << 20, 10);
}

void hostile_endless(const struct hostile *h)
{
	repeat_all(h, h->endless, (size_t)32 << 20, 10);
}

void hostile_no_reports(const struct hostile *h)
{
	for (const char *const *text = h->texts; *text; text++)
		for (const char *const *name = h->formats; *name; name++) {
			int sure = wh_format_find(wh_stack_formats, *name)->detect(*text, strlen(*text));
			if (sure >= WH_DETECT_LEAST)
				fail_msg("%s is %d sure of %.40s", *name, sure, *text);
		}
}
