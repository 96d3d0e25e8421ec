/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read [--format NAME] [--times N] FILE…: how fast the readers read. The files are put behind one another N times (default 20), and
 * each copy is read as the file of its own that it is; next to it, in the same run, the floor: memchr from newline to newline over
 * the same bytes. The best of five rounds is printed, as tab-separated lines.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/input.h"
#include "base/str.h"
#include "base/vec.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"

enum { ROUNDS = 5 };

struct count {
	size_t reports, frames, skips;
};

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct count *count = user;
	(void)err;
	count->reports++;
	count->frames += ((const struct wh_stack *)o->body)->n_frames;
	return WH_OK;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)line, (void)why, (void)err;
	((struct count *)user)->skips++;
	return WH_OK;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t scan(const char *text, size_t size)
{
	size_t lines = 0;
	for (const char *p = text, *end = text + size; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		lines++;
	return lines;
}

struct pieces WH_VEC(size_t); /* where each file's copy ends */

static int gather(struct wh_str *text, struct pieces *ends, int n, char **paths, struct wh_err *err)
{
	for (int i = 0; i < n; i++) {
		struct wh_input input;
		WH_TRY(wh_input_open(&input, paths[i], err));
		wh_str_add(text, input.text, input.size);
		if (input.size && input.text[input.size - 1] != '\n')
			wh_str_putc(text, '\n');
		wh_input_release(&input);
		if (wh_vec_push(ends, text->n))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return wh_str_check(text, err);
}

/* All pieces, each as a file. */
static int read_all(const struct wh_format *format, const char *text, const struct pieces *ends, struct wh_arena *arena,
		    struct count *count, struct wh_err *err)
{
	size_t start = 0;
	for (size_t i = 0; i < ends->n; i++) {
		struct wh_reader reader = { .name = "bench", .text = text + start, .size = ends->data[i] - start, .first_line = 1,
					    .arena = arena, .take = take, .skip = skip, .user = count, .format = format };
		WH_TRY(format->read(&reader, err));
		start = ends->data[i];
	}
	return WH_OK;
}

static int measure(const struct wh_format *format, const char *text, const struct pieces *ends, struct wh_err *err)
{
	size_t size = ends->n ? ends->data[ends->n - 1] : 0;
	double best = 1e9, floor = 1e9;
	struct count count = { 0 };
	size_t lines = 0;
	for (int i = 0; i < ROUNDS; i++) {
		struct wh_arena arena;
		wh_arena_init(&arena, (size_t)64 << 20);
		count = (struct count){ 0 };
		double start = now();
		int code = read_all(format, text, ends, &arena, &count, err);
		double spent = now() - start;
		wh_arena_release(&arena);
		WH_TRY(code);
		best = spent < best ? spent : best;
		start = now();
		lines = scan(text, size);
		spent = now() - start;
		floor = spent < floor ? spent : floor;
	}
	double mb = (double)size / 1e6;
	printf("format\tMB\tlines\treports\tframes\tskips\tread MB/s\tmemchr MB/s\n");
	printf("%s\t%.1f\t%zu\t%zu\t%zu\t%zu\t%.0f\t%.0f\n", format->name, mb, lines, count.reports, count.frames, count.skips, mb / best,
	       mb / floor);
	return WH_OK;
}

int main(int argc, char **argv)
{
	const char *forced = NULL;
	long times = 20;
	int first = 1;
	for (; first + 1 < argc && !strncmp(argv[first], "--", 2); first += 2) {
		if (!strcmp(argv[first], "--format"))
			forced = argv[first + 1];
		else if (!strcmp(argv[first], "--times"))
			times = strtol(argv[first + 1], NULL, 10);
	}
	struct wh_err err = { 0 };
	struct wh_str text = { 0 };
	struct pieces ends = { 0 };
	int code = WH_OK;
	for (long i = 0; code == WH_OK && i < times; i++)
		code = gather(&text, &ends, argc - first, argv + first, &err);
	const struct wh_format *format = forced ? wh_format_find(wh_stack_formats, forced)
						: wh_format_detect(wh_stack_formats, text.data, text.n);
	if (code == WH_OK && !format)
		code = wh_err_set(&err, WH_E_USAGE, "no reader knows this format");
	if (code == WH_OK)
		code = measure(format, text.data, &ends, &err);
	if (code != WH_OK)
		fprintf(stderr, "read: %s\n", err.message);
	wh_vec_release(&ends);
	wh_str_release(&text);
	return code != WH_OK;
}
