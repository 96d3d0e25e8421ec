/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails in turn, alone or with all that follow: ours (wrapped by the linker), zstd's (as its calls report it)
 * and SQLite's (its allocator is ours here). A call then answers WH_E_NOMEM, or does what it should without the memory; what a
 * transaction had committed before stays, what it had not leaves no trace, and the same handle works on when there is memory.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include "sample.h"

static struct wh_err err;

/* ---- failing ---- */

static long left = -1; /* allocations until one fails; below 0: none does */
static bool for_ever, failed_once;

static bool now(void)
{
	if (left < 0 || left-- > 0)
		return false;
	failed_once = true;
	if (for_ever)
		left = 0;
	return true;
}

static void fail_at(long n, bool ever)
{
	left = n;
	for_ever = ever;
	failed_once = false;
}

void *__real_malloc(size_t);
void *__wrap_malloc(size_t);
void *__wrap_malloc(size_t n)
{
	return now() ? NULL : __real_malloc(n);
}
void *__real_calloc(size_t, size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_calloc(size_t n, size_t size)
{
	return now() ? NULL : __real_calloc(n, size);
}
void *__real_realloc(void *, size_t);
void *__wrap_realloc(void *, size_t);
void *__wrap_realloc(void *p, size_t n)
{
	return now() ? NULL : __real_realloc(p, n);
}
char *__real_strdup(const char *);
char *__wrap_strdup(const char *);
char *__wrap_strdup(const char *text)
{
	return now() ? NULL : __real_strdup(text);
}
int __wrap_asprintf(char **, const char *, ...) WH_PRINTF(2, 3);
int __wrap_asprintf(char **text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int n = now() ? -1 : vasprintf(text, format, arguments);
	va_end(arguments);
	return n;
}
ZSTD_CCtx *__real_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void);
ZSTD_CCtx *__wrap_ZSTD_createCCtx(void)
{
	return now() ? NULL : __real_ZSTD_createCCtx();
}
ZSTD_DCtx *__real_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void);
ZSTD_DCtx *__wrap_ZSTD_createDCtx(void)
{
	return now() ? NULL : __real_ZSTD_createDCtx();
}
size_t __real_ZSTD_compressCCtx(ZSTD_CCtx *, void *, size_t, const void *, size_t, int);
size_t __wrap_ZSTD_compressCCtx(ZSTD_CCtx *, void *, size_t, const void *, size_t, int);
size_t __wrap_ZSTD_compressCCtx(ZSTD_CCtx *z, void *to, size_t room, const void *from, size_t n, int level)
{
	return now() ? (size_t)-ZSTD_error_memory_allocation : __real_ZSTD_compressCCtx(z, to, room, from, n, level);
}
size_t __real_ZSTD_decompressDCtx(ZSTD_DCtx *, void *, size_t, const void *, size_t);
size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *, void *, size_t, const void *, size_t);
size_t __wrap_ZSTD_decompressDCtx(ZSTD_DCtx *z, void *to, size_t room, const void *from, size_t n)
{
	return now() ? (size_t)-ZSTD_error_memory_allocation : __real_ZSTD_decompressDCtx(z, to, room, from, n);
}

static sqlite3_mem_methods genuine;
static void *sqlite_malloc(int n)
{
	return now() ? NULL : genuine.xMalloc(n);
}
static void *sqlite_realloc(void *p, int n)
{
	return now() ? NULL : genuine.xRealloc(p, n);
}

/* ---- what is done ---- */

static int see_group(void *user, const struct wh_store_group *g, struct wh_err *e)
{
	*(uint64_t *)user += g->observations;
	return WH_OK;
}

static int see_saying(void *user, const struct wh_store_saying *s, struct wh_err *e)
{
	++*(uint64_t *)user;
	return WH_OK;
}

static int see_model(void *user, const struct wh_store_model *m, struct wh_err *e)
{
	return m->file.size == 5 ? WH_OK : wh_err_set(e, WH_E_INTERNAL, "not the model");
}

static int see_state(void *user, struct wh_bytes bytes, struct wh_err *e)
{
	return bytes.size == 5 ? WH_OK : wh_err_set(e, WH_E_INTERNAL, "not the state");
}

/* One transaction of everything; what it reads must be right or an error. */
static int write_everything(struct wh_store *store)
{
	struct wh_bytes five = { "12345", 5 };
	struct wh_store_group one = { .id = "g1", .fingerprint = five }, two = { .id = "g2", .label = "two" };
	struct wh_store_saying merge = { .who = "ann", .word = WH_STORE_MERGE, .a = "g1", .b = "g2" };
	int64_t number;
	bool added;
	struct sample s;
	WH_TRY(wh_store_begin(store, &err));
	for (uint64_t i = 95; i < 99; i++)
		WH_TRY(sample_add(store, "stack", i, &err));
	WH_TRY(wh_store_add(store, "stack", sample(&s, 95), &added, &err));
	if (added)
		return wh_err_set(&err, WH_E_INTERNAL, "added twice");
	WH_TRY(wh_store_add_group(store, "stack", &one, &err));
	WH_TRY(wh_store_add_group(store, "stack", &two, &err));
	WH_TRY(wh_store_update(store, "stack", s.o.row, (struct wh_bytes){ 0 }, "g1", 1, "label", &err));
	WH_TRY(wh_store_replace(store, "stack", s.o.row, s.o.body, s.o.body_hash, s.o.fingerprint, false, &err));
	WH_TRY(wh_store_update_group(store, "stack", "g1", "one", "g2", &err));
	WH_TRY(wh_store_add_model(store, "stack", five, &number, &err));
	WH_TRY(wh_store_set_state(store, "stack", "key", five, &err));
	WH_TRY(wh_store_say(store, "stack", &merge, &err));
	struct wh_store_saying part = { .word = WH_STORE_TOGETHER, .a = "r1", .b = "r2", .part_of = merge.number };
	WH_TRY(wh_store_say(store, "stack", &part, &err));
	struct wh_store_saying back = { .word = WH_STORE_SPLIT, .a = "g1", .text = "why" };
	WH_TRY(wh_store_say(store, "stack", &back, &err));
	WH_TRY(wh_store_undo(store, "stack", merge.number, back.number, &err));
	return wh_store_commit(store, &err);
}

