/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk: the error says so, what was committed stays, and writing goes on when there is room. */
#include <errno.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sample.h"

static struct wh_err err;

/* Commits transactions of 100 until one fails; *kept: what was acknowledged. */
static int fill(struct wh_store *store, uint64_t *kept, struct wh_err *e)
{
	for (uint64_t i = *kept;; i += 100) {
		int code = wh_store_begin(store, e);
		for (uint64_t k = 0; code == WH_OK && k < 100; k++)
			code = sample_add(store, "stack", i + k, e);
		if (code == WH_OK)
			code = wh_store_commit(store, e);
		if (code != WH_OK) {
			wh_store_rollback(store);
			return code;
		}
		*kept = i + 100;
		if (*kept > 1000000)
			return wh_err_set(e, WH_E_INTERNAL, "it never gets full");
	}
}

static void expect(struct wh_store *store, uint64_t kept)
{
	size_t n;
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, kept);
}

static void make_ballast(const char *path, size_t bytes)
{
	static const char zeros[4096];
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	for (size_t i = 0; i < bytes / sizeof zeros; i++)
		assert_int_equal(fwrite(zeros, sizeof zeros, 1, file), 1);
	assert_int_equal(fclose(file), 0);
}

/* A file system of 8 MiB with 1 MiB of ballast. */
static void disk_full(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store, *other;
	char ballast[128];
	uint64_t kept = 0;
	if (mount("whorl-test", scratch->folder, "tmpfs", 0, "size=8m")) {
		print_message("skipped: cannot mount a small file system: %s\n", strerror(errno));
		skip();
	}
	snprintf(ballast, sizeof ballast, "%s/ballast", scratch->folder);
	make_ballast(ballast, 1 << 20);
	ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err));
	fails(fill(store, &kept, &err), WH_E_IO, "disk full");
	assert_true(kept > 500);
	expect(store, kept);
	/* in a transaction the first failure ends it: nothing that follows may look as if it was kept */
	ok(wh_store_begin(store, &err));
	int code = WH_OK;
	uint64_t i = kept;
	while (code == WH_OK && i < kept + 100000)
		code = sample_add(store, "stack", i++, &err);
	if (code == WH_OK)
		code = wh_store_commit(store, &err);
	assert_int_equal(code, WH_E_IO);
	assert_non_null(strstr(err.message, "disk full"));
	fails(sample_add(store, "stack", i, &err), WH_E_IO, "an earlier error has ended the transaction");
	fails(wh_store_commit(store, &err), WH_E_IO, "an earlier error has ended the transaction");
	/* one alone, until even the last room is used */
	for (i = 0, code = WH_OK; code == WH_OK && i < 100000; i++)
		code = sample_add(store, "kernel", i, &err);
	assert_int_equal(code, WH_E_IO);
	assert_non_null(strstr(err.message, "disk full"));
	expect(store, kept);
	/* another one can read meanwhile, and a new process too, or it says why not */
	code = wh_store_open(&other, scratch->path, WH_STORE_READ, &err);
	if (code == WH_OK)
		expect(other, kept);
	else
		assert_non_null(strstr(err.message, "disk full"));
	wh_store_close(other);
	assert_int_equal(unlink(ballast), 0);
	uint64_t before = kept;
	fails(fill(store, &kept, &err), WH_E_IO, "disk full");
	assert_true(kept > before);
	expect(store, kept);
	wh_store_close(store); /* cannot move all of its log into the file; that is no loss */
	code = wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err);
	if (code == WH_OK)
		expect(store, kept);
	else
		assert_non_null(strstr(err.message, "disk full"));
	wh_store_close(store);
	char options[32] = "size=64m";
	assert_int_equal(mount("whorl-test", scratch->folder, "tmpfs", MS_REMOUNT, options), 0);
	ok(wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err));
	expect(store, kept);
	ok(sample_add(store, "stack", kept, &err));
	expect(store, kept + 1);
	wh_store_close(store);
	assert_whole(scratch->path);
}

static int unmount(void **state)
{
	struct scratch *scratch = *state;
	scratch_clear(scratch);
	if (umount(scratch->folder) && errno != EINVAL && errno != EPERM)
		return -1;
	return scratch_remove(state);
}

/* The same by a limit on the size of files, which needs no root; in a child, for the limit stays. */
static void file_limit(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	int status, pipes[2];
	uint64_t kept = 0;
	assert_int_equal(pipe(pipes), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct rlimit limit = { 3 << 20, 3 << 20 };
		size_t n;
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) || wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err) != WH_OK)
			_exit(1);
		if (fill(store, &kept, &err) != WH_E_IO || !strstr(err.message, "File too large"))
			_exit((fprintf(stderr, "%s\n", err.message), 2));
		if (sample_count(store, "stack", &n, &err) != WH_OK || n != kept || write(pipes[1], &kept, sizeof kept) < 0)
			_exit(3);
		wh_store_close(store);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (status)
		fail_msg("status %x", (unsigned)status);
	assert_int_equal(read(pipes[0], &kept, sizeof kept), sizeof kept);
	close(pipes[0]);
	close(pipes[1]);
	assert_true(kept > 500);
	ok(wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err));
	expect(store, kept);
	ok(sample_add(store, "stack", kept, &err));
	wh_store_close(store);
	assert_whole(scratch->path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file_limit, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(disk_full, scratch_make, unmount),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return failed ? failed : geteuid() ? 77 : 0; /* 77: the half that needs no root has passed */
}
