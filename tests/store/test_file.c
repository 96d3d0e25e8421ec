/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: what is there, what should not be, and files of other versions. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sample.h"

static struct wh_err err;

static void write_file(const char *path, const char *data, size_t n)
{
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, n, file), n);
	fclose(file);
}

static void make_store(const char *path, uint64_t n)
{
	struct wh_store *store;
	ok(wh_store_open(&store, path, WH_STORE_CREATE, &err));
	ok(wh_store_begin(store, &err));
	for (uint64_t i = 0; i < n; i++)
		ok(sample_add(store, "stack", i, &err));
	ok(wh_store_commit(store, &err));
	wh_store_close(store);
}

static void names(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	char url[128];
	fails(wh_store_open(&store, scratch->path, WH_STORE_READ, &err), WH_E_NOTFOUND, scratch->path);
	assert_null(store);
	fails(wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err), WH_E_NOTFOUND, "no store");
	fails(wh_store_open(&store, "clickhouse://h/db", WH_STORE_CREATE, &err), WH_E_USAGE, "no such kind");
	fails(wh_store_open(&store, "sqlite:", WH_STORE_CREATE, &err), WH_E_USAGE, "without a path");
	fails(wh_store_open(&store, "", WH_STORE_CREATE, &err), WH_E_USAGE, "without a path");
	snprintf(url, sizeof url, "%s/none/s.db", scratch->folder);
	fails(wh_store_open(&store, url, WH_STORE_CREATE, &err), WH_E_IO, "No such file or directory");
	snprintf(url, sizeof url, "sqlite:%s", scratch->path);
	ok(wh_store_open(&store, url, WH_STORE_CREATE, &err));
	wh_store_close(store);
	ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err)); /* what is there stays */
	wh_store_close(store);
	/* names that mean something else to SQLite are file names */
	char before[200];
	assert_non_null(getcwd(before, sizeof before));
	assert_int_equal(chdir(scratch->folder), 0);
	static const char *const strange[] = { ":memory:", "file:x?mode=memory", "a%20b.db" };
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		ok(wh_store_open(&store, strange[i], WH_STORE_CREATE, &err));
		wh_store_close(store);
		assert_int_equal(unlink(strange[i]), 0);
	}
	assert_int_equal(chdir(before), 0);
}

static void not_a_store(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	static const enum wh_store_mode modes[] = { WH_STORE_READ, WH_STORE_WRITE, WH_STORE_CREATE };
	for (size_t m = 0; m < 3; m++) {
		fails(wh_store_open(&store, scratch->folder, modes[m], &err), WH_E_IO, "is a folder");
		fails(wh_store_open(&store, "/dev/null", modes[m], &err), WH_E_IO, "not a regular file");
		char text[5000];
		memset(text, 'x', sizeof text);
		write_file(scratch->path, text, sizeof text);
		fails(wh_store_open(&store, scratch->path, modes[m], &err), WH_E_FORMAT, "not a store of whorl");
		write_file(scratch->path, "x", 1);
		fails(wh_store_open(&store, scratch->path, modes[m], &err), WH_E_FORMAT, "not a store of whorl");
		scratch_clear(scratch);
		sql(scratch->path, "CREATE TABLE t (a)", NULL, 0);
		fails(wh_store_open(&store, scratch->path, modes[m], &err), WH_E_FORMAT, "another program");
		sql(scratch->path, "DROP TABLE t; PRAGMA user_version = 2", NULL, 0);
		fails(wh_store_open(&store, scratch->path, modes[m], &err), WH_E_FORMAT, "another program");
		scratch_clear(scratch);
	}
	write_file(scratch->path, "", 0);
	fails(wh_store_open(&store, scratch->path, WH_STORE_READ, &err), WH_E_FORMAT, "empty");
	fails(wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err), WH_E_FORMAT, "empty");
	ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err)); /* mktemp's, say */
	ok(sample_add(store, "stack", 1, &err));
	wh_store_close(store);
}

/* As a user who is not root, where the test is: to root nothing is read-only. */
static void read_only(void **state)
{
	struct scratch *scratch = *state;
	make_store(scratch->path, 10);
	assert_int_equal(chmod(scratch->path, 0444), 0);
	assert_int_equal(chmod(scratch->folder, 0777), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct wh_store *store;
		size_t n = 0;
		if (!geteuid() && setuid(65534))
			_exit(9);
		if (wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err) != WH_E_IO || !strstr(err.message, "read-only"))
			_exit(1);
		if (wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err) != WH_E_IO || !strstr(err.message, "read-only"))
			_exit(2);
		if (wh_store_open(&store, scratch->path, WH_STORE_READ, &err) != WH_OK ||
		    sample_count(store, "stack", &n, &err) != WH_OK || n != 10)
			_exit(3);
		wh_store_close(store);
		_exit(0);
	}
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	scratch_clear(scratch);
	make_store(scratch->path, 10);
	assert_int_equal(chmod(scratch->folder, 0555), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct wh_store *store;
		if (!geteuid() && setuid(65534))
			_exit(9);
		if (wh_store_open(&store, scratch->path, WH_STORE_READ, &err) != WH_E_IO || !strstr(err.message, "its folder"))
			_exit(4);
		_exit(0);
	}
	waitpid(child, &status, 0);
	assert_int_equal(chmod(scratch->folder, 0777), 0);
	assert_int_equal(status, 0);
}

