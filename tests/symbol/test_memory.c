/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation of normalising fails in turn: the error is returned, nothing leaks, and the next try works. Without D's names:
 * libiberty ends the process where it has no memory for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/normalise.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

static long left = -1; /* allocations that still succeed; below 0: all */

static int fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }

static int once(const struct wh_values *values, struct wh_err *err)
{
	static struct wh_frame frames[] = {
		{ .function = "raise" },
		{ .function = "abort" },
		{ .function = "_ZN1a1bEi.isra.0", .module = "/lib/libx.so.1" },
		{ .function = "std::vector<int>::push_back(int const&)", .module = "m!x" },
		{ .module = "/lib/liby.so.2", .offset = 5, .has_offset = true },
		{ .function = "f", .file = "/a/b.py" },
		{ .function = "com.foo.Bar$$Lambda$14/0x00.run" },
	};
	static char names[300][8];
	struct wh_frame many[300];
	for (size_t i = 0; i < 300; i++) { /* so that the cache grows */
		snprintf(names[i], sizeof names[i], "g%zu", i);
		many[i] = (struct wh_frame){ .function = names[i] };
	}
	struct wh_stack stack = { .frames = frames, .n_frames = sizeof frames / sizeof *frames }, large = { .frames = many, .n_frames = 300 };
	struct wh_normaliser *normaliser = NULL;
	struct wh_normal_cache *cache = NULL;
	struct wh_normal_frame *normal;
	struct wh_arena arena;
	size_t n;
	wh_arena_init(&arena, (size_t)1 << 24);
	int code = wh_normaliser_new(&normaliser, values, err);
	if (code == WH_OK && !(cache = wh_normal_cache_new()))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (int turn = 0; code == WH_OK && turn < 2; turn++)
		code = wh_normalise(normaliser, cache, &stack, &arena, &normal, &n, NULL, NULL, err);
	if (code == WH_OK) {
		assert_int_equal(n, 5);
		code = wh_normalise(normaliser, NULL, &large, &arena, &normal, &n, NULL, NULL, err);
	}
	if (code == WH_OK)
		assert_int_equal(n, 300);
	wh_arena_release(&arena);
	wh_normal_cache_free(cache);
	wh_normaliser_free(normaliser);
	return code;
}

static void each_in_turn(void **state)
{
	(void)state;
	struct wh_values values;
	struct wh_err err = { 0 };
	long k = 0;
	int code;
	assert_int_equal(wh_values_init(&values, wh_normalise_params, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "identity", "module-offset", &err), WH_OK);
	do {
		left = k++;
		code = once(&values, &err);
		left = -1;
		if (code != WH_OK)
			assert_int_equal(code, WH_E_NOMEM);
	} while (code != WH_OK);
	assert_true(k > 50);
	wh_values_release(&values);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_in_turn) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
