/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/frame_line.h"

#include "format/stack/gdb_frame.h"
#include "format/stack/sanitizer_frame.h"

#define SPAN_IN(from, to) ((struct wh_span){ (from), (to) })

static const char *copy(struct wh_stack_builder *b, struct wh_span text)
{
	return text.p < text.end ? wh_stack_builder_copy(b, text.p, wh_span_size(text)) : NULL;
}

static const char *copy_dotted(struct wh_stack_builder *b, struct wh_span path)
{
	char *name = path.p < path.end ? wh_arena_strndup(b->arena, path.p, wh_span_size(path)) : NULL;
	b->failed |= path.p < path.end && !name;
	for (char *p = name; p && *p; p++)
		if (*p == '/' || *p == '\\')
			*p = '.';
	return name;
}

struct wh_frame *wh_frame_text_add(const struct wh_frame_text *text, struct wh_stack_builder *b)
{
	struct wh_frame *frame = wh_stack_builder_frame(b);
	if (!frame)
		return NULL;
	frame->function = copy(b, text->function);
	frame->module = text->dotted ? copy_dotted(b, text->module) : copy(b, text->module);
	frame->module_version = copy(b, text->version);
	frame->build_id = copy(b, text->build_id);
	frame->file = copy(b, text->file);
	frame->line = text->line;
	frame->offset = text->offset;
	frame->address = text->address;
	frame->has_offset = text->has_offset;
	frame->has_address = text->has_address;
	frame->handler = text->handler;
	return b->failed ? NULL : frame;
}

/* Digits at the end of text, behind a `:`; takes both off. */
static bool take_number(struct wh_span *text, uint32_t *value)
{
	const char *p = text->end;
	uint64_t number;
	while (p > text->p && p[-1] >= '0' && p[-1] <= '9')
		p--;
	struct wh_span digits = { p, text->end };
	if (p - text->p < 2 || p[-1] != ':' || !wh_scan_decimal(&digits, &number))
		return false;
	text->end = p - 1;
	*value = number <= UINT32_MAX ? (uint32_t)number : 0;
	return true;
}

void wh_location_split(struct wh_span text, struct wh_span *path, uint32_t *line)
{
	uint32_t last = 0, before = 0;
	*line = 0;
	if (take_number(&text, &last))
		*line = take_number(&text, &before) ? before : last;
	*path = text;
}

const char *wh_last_parenthesis(struct wh_span s)
{
	size_t depth = 0;
	if (s.p == s.end || s.end[-1] != ')')
		return NULL;
	for (const char *p = s.end; p > s.p;) {
		p--;
		if (*p == ')')
			depth++;
		else if (*p == '(' && --depth == 0)
			return p;
	}
	return NULL;
}

static bool usable(struct wh_span *line, struct wh_frame_text *frame)
{
	*frame = (struct wh_frame_text){ 0 };
	*line = wh_scan_trim(*line);
	return line->p < line->end && wh_span_size(*line) <= WH_FRAME_LINE_LONGEST;
}

/* ---- gdb and the sanitizers: their readers' own parsers, for a line that stands alone ---- */

bool wh_frame_line_gdb(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_gdb_frame gdb;
	uint64_t number;
	size_t blanks;
	if (!usable(&line, frame) || !wh_gdb_frame_number(&line, &number, &blanks) ||
	    wh_gdb_frame_parse(line, &gdb) == WH_GDB_NONE)
		return false;
	*frame = (struct wh_frame_text){
		.function = gdb.function, .module = gdb.module, .file = gdb.file, .line = gdb.line,
		.address = gdb.address, .has_address = gdb.has_address, .handler = gdb.handler,
	};
	return true;
}

bool wh_frame_line_sanitizer(struct wh_span line, struct wh_frame_text *frame)
{
	struct wh_frame_line said;
	if (!usable(&line, frame) || *line.p != '#' || !wh_frame_line_read(line, &said))
		return false;
	*frame = (struct wh_frame_text){
		.function = said.function, .module = said.module, .build_id = said.build_id, .file = said.file,
		.line = said.line, .offset = said.offset, .address = said.address, .has_offset = said.has_offset,
		.has_address = said.has_address,
	};
	return true;
}

/* ---- Lua ---- */

bool wh_frame_line_lua(struct wh_span line, struct wh_frame_text *frame)
{
	if (!usable(&line, frame))
		return false;
	const char *in = wh_scan_find(line, ": in ");
	if (!in)
		in = wh_scan_find(line, ": at ");
	if (!in)
		return false;
	struct wh_span name = { in + strlen(": in "), line.end };
	wh_location_split(SPAN_IN(line.p, in), &frame->file, &frame->line);
	if (wh_scan_has(frame->file, "[C]"))
		frame->file = SPAN_IN(NULL, NULL);
	static const char *const kinds[] = { "function ", "local ", "upvalue ", "method ", "field ", "global " };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (wh_scan_skip(&name, kinds[i]))
			break;
	if (wh_span_size(name) >= 2 && strchr("'<`", *name.p) && strchr("'>", name.end[-1]))
		name = SPAN_IN(name.p + 1, name.end - 1);
	if (wh_span_size(name) != 1 || *name.p != '?')
		frame->function = name;
	return true;
}
