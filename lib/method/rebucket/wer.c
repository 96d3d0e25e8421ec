/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule-driven bucketing in the manner of Windows Error Reporting (Glerum et al., SOSP 2009, as ReBucket section III names its rules),
 * the baseline of the ReBucket paper. Two reports belong together when their keys are equal:
 *
 *   C12, C14  a known cause: the first rule of --causes whose frame is anywhere on the stack names the bucket
 *   L4, L7    else the faulting module and the offset in it: the `frames` top frames under the identity in force
 *             (--identity module-offset is the published rule; module-function and function are its symbolised kin)
 *
 * A causes file has a line `FRAME-GLOB NAME` for each known cause, in order of precedence; # begins a comment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/input.h"
#include "base/str.h"
#include "method/rebucket/methods.h"

struct cause {
	char *glob, *name;
};

struct wer {
	uint32_t frames;
	struct cause *causes; /* n, in the space's arena */
	size_t n;
};

static int add_cause(struct wh_stack_space *space, struct wer *p, const char *line, size_t n, size_t number, struct wh_err *err)
{
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	if (!n || *line == '#')
		return WH_OK;
	const char *blank = memchr(line, ' ', n);
	if (!blank || blank == line)
		return wh_err_set(err, WH_E_FORMAT, "line %zu: FRAME-GLOB NAME expected", number);
	struct cause *cause = &p->causes[p->n++];
	cause->glob = wh_arena_strndup(&space->arena, line, (size_t)(blank - line));
	cause->name = wh_arena_strndup(&space->arena, blank + 1, n - (size_t)(blank + 1 - line));
	return cause->glob && cause->name ? WH_OK : wh_arena_error(&space->arena, err);
}

static int read_causes(struct wh_stack_space *space, struct wer *p, const char *path, struct wh_err *err)
{
	struct wh_input input;
	int code = wh_input_open(&input, path, err);
	if (code != WH_OK)
		return wh_err_wrap(err, code, "%s", path);
	size_t lines = 1;
	for (size_t i = 0; i < input.size; i++)
		lines += input.text[i] == '\n';
	p->causes = wh_arena_zalloc(&space->arena, lines, sizeof *p->causes);
	if (!p->causes)
		code = wh_arena_error(&space->arena, err);
	const char *at = input.text, *end = at + input.size;
	for (size_t number = 1; code == WH_OK && at < end; number++) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;
		code = add_cause(space, p, at, (size_t)(stop - at), number, err);
		at = stop + 1;
	}
	wh_input_release(&input);
	return code == WH_OK ? WH_OK : wh_err_wrap(err, code, "%s", path);
}

static int wer_open(struct wh_stack_space *space, const struct wh_values *values, struct wh_err *err)
{
	struct wer *p = space->parameter = wh_arena_zalloc(&space->arena, 1, sizeof *p);
	const char *causes = wh_values_string(values, "causes");
	if (!p)
		return wh_arena_error(&space->arena, err);
	p->frames = (uint32_t)wh_values_int(values, "frames");
	return causes ? read_causes(space, p, causes, err) : WH_OK;
}

static uint64_t key_of(const struct wh_stack_space *space, const struct wh_stack_item *item)
{
	const struct wer *p = space->parameter;
	for (size_t c = 0; c < p->n; c++)
		for (uint32_t i = 0; i < item->n; i++) {
			struct wh_bytes frame = wh_strtab_get(&space->tokens, item->token[i]);
			if (wh_glob(p->causes[c].glob, frame.data, frame.size))
				return wh_hash(p->causes[c].name, strlen(p->causes[c].name), 1);
		}
	uint32_t n = p->frames < item->n ? p->frames : item->n;
	return wh_hash(item->token, n * sizeof *item->token, 0);
}

static double wer_similarity(const struct wh_stack_space *space, const struct wh_stack_item *a, const struct wh_stack_item *b)
{
	return key_of(space, a) == key_of(space, b);
}

static size_t wer_keys(const struct wh_stack_space *space, const struct wh_stack_item *item, double floor, struct wh_key *keys)
{
	(void)floor;
	keys[0].key = key_of(space, item);
	return 1;
}

static const struct wh_stack_measure measure = {
	.open = wer_open,
	.similarity = wer_similarity,
	.keys = wer_keys,
};

static const struct wh_param params[] = {
	{ .name = "frames", .type = WH_PARAM_INT, .initial = "1", .lo = 1, .hi = 16, .grid = "1 2 3",
	  .help = "top frames in the bucket's key", .source = "ReBucket III: L4, L7" },
	{ .name = "causes", .type = WH_PARAM_PATH, .help = "file of known causes, a line FRAME-GLOB NAME each",
	  .source = "ReBucket III: C12, C14" },
	WH_STACK_PARAM_D("0"),
	WH_STACK_PARAM_LINKAGE("complete"),
	{ 0 },
};

const struct wh_method wh_method_wer = {
	.name = "wer",
	.summary = "rules by module, offset and known causes: the baseline of the paper",
	.source = "Dang et al., ReBucket, ICSE 2012, section III; Glerum et al., SOSP 2009",
	.params = params,
	.detail = &measure,
	WH_STACK_METHOD_OPS,
};