/* Uses everything that may meet a damaged page; whatever comes back, it comes back. */
static int exercise(const char *path, enum wh_store_mode mode)
{
	struct wh_store *store;
	struct wh_err ignored;
	size_t n;
	uint64_t observations, groups;
	int code = wh_store_open(&store, path, mode, &err), first = code;
	if (code != WH_OK)
		return code;
	code = sample_count(store, "stack", &n, &err);
	first = first ? first : code;
	if (wh_store_count(store, "stack", &observations, &groups, first ? &ignored : &err) != WH_OK && !first)
		first = err.code;
	for (uint64_t i = 0; mode != WH_STORE_READ && i < 20; i++) {
		code = sample_add(store, "stack", 100000 + i, first ? &ignored : &err);
		first = first ? first : code;
	}
	wh_store_close(store);
	return first;
}

static char *read_file(const char *path, size_t *n)
{
	struct stat found;
	assert_int_equal(stat(path, &found), 0);
	*n = (size_t)found.st_size;
	char *data = malloc(*n);
	FILE *file = fopen(path, "rb");
	assert_true(data && file && fread(data, 1, *n, file) == *n);
	fclose(file);
	return data;
}

static void truncated(void **state)
{
	struct scratch *scratch = *state;
	size_t n;
	make_store(scratch->path, 300);
	char *data = read_file(scratch->path, &n);
	assert_true(n > 100000);
	for (uint64_t i = 0; i < 200; i++) {
		size_t kept = i < 20 ? i * 7 + 1 : (size_t)(wh_hash_u64(i) % (n - 1)) + 1;
		scratch_clear(scratch);
		write_file(scratch->path, data, kept);
		int code = exercise(scratch->path, i % 2 ? WH_STORE_READ : WH_STORE_WRITE);
		if (code != WH_E_FORMAT)
			fail_msg("%zu of %zu bytes: %s: %s", kept, n, wh_code_name(code), err.message);
	}
	free(data);
}

/* Bytes changed anywhere: an error or not, but never a crash, and never a value that was not checked against its size. */
static void damaged(void **state)
{
	struct scratch *scratch = *state;
	size_t n, errors = 0;
	make_store(scratch->path, 300);
	char *data = read_file(scratch->path, &n), *bad = malloc(n);
	assert_non_null(bad);
	for (uint64_t i = 0; i < 400; i++) {
		memcpy(bad, data, n);
		uint64_t random = wh_hash_u64(i + 1);
		size_t at = (size_t)(random % n), length = i % 4 ? 1 + random % 16 : 4096;
		for (size_t k = at; k < n && k < at + length; k++)
			bad[k] = (char)wh_hash_u64(random + k);
		scratch_clear(scratch);
		write_file(scratch->path, bad, n);
		int code = exercise(scratch->path, i % 2 ? WH_STORE_READ : WH_STORE_WRITE);
		errors += code != WH_OK;
		/* INTERNAL is sample_check's: a body of the right size with other letters */
		if (code != WH_OK && code != WH_E_FORMAT && code != WH_E_INTERNAL && code != WH_E_IO && code != WH_E_CONFLICT)
			fail_msg("case %llu: %s: %s", (unsigned long long)i, wh_code_name(code), err.message);
	}
	assert_true(errors > 100);
	free(bad);
	free(data);
}

static void a_newer_version_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store, *early;
	make_store(scratch->path, 3);
	ok(wh_store_open(&early, scratch->path, WH_STORE_WRITE, &err));
	sql(scratch->path, "PRAGMA user_version = 9", NULL, 0);
	for (int mode = WH_STORE_READ; mode <= WH_STORE_CREATE; mode++)
		fails(wh_store_open(&store, scratch->path, (enum wh_store_mode)mode, &err), WH_E_FORMAT,
		      "version 9 is newer than 2");
	/* nor does a writer that was there before write into it */
	fails(sample_add(early, "stack", 4, &err), WH_E_FORMAT, "version 9 is newer than 2");
	fails(wh_store_begin(early, &err), WH_E_FORMAT, "version 9 is newer than 2");
	wh_store_close(early);
	sql(scratch->path, "PRAGMA user_version = 0", NULL, 0);
	fails(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err), WH_E_FORMAT, "no schema version");
}

