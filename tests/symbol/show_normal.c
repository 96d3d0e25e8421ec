/* SPDX-License-Identifier: Apache-2.0 */
/* show_normal [--explain] [--check] [--SETTING=VALUE…] PATH…: every report of the files as one JSON line of its normalised tokens.
 * --explain also says what each step did, as TSV on stderr; --check only says what does not normalise to itself, and fails then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/input.h"
#include "base/json.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "symbol/normalise.h"

struct program {
	struct wh_normaliser *normaliser;
	struct wh_normal_cache *cache;
	struct wh_arena arena;
	const char *path;
	size_t stacks, frames, left, unstable;
	bool explain, quiet;
};

static int print(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return fwrite(data, 1, n, stdout) == n ? WH_OK : wh_err_set(err, WH_E_IO, "cannot write");
}

static void explain(void *user, size_t frame, const char *rule, const char *before, const char *after)
{
	(void)user;
	fprintf(stderr, "%zu\t%s\t%s\t%s\n", frame, rule, before, after ? after : "-");
}

/* What was normalised must be normal: the tokens alone, and the frames with their tokens for names. */
static int again(struct program *p, const struct wh_normal_frame *frames, size_t n, struct wh_err *err)
{
	for (int alone = 0; alone < 2; alone++) {
		struct wh_frame *fresh = wh_arena_zalloc(&p->arena, n, sizeof *fresh);
		if (!fresh)
			return wh_arena_error(&p->arena, err);
		for (size_t i = 0; i < n; i++) {
			if (!alone)
				fresh[i] = *frames[i].frame;
			fresh[i].handler = frames[i].frame->handler;
			fresh[i].function = frames[i].token;
		}
		struct wh_stack stack = { .frames = fresh, .n_frames = n };
		struct wh_normal_frame *second;
		size_t n_second;
		WH_TRY(wh_normalise(p->normaliser, p->cache, &stack, &p->arena, &second, &n_second, NULL, NULL, err));
		bool same = n == n_second;
		for (size_t i = 0; same && i < n; i++)
			same = !strcmp(frames[i].token, second[i].token);
		if (same)
			continue;
		p->unstable++;
		fprintf(stderr, "%s: not stable%s:\n", p->path, alone ? " without files and modules" : "");
		for (size_t i = 0; i < n || i < n_second; i++)
			fprintf(stderr, "  %s -> %s\n", i < n ? frames[i].token : "-", i < n_second ? second[i].token : "-");
	}
	return WH_OK;
}

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct program *p = user;
	const struct wh_stack *stack = o->body;
	struct wh_normal_frame *frames;
	size_t n;
	wh_arena_reset(&p->arena);
	WH_TRY(wh_normalise(p->normaliser, p->cache, stack, &p->arena, &frames, &n, p->explain ? explain : NULL, p, err));
	p->stacks++;
	p->frames += stack->n_frames;
	p->left += n;
	if (p->quiet)
		return again(p, frames, n, err);
	struct wh_json_writer writer;
	wh_json_writer_init(&writer, (struct wh_sink){ print, NULL }, true);
	wh_emit_object(&writer.emit, NULL);
	wh_emit_string(&writer.emit, "id", o->id ? o->id : p->path);
	wh_emit_string(&writer.emit, "label", o->label);
	wh_emit_array(&writer.emit, "frames");
	for (size_t i = 0; i < n; i++)
		wh_emit_string(&writer.emit, NULL, frames[i].token);
	wh_emit_end(&writer.emit);
	wh_emit_end(&writer.emit);
	int code = wh_emit_close(&writer.emit, err);
	wh_json_writer_release(&writer);
	return code;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)user, (void)line, (void)why, (void)err;
	return WH_OK;
}

static int found(void *user, const char *path, const char *relative, struct wh_err *err)
{
	struct program *p = user;
	struct wh_input input;
	struct wh_arena arena;
	p->path = path;
	WH_TRY(wh_input_open(&input, path, err));
	wh_arena_init(&arena, (size_t)256 << 20);
	const struct wh_format *format = wh_format_detect(wh_stack_formats, input.text, input.size);
	int code = WH_OK;
	if (format) {
		struct wh_reader reader = { .name = relative, .text = input.text, .size = input.size, .first_line = 1, .arena = &arena,
					    .take = take, .skip = skip, .user = p, .format = format };
		code = format->read(&reader, err);
	}
	wh_arena_release(&arena);
	wh_input_release(&input);
	return code;
}

int main(int argc, char **argv)
{
	struct program p = { 0 };
	struct wh_err err = { 0 };
	struct wh_values values;
	int code = wh_values_init(&values, wh_normalise_params, &err), first = 1;
	for (; code == WH_OK && first < argc && !strncmp(argv[first], "--", 2); first++) {
		char *value = strchr(argv[first], '=');
		if (!strcmp(argv[first], "--explain"))
			p.explain = true;
		else if (!strcmp(argv[first], "--check"))
			p.quiet = true;
		else if (value) {
			*value = '\0';
			code = wh_values_set(&values, argv[first] + 2, value + 1, &err);
		}
	}
	if (code == WH_OK)
		code = wh_normaliser_new(&p.normaliser, &values, &err);
	wh_arena_init(&p.arena, (size_t)256 << 20);
	p.cache = wh_normal_cache_new();
	for (int i = first; code == WH_OK && i < argc; i++)
		code = wh_walk(argv[i], found, &p, &err);
	if (code != WH_OK)
		fprintf(stderr, "%s: %s\n", p.path ? p.path : "show_normal", err.message);
	else if (p.quiet)
		printf("%zu stacks, %zu frames, %zu left, %zu not stable\n", p.stacks, p.frames, p.left, p.unstable);
	wh_arena_release(&p.arena);
	wh_normal_cache_free(p.cache);
	wh_normaliser_free(p.normaliser);
	wh_values_release(&values);
	return code != WH_OK || p.unstable;
}
