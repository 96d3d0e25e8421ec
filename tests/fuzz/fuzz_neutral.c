/* SPDX-License-Identifier: Apache-2.0 */
/* One neutral record: what decodes is written, and what was written decodes to the same text. */
#include <string.h>

#include "base/json.h"
#include "format/stack/neutral.h"
#include "target.h"

static int append(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static void encode(const struct wh_observation *o, struct wh_str *out)
{
	struct wh_json_writer writer;
	struct wh_err err;
	wh_json_writer_init(&writer, (struct wh_sink){ append, out }, true);
	wh_emit_object(&writer.emit, NULL);
	wh_stack_encode(o, &writer.emit);
	wh_emit_end(&writer.emit);
	MUST(wh_emit_close(&writer.emit, &err) == WH_OK);
	wh_json_writer_release(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wh_arena arena, arena2;
	struct wh_observation o, again;
	struct wh_err err = { 0 };
	struct wh_str first = { 0 }, second = { 0 };
	wh_arena_init(&arena, (size_t)16 << 20);
	wh_arena_init(&arena2, (size_t)64 << 20);
	if (wh_stack_decode((struct wh_bytes){ (const char *)data, size }, &arena, &o, &err) == WH_OK) {
		encode(&o, &first);
		MUST(wh_stack_decode((struct wh_bytes){ first.data, first.n }, &arena2, &again, &err) == WH_OK);
		encode(&again, &second);
		MUST(first.n == second.n && !memcmp(first.data, second.data, first.n));
	} else {
		MUST(err.code != WH_OK && *err.message);
	}
	wh_arena_release(&arena);
	wh_arena_release(&arena2);
	wh_str_release(&first);
	wh_str_release(&second);
	return 0;
}
