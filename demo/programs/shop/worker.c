/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shop.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char *lines[64];
	size_t first, n;
	int closed;
	pthread_t threads[2];
	struct shop *shop;
} pool = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

__attribute__((noinline, noreturn)) static void pool_fatal(const char *why)
{
	fprintf(stderr, "shop: pool: %s\n", why);
	abort();
}

/* The fault: a job may ask for another one while the pool is closing. */
void pool_submit(const char *line)
{
	pthread_mutex_lock(&pool.lock);
	if (pool.closed)
		pool_fatal("submitted to a closed queue");
	pool.lines[pool.n++] = strdup(line);
	pthread_cond_signal(&pool.more);
	pthread_mutex_unlock(&pool.lock);
}

__attribute__((noinline)) static void job_run(char *line)
{
	run_line(pool.shop, line);
	free(line);
}

static void *worker_main(void *unused)
{
	for (;;) {
		pthread_mutex_lock(&pool.lock);
		while (pool.first == pool.n && !pool.closed)
			pthread_cond_wait(&pool.more, &pool.lock);
		if (pool.first == pool.n) {
			pthread_mutex_unlock(&pool.lock);
			return unused;
		}
		char *line = pool.lines[pool.first++];
		pthread_mutex_unlock(&pool.lock);
		job_run(line);
	}
}

void pool_start(struct shop *shop)
{
	pool.shop = shop;
	for (size_t i = 0; i < 2; i++)
		pthread_create(&pool.threads[i], NULL, worker_main, NULL);
}

void pool_stop(void)
{
	if (!pool.shop)
		return;
	usleep(50000);
	pthread_mutex_lock(&pool.lock);
	pool.closed = 1;
	pthread_cond_broadcast(&pool.more);
	pthread_mutex_unlock(&pool.lock);
	for (size_t i = 0; i < 2; i++)
		pthread_join(pool.threads[i], NULL);
}
