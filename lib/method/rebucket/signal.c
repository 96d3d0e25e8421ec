/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal `stack`: crash reports, bucketed by the similarity of their call stacks.
 * A fingerprint is the normalised stack as text, a frame a line, crash point first; empty where the report has no frames.
 */
#include <string.h>

#include "base/str.h"
#include "collect/core/recorder.h"
#include "format/stack/crash_type.h"
#include "format/stack/list.h"
#include "format/stack/neutral.h"
#include "method/rebucket/methods.h"
#include "symbol/module.h"
#include "symbol/normalise.h"
#include "symbol/resymbolise.h"

static int encode(const struct wh_observation *o, struct wh_emit *e, struct wh_err *err)
{
	(void)err;
	wh_stack_encode(o, e);
	return WH_OK;
}

static int open_reading(const struct wh_values *reading, void **context, struct wh_err *err)
{
	struct wh_modules *modules;
	WH_TRY(wh_modules_new(&modules, reading, err));
	*context = modules;
	return WH_OK;
}

static void close_reading(void *context)
{
	wh_modules_free(context);
}

/* What the reader made of frames, and of those without names, is made of the new ones. */
static int resymbolise(void *context, struct wh_observation *o, struct wh_arena *arena, bool *changed, struct wh_err *err)
{
	struct wh_stack *stack = (struct wh_stack *)o->body; /* decoded just now, into the arena */
	WH_TRY(wh_stack_resymbolise(context, stack, arena, changed, err));
	if (!*changed)
		return WH_OK;
	if (stack->crash_type)
		WH_TRY(wh_crash_state_of_frames(stack, arena, &stack->crash_state, err));
	for (size_t i = 0; i < o->n_attributes; i++)
		if (!strcmp(o->attributes[i].name, "symbols_missing")) {
			const char *missing = wh_stack_unnamed_modules(stack, arena);
			if (!missing)
				return wh_arena_error(arena, err);
			o->attributes[i].value = missing;
			if (!*missing)
				o->attributes[i] = o->attributes[--o->n_attributes];
			break;
		}
	return WH_OK;
}

static int configure(const struct wh_values *settings, void **config, struct wh_err *err)
{
	struct wh_normaliser *normaliser;
	WH_TRY(wh_normaliser_new(&normaliser, settings, err));
	*config = normaliser;
	return WH_OK;
}

static void release(void *config)
{
	wh_normaliser_free(config);
}

static void scratch_free(void *scratch)
{
	wh_normal_cache_free(scratch);
}

static int fingerprint(const void *config, void **scratch, const struct wh_observation *o, struct wh_arena *arena,
		       struct wh_bytes *result, struct wh_err *err)
{
	struct wh_normal_frame *frames;
	size_t n, size = 0;
	if (!*scratch && !(*scratch = wh_normal_cache_new()))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_normalise(config, *scratch, o->body, arena, &frames, &n, NULL, NULL, err));
	for (size_t i = 0; i < n; i++)
		size += strlen(frames[i].token) + 1;
	char *text = wh_arena_alloc(arena, size + 1), *p = text;
	if (!text)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < n; i++) {
		p = stpcpy(p, frames[i].token);
		*p++ = '\n';
	}
	*result = (struct wh_bytes){ text, size ? size - 1 : 0 };
	return WH_OK;
}

static void trace(void *user, size_t frame, const char *rule, const char *before, const char *after)
{
	struct wh_emit *e = user;
	wh_emit_object(e, NULL);
	wh_emit_integer(e, "frame", (int64_t)frame);
	wh_emit_string(e, "rule", rule);
	wh_emit_string(e, "before", before);
	wh_emit_string(e, "after", after);
	wh_emit_end(e);
}

