/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9. A child imports in transactions of changing length and tells through a pipe how many observations each commit has
 * acknowledged; the parent kills it at a random moment, opens what is left and compares: everything acknowledged is there, what
 * is there beyond it is whole transactions, and the file is sound. The next child goes on from there. What of power loss? Then
 * durability rests on fsync: synchronous = FULL is checked, a disk that lies is not.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "sample.h"
#include "store/sqlite/sqlite.h"

enum { ROUNDS = 60 };

static struct wh_err err;

/* The lengths of transactions are a function of where they begin, so that their bounds are known from outside. */
static uint64_t end_of(uint64_t first)
{
	return first + 1 + wh_hash_u64(first + 1) % 400;
}

static void import(const char *path, uint64_t first, int acknowledge)
{
	struct wh_store *store;
	if (wh_store_open(&store, path, WH_STORE_CREATE, &err) != WH_OK)
		_exit(2);
	for (;;) {
		uint64_t last = end_of(first);
		struct wh_store_group group = { .id = "g" };
		char text[32];
		int size = snprintf(text, sizeof text, "%llu", (unsigned long long)last);
		if (wh_store_begin(store, &err) != WH_OK)
			_exit(3);
		if (!first && wh_store_add_group(store, "stack", &group, &err) != WH_OK)
			_exit(4);
		for (; first < last; first++)
			if (sample_add(store, "stack", first, &err) != WH_OK)
				_exit(5);
		/* updates of old rows too, so that pages are written again */
		if (wh_store_update(store, "stack", (int64_t)(wh_hash_u64(last) % last) + 1, (struct wh_bytes){ 0 }, "g", 1, NULL,
				    &err) != WH_OK)
			_exit(6);
		if (wh_store_set_state(store, "stack", "count", (struct wh_bytes){ text, (size_t)size }, &err) != WH_OK)
			_exit(7);
		if (wh_store_commit(store, &err) != WH_OK)
			_exit(8);
		if (write(acknowledge, &last, sizeof last) != sizeof last)
			_exit(9);
	}
}

static int see_state(void *user, struct wh_bytes bytes, struct wh_err *e)
{
	*(uint64_t *)user = strtoull(bytes.data, NULL, 10);
	return WH_OK;
}

/* How many there are; they are 0 … n-1, as they were given, and the state of the same transaction says so too. */
static uint64_t look(const char *path)
{
	struct wh_store *store;
	size_t n;
	uint64_t said = 0, observations, groups;
	int code = wh_store_open(&store, path, WH_STORE_CREATE, &err);
	ok(code);
	ok(sample_count(store, "stack", &n, &err));
	ok(wh_store_count(store, "stack", &observations, &groups, &err));
	code = wh_store_get_state(store, "stack", "count", see_state, &said, &err);
	if (code != WH_E_NOTFOUND)
		ok(code);
	wh_store_close(store);
	assert_int_equal(said, n);
	assert_int_equal(observations, n);
	return n;
}

static void killed(void **state)
{
	struct scratch *scratch = *state;
	uint64_t there = 0, progress = 0, total = 0;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		int ends[2];
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork();
		assert_true(child >= 0);
		if (!child) {
			close(ends[0]);
			import(scratch->path, there, ends[1]);
		}
		close(ends[1]);
		/* from the moment of opening, when it makes the file, to deep within */
		uint64_t wait_us = wh_hash_u64(round * 7919 + 1) % (round % 3 ? 150000 : 8000);
		struct timespec pause = { 0, (long)wait_us * 1000 };
		nanosleep(&pause, NULL);
		assert_int_equal(kill(child, SIGKILL), 0);
		int status;
		waitpid(child, &status, 0);
		if (!WIFSIGNALED(status))
			fail_msg("round %llu: the child gave up: %d", (unsigned long long)round, WEXITSTATUS(status));
		uint64_t acknowledged = there, next;
		while (read(ends[0], &next, sizeof next) == sizeof next)
			acknowledged = next;
		close(ends[0]);
		if (access(scratch->path, F_OK))
			continue;     /* killed before it made anything */
		if (round % 4 == 1) { /* a reader may be the first to come */
			struct wh_store *store;
			size_t n;
			int code = wh_store_open(&store, scratch->path, WH_STORE_READ, &err);
			if (there || acknowledged) {
				ok(code);
				ok(sample_count(store, "stack", &n, &err));
				assert_true(n >= acknowledged);
			}
			wh_store_close(store);
		}
		uint64_t now = look(scratch->path);
		assert_whole(scratch->path);
		/* one commit may have happened whose word did not get out */
		if (now != acknowledged && now != end_of(acknowledged))
			fail_msg("round %llu: %llu acknowledged, %llu there", (unsigned long long)round,
				 (unsigned long long)acknowledged, (unsigned long long)now);
		progress += now != there;
		total += now - there;
		there = now;
		if (there > 15000) { /* looking takes longer than importing: from the start again */
			scratch_clear(scratch);
			there = 0;
		}
	}
	print_message("%d kills, %llu of them after a commit, %llu observations\n", ROUNDS, (unsigned long long)progress,
		      (unsigned long long)total);
	assert_true(progress > ROUNDS / 4);
}

static int pragma(struct wh_store *store, const char *text)
{
	sqlite3_stmt *statement;
	assert_int_equal(sqlite3_prepare_v2(store->db, text, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	const char *value = (const char *)sqlite3_column_text(statement, 0);
	int number = strcmp(value, "wal") ? atoi(value) : -1;
	sqlite3_finalize(statement);
	return number;
}

/* What the promise about power loss rests on. */
static void every_commit_is_synced(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	for (int times = 0; times < 2; times++) {
		ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err));
		assert_int_equal(pragma(store, "PRAGMA journal_mode"), -1);
		assert_int_equal(pragma(store, "PRAGMA synchronous"), 2);
		assert_int_equal(pragma(store, "PRAGMA foreign_keys"), 1);
		wh_store_close(store);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(killed, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(every_commit_is_synced, scratch_make, scratch_remove),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
