/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/report.h"

#include "format/format.h"
#include "format/stack/crash_type.h"

enum {
	BEFORE = 64 * 1024, /* bytes before a report that may belong to it */
	BEHIND = 1 << 20,   /* bytes of a report that tell what it is */
};

void wh_stack_message(struct wh_stack_builder *b, const char *name, struct wh_span value)
{
	if (wh_span_size(value) > WH_MESSAGE_LONGEST)
		value.end = value.p + WH_MESSAGE_LONGEST;
	const char *nl = wh_span_size(value) ? memchr(value.p, '\n', wh_span_size(value)) : NULL;
	if (nl)
		value.end = nl;
	value = wh_scan_trim(value);
	wh_stack_builder_attribute(b, name, value.p, wh_span_size(value));
}

/* The lines that tell of the report; both ends are moved to where lines begin if they have to be cut. */
static struct wh_span own_text(const struct wh_reader *reader, const char *at, const char *end)
{
	const char *told = reader->told ? reader->told : reader->text;
	struct wh_span text = { told < at ? told : at, end };
	if (at - text.p > BEFORE) {
		const char *nl = memchr(at - BEFORE, '\n', BEFORE);
		text.p = nl ? nl + 1 : at;
	}
	if (end - at > BEHIND) {
		const char *nl = memrchr(at, '\n', BEHIND);
		text.end = nl ? nl : at + BEHIND;
	}
	return text;
}

static int describe(struct wh_reader *reader, struct wh_stack_builder *b, const char *at, const char *end, struct wh_err *err)
{
	struct wh_stack *stack = &b->stack;
	if (end)
		WH_TRY(wh_crash_describe(own_text(reader, at, end), b, err));
	if (!stack->crash_type || (stack->crash_state && strcmp(stack->crash_state, "NULL") != 0))
		return WH_OK;
	const char *state; /* frames of a form that no tracker knows */
	WH_TRY(wh_crash_state_of_frames(stack, reader->arena, &state, err));
	if (state)
		stack->crash_state = state;
	return WH_OK;
}

int wh_stack_emit(struct wh_reader *reader, struct wh_stack_builder *b, const char *at, const char *end, struct wh_err *err)
{
	struct wh_err why;
	int code = b->failed ? wh_arena_error(b->arena, &why) : reader->describe ? describe(reader, b, at, end, &why) : WH_OK;
	if (end)
		reader->told = end;
	if (code == WH_OK)
		return wh_reader_emit(reader, wh_stack_builder_finish(b), err);
	if (code == WH_E_LIMIT)
		return wh_reader_skip(reader, at, err, "report too large: %s", why.message);
	return wh_err_set(err, code, "%s", why.message);
}
