/* SPDX-License-Identifier: Apache-2.0 */
/* One stack format's reader (-DFORMAT=wh_format_…): any text gives observations that can be written as neutral records, which read back to
 * as many frames; memory stays under the arena's limit. */
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "format/stack/neutral.h"
#include "target.h"

static int append(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static void write_neutral(const struct wh_observation *o, struct wh_str *out)
{
	struct wh_json_writer writer;
	struct wh_err err;
	wh_json_writer_init(&writer, (struct wh_sink){ append, out }, true);
	wh_emit_object(&writer.emit, NULL);
	wh_emit_string(&writer.emit, "id", o->id ? o->id : "x");
	wh_stack_encode(o, &writer.emit);
	wh_emit_end(&writer.emit);
	MUST(wh_emit_close(&writer.emit, &err) == WH_OK);
	wh_json_writer_release(&writer);
}

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	const struct wh_stack *stack = o->body;
	struct wh_observation again;
	struct wh_arena arena;
	struct wh_str text = { 0 };
	(void)user;
	(void)err;
	MUST(stack && o->format && (stack->n_frames == 0 || stack->frames));
	MUST(stack->n_frames <= WH_STACK_MOST_FRAMES);
	for (size_t i = 0; i < o->n_attributes; i++)
		MUST(o->attributes[i].name && o->attributes[i].value && *o->attributes[i].value);
	write_neutral(o, &text);
	wh_arena_init(&arena, (size_t)256 << 20);
	struct wh_err why = { 0 };
	int code = wh_stack_decode((struct wh_bytes){ text.data, text.n }, &arena, &again, &why);
	if (code != WH_OK)
		fprintf(stderr, "%s: %.400s\n", why.message, text.data);
	MUST(code == WH_OK);
	MUST(((const struct wh_stack *)again.body)->n_frames == stack->n_frames);
	wh_arena_release(&arena);
	wh_str_release(&text);
	return WH_OK;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)user;
	(void)err;
	MUST(line > 0 && why && *why);
	return WH_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct wh_arena arena;
	struct wh_err err = { 0 };
	wh_arena_init(&arena, (size_t)64 << 20);
	struct wh_reader reader = { .describe = true, .name = "x", .text = text, .size = size, .first_line = 1, .arena = &arena, .take = take,
				    .skip = skip, .format = &FORMAT };
	int sure = FORMAT.detect(text, size < WH_DETECT_SIZE ? size : WH_DETECT_SIZE);
	MUST(sure >= 0 && sure <= 100);
	int late = FORMAT.detect_late ? FORMAT.detect_late(text, size < WH_DETECT_SIZE ? size : WH_DETECT_SIZE, sure) : 0;
	MUST(late >= 0 && late <= 100);
	int code = FORMAT.read(&reader, &err);
	MUST(code == WH_OK || code == WH_E_LIMIT || code == WH_E_NOMEM);
	MUST(arena.total <= arena.limit);
	wh_arena_release(&arena);
	return 0;
}
