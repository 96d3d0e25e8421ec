/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from uint64_t to uint64_t. Invariant: the value's address stays valid until the next wh_map_put. */
#ifndef WHORL_BASE_MAP_H
#define WHORL_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wh_map_slot {
	uint64_t key, value;
};

struct wh_map {
	struct wh_map_slot *slots; /* n_slots, a power of two */
	uint8_t *full;             /* n_slots: 0 empty, 1 full, 2 removed */
	size_t n, used, n_slots;   /* used: full and removed */
};

void wh_map_release(struct wh_map *);
/* The value under key, made with `initial` where there was none; NULL: out of memory. */
uint64_t *wh_map_put(struct wh_map *, uint64_t key, uint64_t initial);
/* The value under key, or NULL. */
uint64_t *wh_map_get(const struct wh_map *, uint64_t key);
void wh_map_remove(struct wh_map *, uint64_t key);

#define WH_MAP_EACH(map, slot)                                                                           \
	for (struct wh_map_slot *slot = (map)->slots, *slot##_end = slot ? slot + (map)->n_slots : slot; slot < slot##_end; slot++) \
		if ((map)->full[slot - (map)->slots] == 1)

#endif
