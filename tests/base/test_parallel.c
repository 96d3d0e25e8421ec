/* SPDX-License-Identifier: Apache-2.0 */
/* Parallel loops: every item once, the lowest error, cancellation, progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

enum { MOST = 5000 };

struct job {
	atomic_int times[MOST];
	unsigned threads;
	size_t fails_from; /* items from here on fail */
	atomic_bool cancelled;
	size_t cancel_at;
};

static int work(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct job *job = user;
	if (worker >= job->threads)
		return wh_err_set(err, WH_E_INTERNAL, "worker %u", worker);
	for (size_t i = first; i < last; i++) {
		atomic_fetch_add(&job->times[i], 1);
		if (i >= job->fails_from)
			return wh_err_set(err, WH_E_FORMAT, "item %zu", i);
		if (i == job->cancel_at)
			atomic_store(&job->cancelled, true);
	}
	return WH_OK;
}

static struct job *new_job(unsigned threads)
{
	struct job *job = calloc(1, sizeof *job);
	assert_non_null(job);
	job->threads = threads ? threads : 1;
	job->fails_from = job->cancel_at = SIZE_MAX;
	return job;
}

static const size_t sizes[] = { 0, 1, 2, 7, 64, 1000, MOST }, grains[] = { 0, 1, 3, 64, 10000 };
static const unsigned counts[] = { 0, 1, 2, 4, 300 };

static void every_item_once(void **state)
{
	(void)state;
	for (size_t s = 0; s < 7; s++)
		for (size_t g = 0; g < 5; g++)
			for (size_t t = 0; t < 5; t++) {
				struct wh_host host = { .threads = counts[t] };
				struct wh_err err = { 0 };
				struct job *job = new_job(counts[t]);
				assert_int_equal(wh_parallel(&host, NULL, sizes[s], grains[g], work, job, &err), WH_OK);
				for (size_t i = 0; i < MOST; i++)
					assert_int_equal(job->times[i], i < sizes[s]);
				free(job);
			}
	struct job *job = new_job(1);
	struct wh_err err = { 0 };
	assert_int_equal(wh_parallel(NULL, NULL, 10, 1, work, job, &err), WH_OK);
	free(job);
}

static void the_lowest_error(void **state)
{
	(void)state;
	for (size_t g = 1; g < 4; g++)
		for (size_t t = 1; t < 4; t++)
			for (int times = 0; times < 30; times++) {
				struct wh_host host = { .threads = counts[t] };
				struct wh_err err = { 0 };
				struct job *job = new_job(counts[t]);
				char expected[32];
				job->fails_from = 500;
				snprintf(expected, sizeof expected, "item %d", 500);
				assert_int_equal(wh_parallel(&host, NULL, MOST, grains[g], work, job, &err), WH_E_FORMAT);
				assert_string_equal(err.message, expected);
				assert_int_equal(err.code, WH_E_FORMAT);
				for (size_t i = 0; i < 500; i++)
					assert_int_equal(job->times[i], 1);
				assert_int_equal(job->times[MOST - 1], 0);
				free(job);
			}
}

static void cancelled(void **state)
{
	(void)state;
	for (size_t t = 0; t < 4; t++) {
		struct job *job = new_job(counts[t]);
		struct wh_host host = { .threads = counts[t], .cancelled = &job->cancelled };
		struct wh_err err = { 0 };
		job->cancel_at = 100;
		assert_int_equal(wh_parallel(&host, NULL, MOST, 1, work, job, &err), WH_E_CANCELLED);
		size_t done = 0;
		for (size_t i = 0; i < MOST; i++)
			done += (size_t)job->times[i];
		assert_true(done > 100 && done < MOST);
		free(job);
	}
}

struct seen {
	uint64_t last, calls;
	atomic_int inside;
};

static void progress(void *user, const char *phase, uint64_t done, uint64_t total)
{
	struct seen *seen = user;
	if (atomic_fetch_add(&seen->inside, 1) || strcmp(phase, "testing") != 0 || total != 1000 || done <= seen->last)
		abort();
	seen->last = done;
	seen->calls++;
	atomic_fetch_sub(&seen->inside, 1);
}

static void progress_is_told(void **state)
{
	(void)state;
	struct seen seen = { 0 };
	struct job *job = new_job(4);
	struct wh_host host = { .threads = 4, .progress = progress, .user = &seen };
	struct wh_err err = { 0 };
	assert_int_equal(wh_parallel(&host, "testing", 1000, 7, work, job, &err), WH_OK);
	assert_int_equal(seen.last, 1000);
	free(job);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_item_once), cmocka_unit_test(the_lowest_error), cmocka_unit_test(cancelled),
					    cmocka_unit_test(progress_is_told) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
