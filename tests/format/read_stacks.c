/* SPDX-License-Identifier: Apache-2.0 */
/* read_stacks [--format NAME] [--reading NAME=VALUE]… FILE…: the neutral JSON line of every report that the readers find; skips go to stderr.
 * The tests' plain view of the readers: no ids but the readers' own, nothing normalised. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/input.h"
#include "base/json.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/neutral.h"
#include "symbol/module.h"

static int print(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return fwrite(data, 1, n, stdout) == n ? WH_OK : wh_err_set(err, WH_E_IO, "cannot write");
}

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct wh_json_writer writer;
	(void)user;
	wh_json_writer_init(&writer, (struct wh_sink){ print, NULL }, true);
	wh_emit_object(&writer.emit, NULL);
	wh_emit_string(&writer.emit, "id", o->id);
	if (o->has_time)
		wh_emit_time(&writer.emit, "time", o->time_ns);
	wh_emit_string(&writer.emit, "label", o->label);
	wh_stack_encode(o, &writer.emit);
	wh_emit_end(&writer.emit);
	int code = wh_emit_close(&writer.emit, err);
	wh_json_writer_release(&writer);
	return code;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)err;
	fprintf(stderr, "%s: line %zu: %s\n", (const char *)user, line, why);
	return WH_OK;
}

static int read_file(const char *path, const char *forced, const struct wh_values *reading, struct wh_err *err)
{
	struct wh_input input;
	struct wh_arena arena;
	WH_TRY(wh_input_open(&input, path, err));
	wh_arena_init(&arena, (size_t)64 << 20);
	const struct wh_format *format = forced ? wh_format_find(wh_stack_formats, forced)
						: wh_format_detect(wh_stack_formats, input.text, input.size);
	int code = WH_OK;
	if (format) {
		struct wh_reader reader = { .name = path, .text = input.text, .size = input.size, .first_line = 1,
					    .arena = &arena, .describe = true, .take = take, .skip = skip, .options = reading,
					    .user = (void *)path, .format = format };
		code = format->read(&reader, err);
	} else {
		fprintf(stderr, "%s: no reader knows this format\n", path);
	}
	wh_arena_release(&arena);
	wh_input_release(&input);
	return code;
}

int main(int argc, char **argv)
{
	const char *forced = NULL;
	struct wh_values reading;
	struct wh_err err = { 0 };
	int first = 1, failed = 0;
	if (wh_values_init(&reading, wh_symbol_params, &err) != WH_OK)
		return 1;
	for (; first + 1 < argc && !strncmp(argv[first], "--", 2); first += 2) {
		char *value = strchr(argv[first + 1], '=');
		if (!strcmp(argv[first], "--format")) {
			forced = argv[first + 1];
		} else if (!strcmp(argv[first], "--reading") && value) {
			*value = 0;
			failed |= wh_values_set(&reading, argv[first + 1], value + 1, &err) != WH_OK;
		}
	}
	if (failed)
		fprintf(stderr, "%s\n", err.message);
	for (int i = first; i < argc; i++) {
		if (read_file(argv[i], forced, &reading, &err) != WH_OK) {
			fprintf(stderr, "%s: %s\n", argv[i], err.message);
			failed = 1;
		}
	}
	wh_values_release(&reading);
	return failed;
}
