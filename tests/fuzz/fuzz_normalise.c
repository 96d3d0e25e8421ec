/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as text: settings in the first byte, then a frame a line, `function TAB module TAB file`; ? is a frame that names nothing.
 * Tokens are never empty, and normalising them again changes nothing. */
#include <string.h>

#include "symbol/normalise.h"
#include "target.h"

enum { MOST = 200 };

static char *field(struct wh_arena *arena, const char **p, const char *end)
{
	const char *tab = *p < end ? memchr(*p, '\t', (size_t)(end - *p)) : NULL, *stop = tab ? tab : end;
	char *text = stop > *p && !memchr(*p, 0, (size_t)(stop - *p)) ? wh_arena_strndup(arena, *p, (size_t)(stop - *p)) : NULL;
	*p = tab ? tab + 1 : end;
	return text;
}

static size_t read_frames(struct wh_arena *arena, const char *p, const char *end, struct wh_frame *frames)
{
	size_t n = 0;
	while (p < end && n < MOST) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct wh_frame *frame = &frames[n++];
		*frame = (struct wh_frame){ 0 };
		frame->unreliable = p < stop && *p == '?';
		p += frame->unreliable;
		frame->handler = p < stop && *p == '!';
		p += frame->handler;
		frame->function = field(arena, &p, stop);
		frame->module = field(arena, &p, stop);
		frame->file = field(arena, &p, stop);
		frame->has_offset = frame->file && *frame->file == '0';
		frame->offset = frame->has_offset ? strlen(frame->file) : 0;
		p = nl ? nl + 1 : end;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const identities[] = { "function", "module-function", "module-offset" };
	static struct wh_frame frames[MOST], tokens[MOST];
	struct wh_normaliser *normaliser;
	struct wh_normal_frame *normal, *again;
	struct wh_values values;
	struct wh_arena arena;
	struct wh_err err = { 0 };
	size_t n, m;
	if (size < 2)
		return 0;
	unsigned settings = data[0];
	wh_arena_init(&arena, (size_t)256 << 20);
	MUST(wh_values_init(&values, wh_normalise_params, &err) == WH_OK);
	if (wh_values_set(&values, "identity", identities[settings % 3], &err) != WH_OK)
		MUST(wh_values_set(&values, "identity", "function", &err) == WH_OK);
	if (settings & 64)
		MUST(wh_values_set(&values, "keep-recursion", "true", &err) == WH_OK);
	if (settings & 128)
		MUST(wh_values_set(&values, "keep-machinery", "true", &err) == WH_OK);
	MUST(wh_normaliser_new(&normaliser, &values, &err) == WH_OK);
	struct wh_stack stack = { .frames = frames };
	stack.n_frames = read_frames(&arena, (const char *)data + 1, (const char *)data + size, frames);
	if (wh_normalise(normaliser, NULL, &stack, &arena, &normal, &n, NULL, NULL, &err) == WH_OK) {
		MUST(n <= stack.n_frames);
		for (size_t i = 0; i < n; i++) {
			MUST(normal[i].token && *normal[i].token && !strpbrk(normal[i].token, "\n\t"));
			tokens[i] = (struct wh_frame){ .function = normal[i].token };
		}
		struct wh_stack second = { .frames = tokens, .n_frames = n };
		MUST(wh_normalise(normaliser, NULL, &second, &arena, &again, &m, NULL, NULL, &err) == WH_OK);
		for (size_t i = 0; i < n && i < m; i++)
			if (strcmp(normal[i].token, again[i].token) != 0)
				fprintf(stderr, "frame %zu: %s became %s\n", i, normal[i].token, again[i].token);
		MUST(n == m);
		for (size_t i = 0; i < n; i++)
			MUST(!strcmp(normal[i].token, again[i].token));
	}
	wh_normaliser_free(normaliser);
	wh_values_release(&values);
	wh_arena_release(&arena);
	return 0;
}
