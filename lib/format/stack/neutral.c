/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/neutral.h"

#include <string.h>

#include <whorl/format.h>

#include "base/json.h"
#include "base/time.h"
#include "format/scan.h"
#include "format/stack/list.h"

/* ---- writing ---- */

static void hex(struct wh_emit *e, const char *key, bool has, uint64_t value)
{
	if (has)
		wh_emit_format(e, key, "0x%llx", (unsigned long long)value);
}

static void flag(struct wh_emit *e, const char *key, bool set)
{
	if (set)
		wh_emit_boolean(e, key, true);
}

void wh_stack_encode_frame(const struct wh_frame *frame, struct wh_emit *e)
{
	wh_emit_object(e, NULL);
	wh_emit_string(e, "function", frame->function);
	wh_emit_string(e, "module", frame->module);
	wh_emit_string(e, "module_version", frame->module_version);
	wh_emit_string(e, "build_id", frame->build_id);
	hex(e, "offset", frame->has_offset, frame->offset);
	wh_emit_string(e, "file", frame->file);
	if (frame->line)
		wh_emit_integer(e, "line", frame->line);
	hex(e, "address", frame->has_address, frame->address);
	flag(e, "inlined", frame->inlined);
	flag(e, "unreliable", frame->unreliable);
	flag(e, "handler", frame->handler);
	wh_emit_string(e, "trust", frame->trust);
	wh_emit_end(e);
}

static void encode_frames(const struct wh_frame *frames, size_t n, struct wh_emit *e)
{
	wh_emit_array(e, "frames");
	for (size_t i = 0; i < n; i++)
		wh_stack_encode_frame(&frames[i], e);
	wh_emit_end(e);
}

void wh_stack_encode(const struct wh_observation *o, struct wh_emit *e)
{
	const struct wh_stack *stack = o->body;
	for (size_t i = 0; i < o->n_attributes; i++)
		wh_emit_string(e, o->attributes[i].name, o->attributes[i].value);
	wh_emit_string(e, "format", o->format);
	wh_emit_string(e, "thread", stack->thread);
	wh_emit_string(e, "crash_type", stack->crash_type);
	wh_emit_string(e, "crash_state", stack->crash_state);
	encode_frames(stack->frames, stack->n_frames, e);
	if (!stack->n_threads)
		return;
	wh_emit_array(e, "threads");
	for (size_t i = 0; i < stack->n_threads; i++) {
		wh_emit_object(e, NULL);
		wh_emit_string(e, "thread", stack->threads[i].name);
		encode_frames(stack->threads[i].frames, stack->threads[i].n_frames, e);
		wh_emit_end(e);
	}
	wh_emit_end(e);
}

/* ---- reading ---- */

/* A member's string, copied; NULL where there is none. */
static const char *copy(struct wh_stack_builder *b, struct json_object *object, const char *name)
{
	const char *text = wh_json_string(object, name);
	return text && *text ? wh_stack_builder_copy(b, text, strlen(text)) : NULL;
}

/* The word as it is known; what else others may write says nothing to us. */
static const char *trust(const char *text)
{
	static const char *const words[] = { "context", "cfi", "frame_pointer", "cfi_scan", "scan", "inline", "prewalked" };
	for (size_t i = 0; text && i < sizeof words / sizeof *words; i++)
		if (!strcmp(text, words[i]))
			return words[i];
	return NULL;
}