static const char *fixture; /* the folder of version_1.sql */

static void make_version_1(const char *path)
{
	char name[1024];
	size_t n;
	snprintf(name, sizeof name, "%s/version_1.sql", fixture);
	char *text = read_file(name, &n);
	text[n - 1] = '\0';
	sql(path, text, NULL, 0);
	free(text);
}

static int see_saying(void *user, const struct wh_store_saying *s, struct wh_err *e)
{
	*(int64_t *)user = *(int64_t *)user * 100 + s->number * 10 + s->part_of;
	return WH_OK;
}

static void check_migrated(const char *path, enum wh_store_mode mode)
{
	struct wh_store *store;
	char text[32], *current;
	size_t n;
	int64_t seen = 0;
	ok(wh_store_open(&store, path, mode, &err));
	ok(sample_count(store, "stack", &n, &err));
	assert_int_equal(n, 2);
	ok(wh_store_each_saying(store, "stack", true, see_saying, &seen, &err));
	assert_int_equal(seen, 1020); /* numbers 1 and 2, part of nothing */
	ok(wh_store_resolve_group(store, "stack", "g000000000001", &current, &err));
	assert_string_equal(current, "g000000000002");
	free(current);
	wh_store_close(store);
	sql(path, "PRAGMA user_version", text, sizeof text);
	assert_string_equal(text, "2");
	assert_whole(path);
	ok(wh_store_open(&store, path, WH_STORE_WRITE, &err));
	struct wh_store_saying part = { .word = WH_STORE_TOGETHER, .a = "r1", .b = "r2", .part_of = 1 };
	ok(wh_store_say(store, "stack", &part, &err));
	ok(wh_store_undo(store, "stack", 1, 2, &err));
	seen = 0;
	ok(wh_store_each_saying(store, "stack", false, see_saying, &seen, &err));
	assert_int_equal(seen, 20);
	wh_store_close(store);
}

static void an_older_version_is_migrated(void **state)
{
	struct scratch *scratch = *state;
	for (int mode = WH_STORE_READ; mode <= WH_STORE_CREATE; mode++) {
		make_version_1(scratch->path);
		check_migrated(scratch->path, (enum wh_store_mode)mode);
		scratch_clear(scratch);
	}
	/* the same tables as a new file has */
	static const char shape[] = "SELECT group_concat(x, ' ') FROM (SELECT m.name || ':' || p.name || ':' || p.type AS x"
				    " FROM sqlite_schema m, pragma_table_xinfo(m.name) p ORDER BY 1)";
	char migrated[4000] = "", fresh[4000] = "";
	struct wh_store *store;
	make_version_1(scratch->path);
	ok(wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err));
	wh_store_close(store);
	sql(scratch->path, shape, migrated, sizeof migrated);
	scratch_clear(scratch);
	make_store(scratch->path, 0);
	sql(scratch->path, shape, fresh, sizeof fresh);
	assert_string_equal(migrated, fresh);
	assert_non_null(strstr(fresh, "saying:part_of:INTEGER"));
}

/* Two at once on an old file: one migrates, the other finds it done. And a migration that fails leaves the old version. */
static void migration_is_one_transaction(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	char text[32];
	make_version_1(scratch->path);
	sql(scratch->path, "CREATE TABLE saying_part_of (a)", NULL, 0); /* in the way of the index */
	assert_int_not_equal(wh_store_open(&store, scratch->path, WH_STORE_WRITE, &err), WH_OK);
	assert_int_not_equal(wh_store_open(&store, scratch->path, WH_STORE_READ, &err), WH_OK);
	assert_non_null(strstr(err.message, "from version 1 to 2"));
	sql(scratch->path, "PRAGMA user_version", text, sizeof text);
	assert_string_equal(text, "1");
	sql(scratch->path, "SELECT count(*) FROM pragma_table_info('saying') WHERE name = 'part_of'", text, sizeof text);
	assert_string_equal(text, "0");
	sql(scratch->path, "DROP TABLE saying_part_of", NULL, 0);
	pid_t children[4];
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i])
			_exit(wh_store_open(&store, scratch->path, i % 2 ? WH_STORE_READ : WH_STORE_WRITE, &err));
	}
	for (size_t i = 0; i < 4; i++) {
		int status;
		waitpid(children[i], &status, 0);
		assert_int_equal(status, 0);
	}
	check_migrated(scratch->path, WH_STORE_READ);
}

int main(int argc, char **argv)
{
	fixture = argc > 1 ? argv[1] : "tests/store";
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
		CASE(names),
		CASE(not_a_store),
		CASE(read_only),
		CASE(truncated),
		CASE(damaged),
		CASE(a_newer_version_is_refused),
		CASE(an_older_version_is_migrated),
		CASE(migration_is_one_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
