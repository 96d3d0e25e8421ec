/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <stdlib.h>

#include "base/hash.h"

enum { EMPTY, FULL, REMOVED };

void wh_map_release(struct wh_map *map)
{
	free(map->slots);
	free(map->full);
	*map = (struct wh_map){ 0 };
}

static int rebuild(struct wh_map *map, size_t n_slots)
{
	struct wh_map fresh = { malloc(n_slots * sizeof *fresh.slots), calloc(n_slots, 1), map->n, map->n, n_slots };
	if (!fresh.slots || !fresh.full) {
		free(fresh.slots);
		free(fresh.full);
		return 1;
	}
	WH_MAP_EACH(map, old)
	{
		size_t at = wh_hash_u64(old->key) & (n_slots - 1);
		while (fresh.full[at])
			at = (at + 1) & (n_slots - 1);
		fresh.full[at] = FULL;
		fresh.slots[at] = *old;
	}
	wh_map_release(map);
	*map = fresh;
	return 0;
}

uint64_t *wh_map_get(const struct wh_map *map, uint64_t key)
{
	if (!map->n)
		return NULL;
	for (size_t mask = map->n_slots - 1, at = wh_hash_u64(key) & mask;; at = (at + 1) & mask) {
		if (map->full[at] == EMPTY)
			return NULL;
		if (map->full[at] == FULL && map->slots[at].key == key)
			return &map->slots[at].value;
	}
}

uint64_t *wh_map_put(struct wh_map *map, uint64_t key, uint64_t initial)
{
	uint64_t *known = wh_map_get(map, key);
	if (known)
		return known;
	if ((map->used + 1) * 4 > map->n_slots * 3) {
		size_t n_slots = 8;
		while (n_slots < map->n * 2 + 2)
			n_slots *= 2;
		if (rebuild(map, n_slots))
			return NULL;
	}
	size_t mask = map->n_slots - 1, at = wh_hash_u64(key) & mask;
	while (map->full[at] == FULL)
		at = (at + 1) & mask;
	map->used += map->full[at] == EMPTY;
	map->full[at] = FULL;
	map->slots[at] = (struct wh_map_slot){ key, initial };
	map->n++;
	return &map->slots[at].value;
}

void wh_map_remove(struct wh_map *map, uint64_t key)
{
	uint64_t *value = wh_map_get(map, key);
	if (!value)
		return;
	struct wh_map_slot *slot = (struct wh_map_slot *)((char *)value - offsetof(struct wh_map_slot, value));
	map->full[slot - map->slots] = REMOVED;
	map->n--;
}
