/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/corpus.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/input.h"
#include "base/json.h"

void corpus_init(struct corpus *c)
{
	*c = (struct corpus){ 0 };
	wh_strtab_init(&c->names, SIZE_MAX);
	wh_strtab_init(&c->families, SIZE_MAX);
	wh_strtab_init(&c->labels, SIZE_MAX);
	wh_strtab_init(&c->bodies, SIZE_MAX);
	wh_arena_init(&c->arena, SIZE_MAX);
}

void corpus_release(struct corpus *c)
{
	wh_strtab_release(&c->names);
	wh_strtab_release(&c->families);
	wh_strtab_release(&c->labels);
	wh_strtab_release(&c->bodies);
	wh_arena_release(&c->arena);
	wh_vec_release(&c->symbols);
	wh_vec_release(&c->frames);
	wh_vec_release(&c->stacks);
	wh_vec_release(&c->reports);
	wh_vec_release(&c->ends);
}

static int out_of_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* `gtk_widget_show` and `nsThread::Run` belong to gtk and ns: the letters up to the first mark or change of case. */
static size_t family_length(const char *name)
{
	size_t n = 0;
	while (name[n] && strchr("?_~", name[n]))
		n++;
	while (isalnum((unsigned char)name[n]) && !(n && islower((unsigned char)name[n - 1]) && isupper((unsigned char)name[n])))
		n++;
	return n;
}

static int add_frame(struct corpus *c, struct json_object *frame, struct wh_err *err)
{
	bool text = json_object_is_type(frame, json_type_string);
	const char *function = text ? json_object_get_string(frame) : wh_json_string(frame, "function");
	const char *module = text ? NULL : wh_json_string(frame, "module");
	const char *slash = module ? strrchr(module, '/') : NULL, *base = slash ? slash + 1 : module;
	bool unknown = !function;
	char unnamed[256];
	if (unknown) {
		snprintf(unnamed, sizeof unnamed, "?%s", base ? base : "");
		function = unnamed;
	}
	uint32_t symbol = wh_strtab_add(&c->names, function, strlen(function));
	if (symbol == WH_STRTAB_NONE)
		return out_of_memory(err);
	if (symbol == c->symbols.n) {
		struct symbol fresh = { .unknown = unknown };
		fresh.family = wh_strtab_add(&c->families, function, family_length(function));
		fresh.module = module ? wh_arena_strdup(&c->arena, module) : NULL;
		if (fresh.family == WH_STRTAB_NONE || (module && !fresh.module) || wh_vec_push(&c->symbols, fresh))
			return out_of_memory(err);
	}
	return wh_vec_push(&c->frames, symbol) ? out_of_memory(err) : WH_OK;
}

static int add_report(struct corpus *c, struct json_object *record, struct wh_err *err)
{
	struct json_object *frames = wh_json_array(record, "frames");
	const char *label = wh_json_string(record, "label");
	size_t n = frames ? json_object_array_length(frames) : 0, first = c->frames.n;
	struct report report = { UINT32_MAX, 0 };
	if (!n) {
		c->empty++;
		return WH_OK;
	}
	for (size_t i = 0; i < n; i++)
		WH_TRY(add_frame(c, json_object_array_get_idx(frames, i), err));
	if (label && *label) {
		const char *own = wh_arena_printf(&c->arena, "%zu:%s", c->ends.n, label);
		report.label = own ? wh_strtab_add(&c->labels, own, strlen(own)) : WH_STRTAB_NONE;
		if (report.label == WH_STRTAB_NONE)
			return out_of_memory(err);
	}
	report.stack = wh_strtab_add(&c->bodies, (const char *)(c->frames.data + first), n * sizeof *c->frames.data);
	if (report.stack == WH_STRTAB_NONE || wh_vec_push(&c->reports, report))
		return out_of_memory(err);
	if (report.stack < c->stacks.n)
		c->frames.n = first; /* known */
	else if (wh_vec_push(&c->stacks, ((struct stack){ (uint32_t)first, (uint32_t)n, report.label, 0 })))
		return out_of_memory(err);
	c->stacks.data[report.stack].hits++;
	return WH_OK;
}

int corpus_read(struct corpus *c, const char *path, size_t most, struct wh_err *err)
{
	struct wh_input input;
	WH_TRY(wh_input_open(&input, path, err));
	struct json_tokener *parser = wh_json_parser_new();
	int code = parser ? WH_OK : out_of_memory(err);
	const char *p = input.text, *end = p + input.size;
	for (size_t line = 1; code == WH_OK && p < end && (!most || line <= most); line++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		struct json_object *record = NULL;
		code = wh_json_parse_with(parser, (struct wh_bytes){ p, (size_t)(stop - p) }, &record, err);
		if (code == WH_OK)
			code = add_report(c, record, err);
		json_object_put(record);
		if (code != WH_OK)
			wh_err_wrap(err, code, "%s: line %zu", path, line);
		p = stop + 1;
	}
	if (parser)
		json_tokener_free(parser);
	wh_input_release(&input);
	if (code == WH_OK && wh_vec_push(&c->ends, c->reports.n))
		code = out_of_memory(err);
	return code;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

int corpus_count(struct corpus *c, double share, struct wh_err *err)
{
	uint32_t *local = calloc(c->symbols.n + 1, sizeof *local);
	bool *seen = calloc(c->stacks.n + 1, sizeof *seen);
	struct WH_VEC(uint32_t) sorted = { 0 };
	int code = local && seen ? WH_OK : out_of_memory(err);
	for (size_t file = 0, r = 0; code == WH_OK && file < c->ends.n; file++) {
		size_t distinct = 0;
		memset(local, 0, c->symbols.n * sizeof *local);
		for (; code == WH_OK && r < c->ends.data[file]; r++) {
			uint32_t s = c->reports.data[r].stack;
			const struct stack *stack = &c->stacks.data[s];
			if (seen[s])
				continue;
			seen[s] = true;
			distinct++;
			if (wh_vec_reserve(&sorted, stack->n)) {
				code = out_of_memory(err);
				break;
			}
			memcpy(sorted.data, c->frames.data + stack->first, stack->n * sizeof *sorted.data);
			qsort(sorted.data, stack->n, sizeof *sorted.data, by_number);
			for (uint32_t i = 0; i < stack->n; i++)
				if (!i || sorted.data[i] != sorted.data[i - 1])
					local[sorted.data[i]]++;
		}
		for (size_t s = 0; s < c->symbols.n; s++) {
			c->symbols.data[s].df += local[s];
			c->symbols.data[s].common |= local[s] >= 4 && local[s] >= share * (double)distinct;
		}
	}
	wh_vec_release(&sorted);
	free(local);
	free(seen);
	return code;
}
