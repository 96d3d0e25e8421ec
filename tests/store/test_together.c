/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes, and several threads with a handle each, on one store. */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "sample.h"
#include "store/sqlite/sqlite.h"

enum { TRANSACTIONS = 120, EACH = 25, WRITERS = 2 };

static struct wh_err err;

/* One after the other without a pause: the other writer must get its turn all the same. */
static int write_all(const char *path, uint64_t writer, struct wh_err *e)
{
	struct wh_store *store;
	WH_TRY(wh_store_open(&store, path, WH_STORE_CREATE, e));
	int code = WH_OK;
	for (uint64_t t = 0; code == WH_OK && t < TRANSACTIONS; t++) {
		code = wh_store_begin(store, e);
		for (uint64_t i = 0; code == WH_OK && i < EACH; i++)
			code = sample_add(store, "stack", (t * EACH + i) * WRITERS + writer, e);
		if (code == WH_OK)
			code = wh_store_commit(store, e);
	}
	wh_store_close(store);
	return code;
}

/* Whole transactions at every look, never fewer than before, and no error, until everything is there. */
static int read_all(const char *path, struct wh_err *e)
{
	struct wh_store *store;
	size_t before = 0, n = 0;
	int code = wh_store_open(&store, path, WH_STORE_READ, e);
	while (code == WH_OK && n < WRITERS * TRANSACTIONS * EACH) {
		code = sample_count(store, "stack", &n, e);
		if (code == WH_OK && (n < before || n % EACH))
			code = wh_err_set(e, WH_E_INTERNAL, "%zu after %zu", n, before);
		before = n;
	}
	wh_store_close(store);
	return code;
}

struct job {
	const char *path;
	uint64_t number; /* WRITERS: the reader */
	struct wh_err err;
	int code;
};

static void *run(void *user)
{
	struct job *job = user;
	job->code = job->number < WRITERS ? write_all(job->path, job->number, &job->err) : read_all(job->path, &job->err);
	return NULL;
}

static void check(const char *path)
{
	struct wh_store *store;
	size_t n;
	ok(wh_store_open(&store, path, WH_STORE_READ, &err));
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, WRITERS * TRANSACTIONS * EACH);
	wh_store_close(store);
	assert_whole(path);
}

static void make(const char *path)
{
	struct wh_store *store;
	ok(wh_store_open(&store, path, WH_STORE_CREATE, &err));
	wh_store_close(store);
}

static void processes(void **state)
{
	struct scratch *scratch = *state;
	pid_t children[WRITERS + 1];
	make(scratch->path);
	for (uint64_t i = 0; i <= WRITERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i])
			continue;
		struct job job = { scratch->path, i, { 0 }, 0 };
		run(&job);
		if (job.code != WH_OK)
			fprintf(stderr, "process %llu: %s\n", (unsigned long long)i, job.err.message);
		_exit(job.code);
	}
	for (size_t i = 0; i <= WRITERS; i++) {
		int status;
		waitpid(children[i], &status, 0);
		assert_int_equal(status, 0);
	}
	check(scratch->path);
}

static void threads(void **state)
{
	struct scratch *scratch = *state;
	pthread_t ids[WRITERS + 1];
	struct job jobs[WRITERS + 1];
	make(scratch->path);
	for (uint64_t i = 0; i <= WRITERS; i++) {
		jobs[i] = (struct job){ scratch->path, i, { 0 }, 0 };
		assert_int_equal(pthread_create(&ids[i], NULL, run, &jobs[i]), 0);
	}
	for (size_t i = 0; i <= WRITERS; i++)
		pthread_join(ids[i], NULL);
	for (size_t i = 0; i <= WRITERS; i++)
		if (jobs[i].code != WH_OK)
			fail_msg("thread %zu: %s", i, jobs[i].err.message);
	check(scratch->path);
}

/* All at once make the same new store. */
static void creators(void **state)
{
	struct scratch *scratch = *state;
	enum { CREATORS = 8 };
	for (int round = 0; round < 10; round++) {
		pid_t children[CREATORS];
		for (uint64_t i = 0; i < CREATORS; i++) {
			children[i] = fork();
			assert_true(children[i] >= 0);
			if (children[i])
				continue;
			struct wh_store *store;
			int code = wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err);
			if (code == WH_OK)
				code = sample_add(store, "stack", i, &err);
			if (code != WH_OK)
				fprintf(stderr, "creator %llu: %s\n", (unsigned long long)i, err.message);
			wh_store_close(store);
			_exit(code);
		}
		for (size_t i = 0; i < CREATORS; i++) {
			int status;
			waitpid(children[i], &status, 0);
			assert_int_equal(status, 0);
		}
		struct wh_store *store;
		size_t n;
		ok(wh_store_open(&store, scratch->path, WH_STORE_READ, &err));
		ok(sample_count(store, "stack", &n, &err));
		assert_int_equal(n, CREATORS);
		wh_store_close(store);
		assert_whole(scratch->path);
		scratch_clear(scratch);
	}
}

/* A writer that does not end: the others say so after their time, read on, and write when it is done. */
static void turns(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *one, *two;
	size_t n;
	ok(wh_store_open(&one, scratch->path, WH_STORE_CREATE, &err));
	ok(wh_store_open(&two, scratch->path, WH_STORE_WRITE, &err));
	assert_true(two->busy_ns == INT64_C(60000000000));
	two->busy_ns = INT64_C(2000000000);
	ok(wh_store_begin(one, &err));
	ok(sample_add(one, "stack", 1, &err));
	struct timespec before, after;
	clock_gettime(CLOCK_MONOTONIC, &before);
	fails(wh_store_begin(two, &err), WH_E_IO, "another process has been writing for 2 s");
	fails(sample_add(two, "stack", 2, &err), WH_E_IO, "busy");
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(after.tv_sec - before.tv_sec, 3, 10);
	ok(sample_count(two, "stack", &n, &err));
	assert_int_equal(n, 0);
	ok(wh_store_commit(one, &err));
	ok(sample_add(two, "stack", 2, &err));
	wh_store_close(one);
	wh_store_close(two);
}

struct late {
	struct wh_store *store, *other;
	struct wh_err err;
	int code;
};

static int write_late(void *user, const struct wh_store_observation *o, struct wh_err *e)
{
	struct late *late = user;
	WH_TRY(sample_add(late->other, "stack", 100 + (uint64_t)o->row, e));
	late->code = sample_add(late->store, "stack", 200, &late->err);
	return WH_OK;
}

/* Writing on what was read before another writer committed: refused, for it might rest on what is no longer so. */
static void writing_on_an_old_snapshot(void **state)
{
	struct scratch *scratch = *state;
	struct late late = { 0 };
	ok(wh_store_open(&late.store, scratch->path, WH_STORE_CREATE, &err));
	ok(wh_store_open(&late.other, scratch->path, WH_STORE_WRITE, &err));
	ok(sample_add(late.store, "stack", 1, &err));
	ok(wh_store_each(late.store, "stack", NULL, 0, write_late, &late, &err));
	assert_int_equal(late.code, WH_E_CONFLICT);
	assert_non_null(strstr(late.err.message, "begin before reading"));
	ok(sample_add(late.store, "stack", 200, &err)); /* the walk is over */
	wh_store_close(late.store);
	wh_store_close(late.other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
		CASE(processes), CASE(threads), CASE(creators), CASE(turns), CASE(writing_on_an_old_snapshot),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
