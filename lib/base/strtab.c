/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strtab.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

void wh_strtab_init(struct wh_strtab *table, size_t limit)
{
	*table = (struct wh_strtab){ 0 };
	wh_arena_init(&table->arena, limit);
}

void wh_strtab_release(struct wh_strtab *table)
{
	wh_arena_release(&table->arena);
	free(table->entries);
	free(table->slots);
	*table = (struct wh_strtab){ 0 };
}

/* The slot that holds these bytes, or the empty one where they would go. */
static size_t slot_of(const struct wh_strtab *table, uint64_t hash, const char *data, size_t size)
{
	size_t mask = table->n_slots - 1, slot = hash & mask;
	for (;; slot = (slot + 1) & mask) {
		uint32_t id = table->slots[slot];
		if (!id)
			return slot;
		const struct wh_strtab_entry *e = &table->entries[id - 1];
		if (e->hash == hash && e->size == size && !memcmp(e->data, data, size))
			return slot;
	}
}

static int grow(struct wh_strtab *table)
{
	size_t n_slots = table->n_slots ? table->n_slots * 2 : 64;
	uint32_t *slots = calloc(n_slots, sizeof *slots);
	if (!slots)
		return 1;
	for (size_t i = 0; i < table->n; i++) {
		size_t slot = table->entries[i].hash & (n_slots - 1);
		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = (uint32_t)i + 1;
	}
	free(table->slots);
	table->slots = slots;
	table->n_slots = n_slots;
	return 0;
}

uint32_t wh_strtab_find(const struct wh_strtab *table, const char *data, size_t size)
{
	if (!table->n_slots)
		return WH_STRTAB_NONE;
	uint32_t id = table->slots[slot_of(table, wh_hash(data, size, 0), data, size)];
	return id ? id - 1 : WH_STRTAB_NONE;
}

uint32_t wh_strtab_add(struct wh_strtab *table, const char *data, size_t size)
{
	if (table->n * 4 >= table->n_slots * 3 && grow(table))
		return WH_STRTAB_NONE;
	uint64_t hash = wh_hash(data, size, 0);
	size_t slot = slot_of(table, hash, data, size);
	if (table->slots[slot])
		return table->slots[slot] - 1;
	if (table->n == table->cap) {
		size_t cap = table->cap ? table->cap * 2 : 64;
		struct wh_strtab_entry *entries = cap < WH_STRTAB_NONE ? realloc(table->entries, cap * sizeof *entries) : NULL;
		if (!entries)
			return WH_STRTAB_NONE;
		table->entries = entries;
		table->cap = cap;
	}
	const char *copy = wh_arena_strndup(&table->arena, data, size);
	if (!copy)
		return WH_STRTAB_NONE;
	table->entries[table->n] = (struct wh_strtab_entry){ hash, copy, size };
	table->slots[slot] = (uint32_t)++table->n;
	return (uint32_t)table->n - 1;
}

void wh_strtab_truncate(struct wh_strtab *table, size_t n, struct wh_arena_mark mark)
{
	/* newest first: the newest string stands at the end of every chain it is part of, so no chain breaks */
	while (table->n > n) {
		const struct wh_strtab_entry *newest = &table->entries[table->n - 1];
		table->slots[slot_of(table, newest->hash, newest->data, newest->size)] = 0;
		table->n--;
	}
	wh_arena_rewind(&table->arena, mark);
}
