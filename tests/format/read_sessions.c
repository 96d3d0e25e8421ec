/* SPDX-License-Identifier: Apache-2.0 */
/* read_sessions [--format NAME] [--reading NAME=VALUE]… [--count] FILE…: the neutral JSON line of every session that the readers find; skips and
 * what readers say go to stderr. --count: instead of lines, how many sessions, metrics, changes and bytes as packed. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/input.h"
#include "base/json.h"
#include "format/format.h"
#include "format/session/list.h"
#include "format/session/neutral.h"
#include "format/session/reading.h"

struct reading {
	const char *path;
	bool count;
	size_t sessions, metrics, changes, packed, skips;
};

static int print(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return fwrite(data, 1, n, stdout) == n ? WH_OK : wh_err_set(err, WH_E_IO, "cannot write");
}

static int count(struct reading *r, const struct wh_session *session)
{
	struct wh_str packed = { 0 };
	r->sessions++;
	r->metrics += session->n_metrics;
	for (size_t i = 0; i < session->n_metrics; i++)
		r->changes += session->metrics[i].n_changes;
	wh_session_pack(session, &packed);
	r->packed += packed.n;
	wh_str_release(&packed);
	return WH_OK;
}

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct wh_json_writer writer;
	struct reading *r = user;
	if (r->count)
		return count(r, o->body);
	wh_json_writer_init(&writer, (struct wh_sink){ print, NULL }, true);
	wh_emit_object(&writer.emit, NULL);
	wh_emit_string(&writer.emit, "id", o->id);
	if (o->has_time)
		wh_emit_time(&writer.emit, "time", o->time_ns);
	wh_emit_string(&writer.emit, "label", o->label);
	int code = wh_session_encode(o, &writer.emit, err);
	wh_emit_end(&writer.emit);
	int closed = wh_emit_close(&writer.emit, err);
	wh_json_writer_release(&writer);
	return code == WH_OK ? closed : code;
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct reading *r = user;
	(void)err;
	r->skips++;
	fprintf(stderr, "%s: line %zu: %s\n", r->path, line, why);
	return WH_OK;
}

static void say(void *user, const char *text)
{
	fprintf(stderr, "%s: %s\n", ((struct reading *)user)->path, text);
}

static int read_file(struct reading *r, const char *forced, void *context, struct wh_err *err)
{
	struct wh_input input;
	struct wh_arena arena;
	WH_TRY(wh_input_open(&input, r->path, err));
	wh_arena_init(&arena, (size_t)64 << 20);
	const struct wh_format *format = forced ? wh_format_find(wh_session_formats, forced)
						: wh_format_detect(wh_session_formats, input.text, input.size);
	int code = WH_OK;
	if (format) {
		struct wh_reader reader = { .name = r->path, .text = input.text, .size = input.size, .first_line = 1, .arena = &arena, .describe = true,
					    .take = take, .skip = skip, .say = say, .user = r, .context = context, .format = format };
		code = format->read(&reader, err);
	} else {
		fprintf(stderr, "%s: no reader knows this format\n", r->path);
	}
	wh_arena_release(&arena);
	wh_input_release(&input);
	return code;
}

int main(int argc, char **argv)
{
	const char *forced = NULL;
	struct wh_values reading;
	struct reading r = { 0 };
	struct wh_err err = { 0 };
	void *context = NULL;
	int first = 1, failed = 0;
	if (wh_values_init(&reading, wh_session_reading, &err) != WH_OK)
		return 1;
	for (; first < argc && !strncmp(argv[first], "--", 2); first++) {
		char *value = first + 1 < argc ? strchr(argv[first + 1], '=') : NULL;
		if (!strcmp(argv[first], "--count")) {
			r.count = true;
		} else if (!strcmp(argv[first], "--format") && first + 1 < argc) {
			forced = argv[++first];
		} else if (!strcmp(argv[first], "--reading") && value) {
			*value = 0;
			failed |= wh_values_set(&reading, argv[++first], value + 1, &err) != WH_OK;
		}
	}
	failed |= failed || wh_session_open_reading(&reading, &context, &err) != WH_OK;
	if (failed)
		fprintf(stderr, "%s\n", err.message);
	for (int i = first; i < argc && !failed; i++) {
		r.path = argv[i];
		if (read_file(&r, forced, context, &err) != WH_OK) {
			fprintf(stderr, "%s: %s\n", argv[i], err.message);
			failed = 1;
		}
	}
	if (r.count)
		printf("%zu sessions, %zu metrics, %zu changes, %zu bytes packed, %zu skips\n", r.sessions, r.metrics, r.changes, r.packed, r.skips);
	wh_session_close_reading(context);
	wh_values_release(&reading);
	return failed;
}