static void decode_frame(struct wh_stack_builder *b, struct json_object *object)
{
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return;
	uint64_t line = 0;
	/* one walk over the members instead of a look-up for each name we know */
	json_object_object_foreach(object, key, value)
	{
		const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
		const char **where = !strcmp(key, "function")         ? &frame->function
				     : !strcmp(key, "module")         ? &frame->module
				     : !strcmp(key, "file")           ? &frame->file
				     : !strcmp(key, "module_version") ? &frame->module_version
				     : !strcmp(key, "build_id")       ? &frame->build_id
								      : NULL;
		if (where) {
			if (text && *text)
				*where = wh_stack_builder_copy(b, text, (size_t)json_object_get_string_len(value));
		} else if (!strcmp(key, "trust")) {
			frame->trust = trust(text);
		} else if (!strcmp(key, "line")) {
			frame->line = wh_json_value_u64(value, &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
		} else if (!strcmp(key, "offset")) {
			frame->has_offset = wh_json_value_u64(value, &frame->offset);
		} else if (!strcmp(key, "address")) {
			frame->has_address = wh_json_value_u64(value, &frame->address);
		} else if (json_object_is_type(value, json_type_boolean)) {
			bool set = json_object_get_boolean(value);
			frame->inlined |= set && !strcmp(key, "inlined");
			frame->unreliable |= set && !strcmp(key, "unreliable");
			frame->handler |= set && !strcmp(key, "handler");
		}
	}
}

static int decode_time(struct wh_observation *o, struct json_object *value, struct wh_err *err)
{
	const char *text = json_object_get_string(value); /* a number as text, too */
	if (wh_time_parse(text, strlen(text), &o->time_ns))
		return wh_err_set(err, WH_E_FORMAT, "\"time\" is neither ISO 8601 nor a number: %.60s", text);
	o->has_time = true;
	return WH_OK;
}

static int decode_member(struct wh_stack_builder *b, struct json_object *object, const char *key, struct json_object *value,
			 struct wh_err *err)
{
	struct wh_observation *o = &b->observation;
	json_type type = json_object_get_type(value);
	if (!strcmp(key, "frames") || type == json_type_null)
		return WH_OK;
	if (!strcmp(key, "time") && (type == json_type_string || type == json_type_int))
		return decode_time(o, value, err);
	if (!strcmp(key, "label"))
		o->label = copy(b, object, key);
	else if (!strcmp(key, "format"))
		o->format = copy(b, object, key);
	else if (!strcmp(key, "thread"))
		b->stack.thread = copy(b, object, key);
	else if (!strcmp(key, "crash_type"))
		b->stack.crash_type = copy(b, object, key);
	else if (!strcmp(key, "crash_state"))
		b->stack.crash_state = copy(b, object, key);
	else if (!strcmp(key, "id"))
		o->id = wh_stack_builder_copy(b, json_object_get_string(value), strlen(json_object_get_string(value)));
	else if (type == json_type_string || type == json_type_int || type == json_type_double || type == json_type_boolean) {
		const char *name = wh_stack_builder_copy(b, key, strlen(key));
		const char *text = json_object_get_string(value);
		if (name)
			wh_stack_builder_attribute(b, name, text, strlen(text));
	}
	return WH_OK;
}

static int decode_frames(struct wh_stack_builder *b, struct json_object *frames, struct wh_err *err)
{
	for (size_t i = 0, n = json_object_array_length(frames); i < n; i++) {
		struct json_object *frame = json_object_array_get_idx(frames, i);
		if (!json_object_is_type(frame, json_type_object))
			return wh_err_set(err, WH_E_FORMAT, "frame %zu is not an object", i);
		decode_frame(b, frame);
	}
	return WH_OK;
}

/* The other threads; other tools keep something else under that name, which is passed over. */
static int decode_threads(struct wh_stack_builder *b, struct json_object *threads, struct wh_err *err)
{
	for (size_t i = 0, n = threads ? json_object_array_length(threads) : 0; i < n; i++) {
		struct json_object *thread = json_object_array_get_idx(threads, i);
		struct json_object *frames = json_object_is_type(thread, json_type_object) ? wh_json_array(thread, "frames") : NULL;
		if (!frames)
			continue;
		WH_TRY(decode_frames(b, frames, err));
		wh_stack_builder_thread(b, wh_json_string(thread, "thread"));
	}
	return WH_OK;
}

static int decode_object(struct json_object *object, struct wh_stack_builder *b, struct wh_err *err)
{
	struct json_object *frames = wh_json_array(object, "frames");
	if (!frames)
		return wh_err_set(err, WH_E_FORMAT, "no array \"frames\"");
	json_object_object_foreach(object, key, value)
		WH_TRY(decode_member(b, object, key, value, err));
	WH_TRY(decode_threads(b, wh_json_array(object, "threads"), err));
	WH_TRY(decode_frames(b, frames, err));
	return b->failed ? wh_arena_error(b->arena, err) : WH_OK;
}

int wh_stack_decode_with(struct json_tokener *parser, struct wh_bytes text, struct wh_arena *arena, struct wh_observation *o,
			 struct wh_err *err)
{
	struct json_object *object;
	WH_TRY(wh_json_parse_with(parser, text, &object, err));
	struct wh_stack_builder *b = wh_arena_alloc(arena, sizeof *b);
	int code = b ? WH_OK : wh_arena_error(arena, err);
	if (code == WH_OK) {
		wh_stack_builder_init(b, arena);
		code = decode_object(object, b, err);
	}
	if (code == WH_OK)
		*o = *wh_stack_builder_finish(b);
	json_object_put(object);
	return code;
}

int wh_stack_decode(struct wh_bytes text, struct wh_arena *arena, struct wh_observation *o, struct wh_err *err)
{
	struct json_tokener *parser = wh_json_parser_new();
	if (!parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int code = wh_stack_decode_with(parser, text, arena, o, err);
	json_tokener_free(parser);
	return code;
}

/* Whether line is an object whose frames lie deeper: other tools call theirs the same. */
static bool is_of_others(struct wh_span line)
{
	struct json_object *object;
	if (wh_json_parse((struct wh_bytes){ line.p, wh_span_size(line) }, &object, NULL) != WH_OK)
		return false; /* bad, or cut off */
	bool others = !wh_json_array(object, "frames");
	json_object_put(object);
	return others;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line;
	while (wh_scan_line(&all, &line)) {
		line = wh_scan_trim(line);
		if (line.p == line.end)
			continue;
		/* one object a line; the name `frames` may lie beyond what we were given */
		if (*line.p != '{' || !wh_scan_find(line, "\"frames\"") || is_of_others(line))
			return 0;
		return wh_scan_find(line, "\"id\"") ? 95 : 60;
	}
	return 0;
}

static int read_lines(struct wh_reader *reader, struct wh_err *err)
{
	struct json_tokener *parser = wh_json_parser_new();
	if (!parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	int code = WH_OK;
	while (code == WH_OK && wh_scan_line(&all, &line)) {
		struct wh_observation o;
		struct wh_err why;
		struct wh_span trimmed = wh_scan_trim(line);
		if (trimmed.p == trimmed.end)
			continue;
		struct wh_bytes text = { trimmed.p, wh_span_size(trimmed) };
		int bad = wh_stack_decode_with(parser, text, reader->arena, &o, &why);
		if (bad == WH_OK)
			code = wh_reader_emit(reader, &o, err);
		else if (bad == WH_E_NOMEM)
			code = wh_err_set(err, bad, "%s", why.message);
		else
			code = wh_reader_skip(reader, line.p, err, "%s", why.message);
	}
	json_tokener_free(parser);
	return code;
}

const struct wh_format wh_format_stack_neutral = {
	.name = "neutral",
	.summary = "whorl's own JSON lines",
	.reference = "docs/format/stacks.md",
	.lines = true,
	.detect = detect,
	.read = read_lines,
};
