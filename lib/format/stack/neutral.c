/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/neutral.h"

#include <stddef.h>
#include <string.h>

#include <whorl/format.h>

#include "base/json_scan.h"
#include "base/time.h"
#include "format/format.h"
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

/* A string's text, copied; NULL where there is none. What follows a NUL is not text. */
static const char *copy(struct wh_stack_builder *b, const struct wh_json_value *value)
{
	size_t n = value->kind == WH_JSON_STRING ? strnlen(value->data, value->size) : 0;
	return n ? wh_stack_builder_copy(b, value->data, n) : NULL;
}

/* The word as it is known; what else others may write says nothing to us. */
static const char *trust(const struct wh_json_value *value)
{
	static const char *const words[] = { "context", "cfi", "frame_pointer", "cfi_scan", "scan", "inline", "prewalked" };
	for (size_t i = 0; value->kind == WH_JSON_STRING && i < sizeof words / sizeof *words; i++)
		if (wh_json_scan_is(value, words[i]))
			return words[i];
	return NULL;
}

static void decode_frame_member(struct wh_stack_builder *b, struct wh_frame *frame, const struct wh_json_value *key, const struct wh_json_value *value)
{
	static const struct {
		const char *name;
		size_t at;
	} strings[] = {
		{ "function", offsetof(struct wh_frame, function) },
		{ "module", offsetof(struct wh_frame, module) },
		{ "file", offsetof(struct wh_frame, file) },
		{ "module_version", offsetof(struct wh_frame, module_version) },
		{ "build_id", offsetof(struct wh_frame, build_id) },
	};
	uint64_t line = 0;
	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		if (wh_json_scan_is(key, strings[i].name)) {
			*(const char **)((char *)frame + strings[i].at) = copy(b, value);
			return;
		}
	if (wh_json_scan_is(key, "trust"))
		frame->trust = trust(value);
	else if (wh_json_scan_is(key, "line"))
		frame->line = wh_json_scan_u64(value, &line) && line <= UINT32_MAX ? (uint32_t)line : 0;
	else if (wh_json_scan_is(key, "offset"))
		frame->has_offset = wh_json_scan_u64(value, &frame->offset);
	else if (wh_json_scan_is(key, "address"))
		frame->has_address = wh_json_scan_u64(value, &frame->address);
	else if (wh_json_scan_is(key, "inlined"))
		frame->inlined = value->kind == WH_JSON_TRUE;
	else if (wh_json_scan_is(key, "unreliable"))
		frame->unreliable = value->kind == WH_JSON_TRUE;
	else if (wh_json_scan_is(key, "handler"))
		frame->handler = value->kind == WH_JSON_TRUE;
}

static int decode_frames(struct wh_json_scan *s, struct wh_stack_builder *b, struct wh_err *err)
{
	struct wh_json_value key, value;
	for (size_t i = 0; wh_json_scan_element(s); i++) {
		if (!wh_json_scan_value(s, &value))
			break;
		if (value.kind != WH_JSON_OBJECT)
			return wh_err_set(err, WH_E_FORMAT, "frame %zu is not an object", i);
		struct wh_frame *frame = wh_stack_builder_frame(b);
		while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
			if (frame)
				decode_frame_member(b, frame, &key, &value);
			wh_json_scan_skip(s, &value);
		}
	}
	return WH_OK;
}

/* The other threads, in stead of the stack that b holds; other tools keep something else under that name, which is passed over. */
static int decode_thread_members(struct wh_json_scan *s, struct wh_stack_builder *b, struct wh_err *err)
{
	struct wh_json_value thread, key, value;
	while (wh_json_scan_element(s) && wh_json_scan_value(s, &thread)) {
		const char *name = NULL;
		bool frames = false;
		while (thread.kind == WH_JSON_OBJECT && wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
			if (value.kind == WH_JSON_ARRAY && !frames && wh_json_scan_is(&key, "frames")) {
				frames = true;
				WH_TRY(decode_frames(s, b, err));
				continue;
			}
			if (wh_json_scan_is(&key, "thread"))
				name = copy(b, &value);
			wh_json_scan_skip(s, &value);
		}
		if (frames)
			wh_stack_builder_thread(b, name);
		else if (thread.kind != WH_JSON_OBJECT)
			wh_json_scan_skip(s, &thread);
	}
	return WH_OK;
}

static int decode_threads(struct wh_json_scan *s, struct wh_stack_builder *b, struct wh_err *err)
{
	struct wh_frame *frames = b->stack.frames;
	size_t n_frames = b->stack.n_frames, cap = b->cap;
	b->stack.frames = NULL;
	b->stack.n_frames = b->cap = b->stack.n_threads = 0;
	int code = decode_thread_members(s, b, err);
	b->stack.frames = frames;
	b->stack.n_frames = n_frames;
	b->cap = cap;
	return code;
}

static int decode_time(struct wh_observation *o, const struct wh_json_value *value, struct wh_err *err)
{
	if (wh_time_parse(value->data, value->size, &o->time_ns))
		return wh_err_set(err, WH_E_FORMAT, "\"time\" is neither ISO 8601 nor a number: %.*s",
				  (int)(value->size < 60 ? value->size : 60), value->data);
	o->has_time = true;
	return WH_OK;
}

