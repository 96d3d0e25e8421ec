/* SPDX-License-Identifier: Apache-2.0 */
/* One session format's reader (-DFORMAT=wh_format_session_…): any text gives sessions that keep what lib/observation/session.h says of them, and that
 * can be written as neutral records, which read back to the same; memory stays under the arena's limit. */
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "format/format.h"
#include "format/session/list.h"
#include "format/session/neutral.h"
#include "format/session/reading.h"
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
	MUST(wh_session_encode(o, &writer.emit, &err) == WH_OK);
	wh_emit_end(&writer.emit);
	MUST(wh_emit_close(&writer.emit, &err) == WH_OK);
	wh_json_writer_release(&writer);
}

static void check(const struct wh_session *session)
{
	MUST(session->n_steps <= WH_SESSION_MOST_STEPS && (session->n_steps || !session->n_metrics));
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *metric = &session->metrics[i];
		double holds = 0;
		MUST(*metric->name && (!i || strcmp(session->metrics[i - 1].name, metric->name) < 0));
		for (size_t k = 0; k < metric->n_changes; k++) {
			double value = metric->changes[k].value;
			MUST(metric->changes[k].step < session->n_steps && (!k || metric->changes[k - 1].step < metric->changes[k].step));
			MUST(!isinf(value) && value != holds && !(isnan(value) && isnan(holds)));
			holds = value;
		}
	}
}

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	const struct wh_session *session = o->body;
	struct wh_observation again;
	struct wh_arena arena;
	struct wh_str text = { 0 }, first = { 0 }, second = { 0 };
	wh_str_printf(user, "%s:", o->id ? o->id : "");
	wh_session_pack(session, user);
	(void)err;
	MUST(session && o->format);
	check(session);
	for (size_t i = 0; i < o->n_attributes; i++)
		MUST(*o->attributes[i].name && *o->attributes[i].value);
	if (session->time_s && session->n_steps > 4096)
		return WH_OK; /* text of mere nulls */
	write_neutral(o, &text);
	wh_arena_init(&arena, (size_t)1 << 30);
	struct wh_err why = { 0 };
	int code = wh_session_decode((struct wh_bytes){ text.data, text.n }, &arena, &again, &why);
	if (code != WH_OK)
		fprintf(stderr, "%s: %.400s\n", why.message, text.data);
	MUST(code == WH_OK);
	wh_session_pack(session, &first);
	wh_session_pack(again.body, &second);
	MUST(first.n == second.n && !memcmp(first.data, second.data, first.n));
	wh_arena_release(&arena);
	wh_str_release(&text);
	wh_str_release(&first);
	wh_str_release(&second);
	return WH_OK;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	(void)user;
	(void)err;
	MUST(line > 0 && why && *why);
	return WH_OK;
}

/* What is read of a file does not depend on where it is cut. */
static void read_cut(const char *text, size_t size, struct wh_reader reader, const struct wh_str *whole)
{
	const char *end = text + size, *middle = FORMAT.cut(text, text + size / 2, end);
	struct wh_str pieces = { 0 };
	struct wh_err err;
	MUST(middle > text && middle <= end);
	reader.counted = reader.told = NULL;
	reader.user = &pieces;
	reader.start = text;
	reader.size = (size_t)(middle - text);
	int code = FORMAT.read(&reader, &err);
	reader.counted = reader.told = NULL;
	reader.text = middle;
	reader.size = (size_t)(end - middle);
	if (code == WH_OK && reader.size)
		code = FORMAT.read(&reader, &err);
	MUST(code == WH_OK);
	MUST(pieces.n == whole->n && (!whole->n || !memcmp(pieces.data, whole->data, whole->n)));
	wh_str_release(&pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	struct wh_session_reading reading = { .change_encoded = size & 1 };
	struct wh_arena arena;
	struct wh_err err = { 0 };
	struct wh_str read = { 0 };
	wh_arena_init(&arena, (size_t)64 << 20);
	struct wh_reader reader = { .user = &read, .describe = true, .name = "x", .text = text, .size = size, .first_line = 1, .arena = &arena, .take = take,
				    .skip = skip, .context = &reading, .format = &FORMAT };
	int sure = FORMAT.detect(text, size < WH_DETECT_SIZE ? size : WH_DETECT_SIZE);
	MUST(sure >= 0 && sure <= 100);
	int late = FORMAT.detect_late ? FORMAT.detect_late(text, size < WH_DETECT_SIZE ? size : WH_DETECT_SIZE, sure) : 0;
	MUST(late >= 0 && late <= 100);
	int code = FORMAT.read(&reader, &err);
	MUST(code == WH_OK || code == WH_E_LIMIT || code == WH_E_NOMEM);
	MUST(arena.total <= arena.limit);
	if (code == WH_OK && size && FORMAT.cut)
		read_cut(text, size, reader, &read);
	wh_str_release(&read);
	wh_arena_release(&arena);
	return 0;
}