static int read_everything(struct wh_store *store)
{
	size_t n;
	uint64_t members = 0, sayings = 0, observations, groups;
	char *current;
	WH_TRY(sample_count(store, "stack", &n, &err));
	WH_TRY(wh_store_count(store, "stack", &observations, &groups, &err));
	WH_TRY(wh_store_get(store, "stack", "r98", WH_STORE_BODY | WH_STORE_FINGERPRINT, sample_check, &n, &err));
	WH_TRY(wh_store_each(store, "stack", "g1", WH_STORE_BODY | WH_STORE_FINGERPRINT, sample_check, &n, &err));
	WH_TRY(wh_store_each_group(store, "stack", true, see_group, &members, &err));
	WH_TRY(wh_store_resolve_group(store, "stack", "g1", &current, &err));
	bool right = !strcmp(current, "g2");
	free(current);
	WH_TRY(wh_store_get_model(store, "stack", 0, see_model, NULL, &err));
	WH_TRY(wh_store_get_state(store, "stack", "key", see_state, NULL, &err));
	WH_TRY(wh_store_each_saying(store, "stack", true, see_saying, &sayings, &err));
	right &= observations == 4 && groups == 1 && members == 1 && sayings == 3;
	return right ? WH_OK : wh_err_set(&err, WH_E_INTERNAL, "not what was written");
}

static long failures; /* that were tried, over all */

static void check_code(const char *what, long k, int code)
{
	failures += failed_once;
	if (failed_once ? code != WH_OK && code != WH_E_NOMEM : code != WH_OK)
		fail_msg("%s, allocation %ld%s: %s: %s", what, k, for_ever ? " and all after" : "", wh_code_name(code),
			 err.message);
}

/* ---- the tests ---- */

static void opening(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err));
	wh_store_close(store);
	for (int mode = WH_STORE_READ; mode <= WH_STORE_CREATE; mode++)
		for (int ever = 0; ever < 2; ever++) {
			failed_once = true;
			for (long k = 0; failed_once; k++) {
				if (mode == WH_STORE_CREATE)
					scratch_clear(scratch);
				fail_at(k, ever);
				int code = wh_store_open(&store, scratch->path, (enum wh_store_mode)mode, &err);
				left = -1;
				check_code("open", k, code);
				wh_store_close(store);
			}
		}
	assert_whole(scratch->path);
}

static void writing(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	for (int ever = 0; ever < 2; ever++) {
		failed_once = true;
		for (long k = 0; failed_once; k++) {
			scratch_clear(scratch);
			ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err));
			fail_at(k, ever);
			int code = write_everything(store);
			if (code != WH_OK)
				wh_store_rollback(store); /* while memory still fails */
			left = -1;
			check_code("write", k, code);
			if (code != WH_OK) {
				uint64_t observations = 9, groups = 9;
				ok(wh_store_count(store, "stack", &observations, &groups, &err));
				assert_int_equal(observations + groups, 0);
				ok(write_everything(store));
			}
			ok(read_everything(store));
			wh_store_close(store);
			if (k % 16 == 0)
				assert_whole(scratch->path);
		}
	}
}

static void reading(void **state)
{
	struct scratch *scratch = *state;
	struct wh_store *store;
	ok(wh_store_open(&store, scratch->path, WH_STORE_CREATE, &err));
	ok(write_everything(store));
	wh_store_close(store);
	for (int ever = 0; ever < 2; ever++) {
		failed_once = true;
		for (long k = 0; failed_once; k++) {
			ok(wh_store_open(&store, scratch->path, WH_STORE_READ, &err));
			fail_at(k, ever);
			int code = read_everything(store);
			left = -1;
			check_code("read", k, code);
			ok(read_everything(store));
			wh_store_close(store);
		}
	}
}

int main(void)
{
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &genuine);
	sqlite3_mem_methods failing = genuine;
	failing.xMalloc = sqlite_malloc;
	failing.xRealloc = sqlite_realloc;
	if (sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK)
		return 1;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opening, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(writing, scratch_make, scratch_remove),
		cmocka_unit_test_setup_teardown(reading, scratch_make, scratch_remove),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	print_message("%ld allocations failed\n", failures);
	return failed || failures < 1000;
}
