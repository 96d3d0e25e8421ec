/* SPDX-License-Identifier: Apache-2.0 */
/* which FILE…: FILE, a tab, the reader that would take it and how many records it makes of it, for those files that one would take. */
#include <stdio.h>

#include "base/arena.h"
#include "base/input.h"
#include "format/format.h"
#include "format/stack/list.h"

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	(void)o, (void)err;
	++*(size_t *)user;
	return WH_OK;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)user, (void)line, (void)why, (void)err;
	return WH_OK;
}

static int which(const char *path, struct wh_err *err)
{
	struct wh_input input;
	WH_TRY(wh_input_open(&input, path, err));
	const struct wh_format *format = wh_format_detect(wh_stack_formats, input.text, input.size);
	int code = WH_OK;
	if (format) {
		size_t records = 0;
		struct wh_arena arena;
		wh_arena_init(&arena, (size_t)64 << 20);
		struct wh_reader reader = { .name = path, .text = input.text, .size = input.size, .first_line = 1, .arena = &arena,
					    .take = take, .skip = skip, .user = &records, .format = format };
		code = format->read(&reader, err);
		wh_arena_release(&arena);
		printf("%s\t%s\t%zu\n", path, format->name, records);
	}
	wh_input_release(&input);
	return code;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct wh_err err = { 0 };
		if (which(argv[i], &err) != WH_OK)
			fprintf(stderr, "%s: %s\n", argv[i], err.message);
	}
	return 0;
}
