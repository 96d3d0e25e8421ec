/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <pthread.h>
#include <stdint.h>

enum { MOST_THREADS = 256 };

struct loop {
	const struct wh_host *host;
	const char *phase;
	size_t n, grain;
	wh_loop_fn *fn;
	void *user;
	atomic_size_t next;
	atomic_bool stop;
	pthread_mutex_t mutex; /* guards what follows, and the progress call */
	size_t done;
	size_t failed_at; /* SIZE_MAX: nowhere */
	struct wh_err error;
};

struct worker {
	struct loop *loop;
	unsigned number;
};

static void note(struct loop *loop, size_t first, size_t last, int code, const struct wh_err *error)
{
	pthread_mutex_lock(&loop->mutex);
	loop->done += last - first;
	if (code != WH_OK && first < loop->failed_at) {
		loop->failed_at = first;
		loop->error = *error;
		loop->error.code = code;
	}
	if (loop->phase)
		wh_host_progress(loop->host, loop->phase, loop->done, loop->n);
	pthread_mutex_unlock(&loop->mutex);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct loop *loop = worker->loop;
	while (!atomic_load(&loop->stop)) {
		size_t first = atomic_fetch_add(&loop->next, loop->grain);
		if (first >= loop->n)
			break;
		size_t last = loop->n - first < loop->grain ? loop->n : first + loop->grain;
		struct wh_err error = { 0 };
		int code;
		if (wh_host_cancelled(loop->host))
			code = wh_err_set(&error, WH_E_CANCELLED, "interrupted");
		else
			code = loop->fn(loop->user, worker->number, first, last, &error);
		if (code != WH_OK)
			atomic_store(&loop->stop, true);
		note(loop, first, last, code, &error);
	}
	return NULL;
}

int wh_parallel(const struct wh_host *host, const char *phase, size_t n, size_t grain, wh_loop_fn *fn, void *user,
		struct wh_err *err)
{
	struct loop loop = { .host = host, .phase = phase, .n = n, .grain = grain ? grain : 1, .fn = fn, .user = user,
			     .failed_at = SIZE_MAX };
	pthread_mutex_init(&loop.mutex, NULL);
	unsigned threads = wh_host_threads(host);
	size_t pieces = n / loop.grain + (n % loop.grain != 0);
	if (threads > MOST_THREADS)
		threads = MOST_THREADS;
	if (threads > pieces)
		threads = pieces ? (unsigned)pieces : 1;
	struct worker workers[MOST_THREADS];
	pthread_t ids[MOST_THREADS];
	unsigned started = 0;
	for (unsigned i = 0; i < threads; i++)
		workers[i] = (struct worker){ &loop, i };
	while (started + 1 < threads && !pthread_create(&ids[started], NULL, work, &workers[started + 1]))
		started++;
	work(&workers[0]);
	for (unsigned i = 0; i < started; i++)
		pthread_join(ids[i], NULL);
	pthread_mutex_destroy(&loop.mutex);
	if (loop.failed_at == SIZE_MAX)
		return WH_OK;
	return wh_err_set(err, loop.error.code, "%s", loop.error.message);
}
