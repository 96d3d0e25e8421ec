/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wh_arena_block {
	struct wh_arena_block *older;
	size_t size, used;
	_Alignas(max_align_t) char data[];
};

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20 };

void wh_arena_init(struct wh_arena *arena, size_t limit)
{
	*arena = (struct wh_arena){ .limit = limit };
}

static void free_blocks(struct wh_arena_block *block)
{
	while (block) {
		struct wh_arena_block *older = block->older;
		free(block);
		block = older;
	}
}

void wh_arena_reset(struct wh_arena *arena)
{
	if (!arena->block)
		return;
	free_blocks(arena->block->older);
	arena->block->older = NULL;
	arena->block->used = 0;
	arena->total = arena->block->size;
}

void wh_arena_release(struct wh_arena *arena)
{
	free_blocks(arena->block);
	arena->block = NULL;
	arena->total = 0;
}

struct wh_arena_mark wh_arena_mark(const struct wh_arena *arena)
{
	return (struct wh_arena_mark){ arena->block, arena->block ? arena->block->used : 0 };
}

void wh_arena_rewind(struct wh_arena *arena, struct wh_arena_mark mark)
{
	while (arena->block != mark.block) {
		struct wh_arena_block *older = arena->block->older;
		arena->total -= arena->block->size;
		free(arena->block);
		arena->block = older;
	}
	if (arena->block)
		arena->block->used = mark.used;
}

void *wh_arena_alloc(struct wh_arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	if (size > SIZE_MAX - align - sizeof(struct wh_arena_block))
		return NULL;
	size = (size + align - 1) & ~(align - 1);
	struct wh_arena_block *block = arena->block;
	if (!block || block->size - block->used < size) {
		size_t next = block ? block->size * 2 : FIRST_BLOCK;
		if (next > LARGEST_BLOCK)
			next = LARGEST_BLOCK;
		if (next < size)
			next = size;
		if (arena->total > arena->limit || next > arena->limit - arena->total)
			next = size; /* a last, exact block may still fit */
		if (arena->total > arena->limit || next > arena->limit - arena->total)
			return NULL;
		struct wh_arena_block *fresh = malloc(sizeof *fresh + next);
		if (!fresh)
			return NULL;
		fresh->older = block;
		fresh->size = next;
		fresh->used = 0;
		arena->total += next;
		arena->block = block = fresh;
	}
	void *result = block->data + block->used;
	block->used += size;
	return result;
}

void *wh_arena_zalloc(struct wh_arena *arena, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	void *result = wh_arena_alloc(arena, bytes);
	return result ? memset(result, 0, bytes) : NULL;
}

char *wh_arena_strndup(struct wh_arena *arena, const char *text, size_t n)
{
	char *copy = n < SIZE_MAX ? wh_arena_alloc(arena, n + 1) : NULL;
	if (!copy)
		return NULL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

char *wh_arena_strdup(struct wh_arena *arena, const char *text)
{
	return wh_arena_strndup(arena, text, strlen(text));
}

char *wh_arena_printf(struct wh_arena *arena, const char *format, ...)
{
	va_list arguments, again;
	va_start(arguments, format);
	va_copy(again, arguments);
	int n = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *text = n < 0 ? NULL : wh_arena_alloc(arena, (size_t)n + 1);
	if (text)
		vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

int wh_arena_error(const struct wh_arena *arena, struct wh_err *err)
{
	if (arena->limit - (arena->total < arena->limit ? arena->total : arena->limit) < LARGEST_BLOCK)
		return wh_err_set(err, WH_E_LIMIT, "more than %zu MiB needed", arena->limit >> 20);
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}