static int show(const void *config, const struct wh_observation *o, bool explain, struct wh_arena *arena, struct wh_emit *e,
		struct wh_err *err)
{
	const struct wh_stack *raw = o->body;
	struct wh_normal_frame *frames;
	struct wh_stack normal = *raw;
	size_t n;
	if (explain)
		wh_emit_array(e, "normalisation");
	int code = wh_normalise(config, NULL, raw, arena, &frames, &n, explain ? trace : NULL, e, err);
	if (explain)
		wh_emit_end(e);
	WH_TRY(code);
	normal.frames = wh_arena_zalloc(arena, n + 1, sizeof *normal.frames);
	if (!normal.frames)
		return wh_arena_error(arena, err);
	normal.n_frames = n;
	for (size_t i = 0; i < n; i++) {
		normal.frames[i] = *frames[i].frame;
		normal.frames[i].function = frames[i].unknown ? NULL : frames[i].token;
	}
	if (!normal.crash_state)
		WH_TRY(wh_crash_state_of_frames(raw, arena, &normal.crash_state, err));
	struct wh_observation shown = *o;
	shown.body = &normal;
	return encode(&shown, e, err);
}

static int features(struct wh_bytes fingerprint_, wh_feature_fn *feature, void *user)
{
	const char *p = fingerprint_.data, *end = p + fingerprint_.size;
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		WH_TRY(feature(user, p, (size_t)(stop - p)));
		p = stop + 1;
	}
	return WH_OK;
}

struct title {
	struct wh_str *out;
	int frames;
};

static int title_frame(void *user, const char *name, size_t n)
{
	struct title *t = user;
	if (t->frames++ == 3)
		return WH_E_LIMIT;
	if (t->frames > 1)
		wh_str_puts(t->out, " < ");
	wh_str_add(t->out, name, n < 48 ? n : 48);
	return WH_OK;
}

static int title(struct wh_bytes fingerprint_, struct wh_str *out)
{
	struct title t = { out, 0 };
	if (!fingerprint_.size)
		wh_str_puts(out, "(no frames)");
	(void)features(fingerprint_, title_frame, &t);
	return out->failed ? WH_E_NOMEM : WH_OK;
}

static const struct wh_method *const methods[] = {
	&wh_method_whorl, &wh_method_pdm,	  &wh_method_tracesim, &wh_method_fast, &wh_method_tfidf,
	&wh_method_prefix, &wh_method_levenshtein, &wh_method_exact,    &wh_method_wer,  NULL,
};

static const char *attribute(const struct wh_observation *o, const char *name)
{
	const struct wh_stack *stack = o->body;
	bool module = !strcmp(name, "module"), version = !strcmp(name, "module_version");
	if (!module && !version)
		return wh_observation_attribute(o, name);
	for (size_t i = 0; i < stack->n_frames; i++) /* of the first frame that says where it is from */
		if (stack->frames[i].module) {
			const char *slash = strrchr(stack->frames[i].module, '/');
			return version ? stack->frames[i].module_version : slash ? slash + 1 : stack->frames[i].module;
		}
	return NULL;
}

static const char *const attributes[] = { "app", "version", "platform", "reason", "module", "module_version", NULL };
static const char *const columns[] = { "app", "version", "reason", "crash_type", "crash_state", "format", NULL };

const struct wh_signal wh_signal_stack = {
	.noun = "stack",
	.group_noun = "bucket",
	.group_verb = "bucket",
	.method_noun = "similarity",
	.feature_noun = "frame",
	.summary = "crash reports, bucketed by the similarity of their call stacks",
	.formats = wh_stack_formats,
	.reading = wh_symbol_params,
	.settings = wh_normalise_params,
	.methods = methods,
	.attributes = attributes,
	.columns = columns,
	.attribute = attribute,
	.encode = encode,
	.decode = wh_stack_decode,
	.open_reading = open_reading,
	.close_reading = close_reading,
	.resymbolise = resymbolise,
	.configure = configure,
	.release = release,
	.fingerprint = fingerprint,
	.scratch_free = scratch_free,
	.show = show,
	.features = features,
	.title = title,
	.recorder = &wh_recorder_core,
};
