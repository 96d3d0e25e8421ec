/* SPDX-License-Identifier: Apache-2.0 */
/* Reading cores while each allocation in turn fails, and with arenas that are too small: what there is room for, or the error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/input.h"
#include "failing.h"
#include "format/format.h"
#include "format/stack/list.h"
#include "observation/stack.h"
#include "symbol/module.h"

static const char *folder;

struct seen {
	size_t taken, skipped, frames;
};

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct seen *seen = user;
	seen->taken++;
	seen->frames = ((const struct wh_stack *)o->body)->n_frames;
	return WH_OK;
}

static int pass_over(void *user, size_t line, const char *why, struct wh_err *err)
{
	struct seen *seen = user;
	assert_true(line && why && *why);
	seen->skipped++;
	return WH_OK;
}

/* Reads a machine's core with its program, one allocation failing; the code, what was seen, and how many allocations there were. */
static int read_core(const char *machine, size_t limit, long fails, struct seen *seen, long *allocations)
{
	char core[512], program[512];
	struct wh_values values;
	struct wh_input input;
	struct wh_arena arena;
	struct wh_modules *modules = NULL;
	struct wh_err err = { 0 };
	snprintf(core, sizeof core, "%s/%s.core", folder, machine);
	snprintf(program, sizeof program, "%s/%s.elf", folder, machine);
	assert_int_equal(wh_values_init(&values, wh_symbol_params, &err), WH_OK);
	assert_int_equal(wh_values_set(&values, "executable", program, &err), WH_OK);
	assert_int_equal(wh_input_open(&input, core, &err), WH_OK);
	*seen = (struct seen){ 0 };
	wh_arena_init(&arena, limit);
	failing_at(fails);
	int code = wh_modules_new(&modules, &values, &err);
	struct wh_reader reader = { .describe = true, .name = machine, .text = input.text, .size = input.size, .first_line = 1, .arena = &arena,
				    .take = take, .skip = pass_over, .user = seen, .format = &wh_format_core, .options = &values, .context = modules };
	if (code == WH_OK)
		code = wh_format_core.read(&reader, &err);
	*allocations = failing_end();
	assert_true(code == WH_OK || (code == WH_E_NOMEM && *err.message));
	assert_true(arena.total <= limit || !arena.block);
	wh_modules_free(modules);
	wh_arena_release(&arena);
	wh_input_release(&input);
	wh_values_release(&values);
	return code;
}

static const char *const machines[] = { "x86_64", "x86", "arm64", "arm" };

static void every_allocation_may_fail(void **state)
{
	size_t failures = 0;
	for (size_t m = 0; m < sizeof machines / sizeof *machines; m++) {
		struct seen seen;
		long all, n;
		assert_int_equal(read_core(machines[m], (size_t)64 << 20, -1, &seen, &all), WH_OK);
		assert_int_equal(seen.taken, 1);
		assert_int_equal(seen.frames, 8);
		for (long k = 0; k < all; k++) {
			int code = read_core(machines[m], (size_t)64 << 20, k, &seen, &n);
			assert_true(code == WH_E_NOMEM || seen.taken + seen.skipped == 1);
			failures += code == WH_E_NOMEM;
		}
	}
	assert_true(failures > 20);
}

static void arenas_have_limits(void **state)
{
	size_t skipped = 0, taken = 0;
	for (size_t m = 0; m < sizeof machines / sizeof *machines; m++)
		for (size_t limit = 256; limit <= (size_t)1 << 20; limit += limit / 4) {
			struct seen seen;
			long n;
			assert_int_equal(read_core(machines[m], limit, -1, &seen, &n), WH_OK);
			assert_int_equal(seen.taken + seen.skipped, 1);
			skipped += seen.skipped;
			taken += seen.taken;
		}
	assert_true(skipped && taken);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail), cmocka_unit_test(arenas_have_limits) };
	folder = argc > 1 ? argv[1] : "tests/data/core";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
