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

#include "failing.h"
#include "symbol/normalise.h"

static int once(const void *values, struct wh_err *err)
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
	assert_int_equal(wh_values_init(&values, wh_normalise_params, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "identity", "module-offset", &err), WH_OK);
	assert_true(failing_each(once, &values, NULL) >= 50);
	wh_values_release(&values);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_in_turn) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
