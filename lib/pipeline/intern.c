/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/intern.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/strtab.h"

enum { SHARDS = 64 };

struct wh_interner {
	struct shard {
		pthread_mutex_t mutex;
		struct wh_strtab table;
	} shard[SHARDS];
};

struct wh_interner *wh_interner_new(void)
{
	struct wh_interner *interner = calloc(1, sizeof *interner);
	for (int i = 0; interner && i < SHARDS; i++) {
		pthread_mutex_init(&interner->shard[i].mutex, NULL);
		wh_strtab_init(&interner->shard[i].table, (size_t)1 << 36);
	}
	return interner;
}

void wh_interner_free(struct wh_interner *interner)
{
	if (!interner)
		return;
	for (int i = 0; i < SHARDS; i++) {
		pthread_mutex_destroy(&interner->shard[i].mutex);
		wh_strtab_release(&interner->shard[i].table);
	}
	free(interner);
}

const char *wh_intern(struct wh_interner *interner, const char *data, size_t n)
{
	struct shard *shard = &interner->shard[wh_hash(data, n, 1) % SHARDS];
	pthread_mutex_lock(&shard->mutex);
	uint32_t id = wh_strtab_add(&shard->table, data, n);
	const char *text = id == WH_STRTAB_NONE ? NULL : wh_strtab_get(&shard->table, id).data;
	pthread_mutex_unlock(&shard->mutex);
	return text;
}