/* Anything else that is said of a report is an attribute, in the words in which it stands there. */
static void decode_attribute(struct wh_stack_builder *b, const struct wh_json_value *key, const struct wh_json_value *value)
{
	struct wh_json_value text = *value;
	if (value->kind == WH_JSON_TRUE || value->kind == WH_JSON_FALSE)
		text.data = value->kind == WH_JSON_TRUE ? "true" : "false", text.size = strlen(text.data);
	else if (value->kind != WH_JSON_STRING && value->kind != WH_JSON_NUMBER)
		return;
	const char *name = wh_stack_builder_copy(b, key->data, strnlen(key->data, key->size));
	if (name)
		wh_stack_builder_attribute(b, name, text.data, strnlen(text.data, text.size));
}

static int decode_member(struct wh_stack_builder *b, const struct wh_json_value *key, const struct wh_json_value *value, struct wh_err *err)
{
	struct wh_observation *o = &b->observation;
	bool text = value->kind == WH_JSON_STRING;
	if (value->kind == WH_JSON_NULL)
		return WH_OK;
	if (wh_json_scan_is(key, "time") && (text || value->kind == WH_JSON_NUMBER))
		return decode_time(o, value, err);
	if (wh_json_scan_is(key, "label"))
		o->label = copy(b, value);
	else if (wh_json_scan_is(key, "format"))
		o->format = copy(b, value);
	else if (wh_json_scan_is(key, "thread"))
		b->stack.thread = copy(b, value);
	else if (wh_json_scan_is(key, "crash_type"))
		b->stack.crash_type = copy(b, value);
	else if (wh_json_scan_is(key, "crash_state"))
		b->stack.crash_state = copy(b, value);
	else if (wh_json_scan_is(key, "id"))
		o->id = text || value->kind == WH_JSON_NUMBER ? wh_stack_builder_copy(b, value->data, strnlen(value->data, value->size)) : NULL;
	else
		decode_attribute(b, key, value);
	return WH_OK;
}

static int decode_object(struct wh_json_scan *s, struct wh_stack_builder *b, struct wh_err *err)
{
	struct wh_json_value key, value;
	bool frames = false;
	while (wh_json_scan_member(s, &key) && wh_json_scan_value(s, &value)) {
		if (wh_json_scan_is(&key, "frames")) {
			frames = value.kind == WH_JSON_ARRAY;
			b->stack.n_frames = 0; /* of two members of one name the last counts */
			if (frames) {
				WH_TRY(decode_frames(s, b, err));
				continue;
			}
		} else if (value.kind == WH_JSON_ARRAY && wh_json_scan_is(&key, "threads")) {
			WH_TRY(decode_threads(s, b, err));
			continue;
		} else {
			WH_TRY(decode_member(b, &key, &value, err));
		}
		wh_json_scan_skip(s, &value);
	}
	WH_TRY(wh_json_scan_finish(s, err));
	return frames ? WH_OK : wh_err_set(err, WH_E_FORMAT, "no array \"frames\"");
}

int wh_stack_decode(struct wh_bytes text, struct wh_arena *arena, struct wh_observation *o, struct wh_err *err)
{
	struct wh_stack_builder *b = wh_arena_alloc(arena, sizeof *b);
	struct wh_json_scan s;
	struct wh_json_value value;
	if (!b)
		return wh_arena_error(arena, err);
	wh_stack_builder_init(b, arena);
	wh_json_scan_init(&s, text, arena);
	if (!wh_json_scan_value(&s, &value))
		return wh_json_scan_finish(&s, err);
	if (value.kind != WH_JSON_OBJECT)
		return wh_err_set(err, WH_E_FORMAT, "not a JSON object");
	WH_TRY(decode_object(&s, b, err));
	if (b->failed)
		return wh_arena_error(arena, err);
	*o = *wh_stack_builder_finish(b);
	return WH_OK;
}

/* Whether line is an object without frames of its own: other tools call theirs the same, deeper down. One that is cut off may have them. */
static bool is_of_others(struct wh_span line)
{
	struct wh_json_scan s;
	struct wh_json_value key, value;
	struct wh_arena arena; /* names with escapes */
	bool frames = false;
	wh_arena_init(&arena, WH_DETECT_SIZE);
	wh_json_scan_init(&s, (struct wh_bytes){ line.p, wh_span_size(line) }, &arena);
	if (wh_json_scan_value(&s, &value) && value.kind == WH_JSON_OBJECT)
		while (!frames && wh_json_scan_member(&s, &key) && wh_json_scan_value(&s, &value)) {
			frames = value.kind == WH_JSON_ARRAY && wh_json_scan_is(&key, "frames");
			wh_json_scan_skip(&s, &value);
		}
	bool others = !frames && !s.why;
	wh_arena_release(&arena);
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
	return wh_reader_records(reader, wh_stack_decode, err);
}

const struct wh_format wh_format_stack_neutral = {
	.name = "neutral",
	.summary = "whorl's own JSON lines",
	.reference = "docs/format/stacks.md",
	.lines = true,
	.detect = detect,
	.read = read_lines,
};
