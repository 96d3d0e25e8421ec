/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/resymbolise.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "symbol/breakpad.h"

enum { PLACES = 64 };

struct found {
	struct wh_arena *arena;
	const struct wh_frame *frame; /* the one without a name */
	struct wh_frame frames[PLACES];
	size_t n;
	uint64_t back; /* from the offset asked for to the frame's */
	bool any;      /* a function, not only a line */
	size_t effort; /* that .sym files may still cost */
};

static bool is_unnamed(const struct wh_frame *frame)
{
	return !frame->function && frame->build_id && *frame->build_id && frame->has_offset && !frame->handler;
}

/* Whether the frame goes on at its address, rather than behind the call there. */
static bool is_exact(const struct wh_frame *frames, size_t i)
{
	return !i || frames[i - 1].handler || (frames[i].trust && !strcmp(frames[i].trust, "context"));
}

static int keep(struct found *f, const char *text, const char **copy, struct wh_err *err)
{
	*copy = text ? wh_arena_strdup(f->arena, text) : NULL;
	return text && !*copy ? wh_arena_error(f->arena, err) : WH_OK;
}

static int take(void *user, const struct wh_place *place, struct wh_err *err)
{
	struct found *f = user;
	if (f->n == PLACES)
		return WH_OK;
	struct wh_frame *frame = &f->frames[f->n++];
	*frame = *f->frame;
	f->any |= place->function != NULL;
	WH_TRY(keep(f, place->function, &frame->function, err));
	WH_TRY(keep(f, place->file, &frame->file, err));
	frame->line = place->line;
	frame->inlined = place->inlined;
	if (place->inlined) {
		frame->has_offset = frame->has_address = false;
		frame->offset = frame->address = 0;
	} else if (place->function) {
		frame->offset = place->offset + f->back;
	}
	return WH_OK;
}

/* What the symbols of a module are called and known by where they are in a .sym file. */
struct symbol_name {
	char file[256], id[64];
};

/* A frame's build-id is that of an ELF file, or, of other systems' modules, the identifier of their symbols itself. */
static bool is_elf_build(const char *build_id)
{
	return strspn(build_id, "0123456789abcdef") == strlen(build_id);
}

static void name_symbols(const struct wh_frame *frame, struct symbol_name *name)
{
	const char *base = frame->module ? frame->module : "";
	for (const char *p = base; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			base = p + 1;
	const char *dot = strrchr(base, '.');
	bool pdb = !is_elf_build(frame->build_id) && dot && (!strcasecmp(dot, ".exe") || !strcasecmp(dot, ".dll"));
	snprintf(name->file, sizeof name->file, "%.*s%s", pdb ? (int)(dot - base) : (int)strnlen(base, sizeof name->file), base, pdb ? ".pdb" : "");
	if (!is_elf_build(frame->build_id) || !wh_breakpad_id(frame->build_id, name->id))
		snprintf(name->id, sizeof name->id, "%s", frame->build_id);
}

static int look_up(struct wh_modules *modules, const struct wh_frame *frames, size_t i, struct found *f, struct wh_err *err)
{
	const struct wh_frame *frame = &frames[i];
	struct wh_module *module;
	struct symbol_name name;
	bool elf = is_elf_build(frame->build_id);
	name_symbols(frame, &name);
	struct wh_module_asked asked = { .path = elf ? frame->module : NULL, .build_id = elf ? frame->build_id : NULL, .debug_file = name.file,
					 .debug_id = name.id };
	f->frame = frame;
	f->n = 0;
	f->any = false;
	f->back = frame->offset && !is_exact(frames, i);
	if (strlen(frame->build_id) < 4)
		return WH_OK;
	WH_TRY(wh_modules_get(modules, &asked, &module, err));
	int code = elf ? wh_module_places(module, frame->offset - f->back, take, f, err) : WH_OK;
	if (code == WH_OK && !f->any && wh_module_breakpad(module)) {
		f->n = 0;
		code = wh_breakpad_places(wh_module_breakpad(module), frame->offset - f->back, &f->effort, take, f, err);
	}
	wh_module_drop(modules, module);
	return code;
}

/* Frames into which those that are named now are put. */
struct rebuilt {
	struct wh_arena *arena;
	struct wh_frame *frames;
	size_t n, cap;
};

static int add(struct rebuilt *r, const struct wh_frame *frames, size_t n, struct wh_err *err)
{
	if (r->n + n > WH_STACK_MOST_FRAMES)
		n = WH_STACK_MOST_FRAMES - r->n;
	if (r->n + n > r->cap) {
		size_t cap = r->cap * 2 + n + 16;
		struct wh_frame *more = wh_arena_zalloc(r->arena, cap, sizeof *more);
		if (!more)
			return wh_arena_error(r->arena, err);
		if (r->n)
			memcpy(more, r->frames, r->n * sizeof *more);
		r->frames = more;
		r->cap = cap;
	}
	if (n)
		memcpy(r->frames + r->n, frames, n * sizeof *frames);
	r->n += n;
	return WH_OK;
}

static int name_frames(struct wh_modules *modules, struct wh_frame **frames, size_t *n, struct wh_arena *arena, bool *changed, struct wh_err *err)
{
	struct found found = { .arena = arena, .effort = WH_BREAKPAD_EFFORT };
	struct rebuilt rebuilt = { .arena = arena };
	bool any = false;
	for (size_t i = 0; i < *n; i++) {
		found.any = false;
		if (is_unnamed(&(*frames)[i]))
			WH_TRY(look_up(modules, *frames, i, &found, err));
		if (found.any && !any) { /* until then nothing needs to be copied */
			any = true;
			WH_TRY(add(&rebuilt, *frames, i, err));
		}
		if (any)
			WH_TRY(found.any ? add(&rebuilt, found.frames, found.n, err) : add(&rebuilt, *frames + i, 1, err));
	}
	if (any) {
		*frames = rebuilt.frames;
		*n = rebuilt.n;
		*changed = true;
	}
	return WH_OK;
}

int wh_stack_resymbolise(struct wh_modules *modules, struct wh_stack *stack, struct wh_arena *arena, bool *changed, struct wh_err *err)
{
	*changed = false;
	WH_TRY(name_frames(modules, &stack->frames, &stack->n_frames, arena, changed, err));
	for (size_t i = 0; i < stack->n_threads; i++)
		WH_TRY(name_frames(modules, &stack->threads[i].frames, &stack->threads[i].n_frames, arena, changed, err));
	return WH_OK;
}

/* ---- what is still missing ---- */

enum { NAMED_MOST = 32 };

struct unnamed {
	const struct wh_frame *frames[NAMED_MOST]; /* one a build */
	size_t n;
};

static void gather(struct unnamed *u, const struct wh_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (is_unnamed(&frames[i]) && k < u->n && strcmp(u->frames[k]->build_id, frames[i].build_id) != 0)
			k++;
		if (is_unnamed(&frames[i]) && k == u->n && k < NAMED_MOST)
			u->frames[u->n++] = &frames[i];
	}
}

const char *wh_stack_unnamed_modules(const struct wh_stack *stack, struct wh_arena *arena)
{
	struct unnamed u = { .n = 0 };
	const char *text = "";
	gather(&u, stack->frames, stack->n_frames);
	for (size_t i = 0; i < stack->n_threads; i++)
		gather(&u, stack->threads[i].frames, stack->threads[i].n_frames);
	for (size_t i = 0; text && i < u.n; i++)
		text = wh_arena_printf(arena, "%s%s%s %s", text, i ? ", " : "", u.frames[i]->module ? u.frames[i]->module : "?", u.frames[i]->build_id);
	return text;
}
