/* SPDX-License-Identifier: Apache-2.0 */
#include "observation/stack.h"

#include <string.h>

void wh_stack_builder_init(struct wh_stack_builder *b, struct wh_arena *arena)
{
	*b = (struct wh_stack_builder){ .arena = arena };
}

/* An array twice as long, in the arena; the old one is left behind until the arena is reset. */
static void *grow(struct wh_stack_builder *b, void *old, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *fresh = wh_arena_alloc(b->arena, more * size);
	if (!fresh) {
		b->failed = true;
		return NULL;
	}
	if (n)
		memcpy(fresh, old, n * size);
	*cap = more;
	return fresh;
}

struct wh_frame *wh_stack_builder_frame(struct wh_stack_builder *b)
{
	struct wh_stack *stack = &b->stack;
	if (b->failed || stack->n_frames >= WH_STACK_MOST_FRAMES)
		return NULL;
	if (stack->n_frames == b->cap) {
		struct wh_frame *frames = grow(b, stack->frames, stack->n_frames, &b->cap, sizeof *frames);
		if (!frames)
			return NULL;
		stack->frames = frames;
	}
	struct wh_frame *frame = &stack->frames[stack->n_frames++];
	*frame = (struct wh_frame){ 0 };
	return frame;
}

void wh_stack_builder_thread(struct wh_stack_builder *b, const char *name)
{
	struct wh_stack *stack = &b->stack;
	const char *copy = name ? wh_stack_builder_copy(b, name, strlen(name)) : NULL;
	if (stack->n_threads == b->threads_cap && stack->n_threads < WH_STACK_MOST_THREADS) {
		struct wh_stack_thread *threads = grow(b, stack->threads, stack->n_threads, &b->threads_cap, sizeof *threads);
		if (threads)
			stack->threads = threads;
	}
	if (!b->failed && stack->n_threads < WH_STACK_MOST_THREADS)
		stack->threads[stack->n_threads++] = (struct wh_stack_thread){ copy, stack->frames, stack->n_frames };
	stack->frames = NULL;
	stack->n_frames = b->cap = 0;
}

const char *wh_stack_builder_copy(struct wh_stack_builder *b, const char *text, size_t n)
{
	char *copy = wh_arena_strndup(b->arena, text, n);
	b->failed |= !copy;
	return copy;
}

void wh_stack_builder_attribute(struct wh_stack_builder *b, const char *name, const char *value, size_t n)
{
	struct wh_observation *o = &b->observation;
	const char *copy = n && *value ? wh_stack_builder_copy(b, value, n) : NULL;
	if (!copy)
		return;
	for (size_t i = 0; i < o->n_attributes; i++)
		if (!strcmp(o->attributes[i].name, name)) {
			o->attributes[i].value = copy;
			return;
		}
	if (o->n_attributes == b->attributes_cap) {
		struct wh_attribute *attributes = grow(b, o->attributes, o->n_attributes, &b->attributes_cap, sizeof *attributes);
		if (!attributes)
			return;
		o->attributes = attributes;
	}
	o->attributes[o->n_attributes++] = (struct wh_attribute){ name, copy };
}

struct wh_observation *wh_stack_builder_finish(struct wh_stack_builder *b)
{
	b->observation.body = &b->stack;
	return &b->observation;
}
