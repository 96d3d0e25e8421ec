/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation of a session method's life fails once: WH_E_NOMEM each time, and nothing leaks or is touched twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "failing.h"
#include "kaboom.h"
#include "method/kaboom/methods.h"

enum { POINTS = 12 };

struct life {
	const struct wh_method *method;
	const struct wh_values *values;
	const struct made *made;
};

static int use(const struct life *life, void *space, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_location at;
	static const char *const metrics[] = { "no such metric", "leak0.0", "leak1.0" };
	struct wh_mutation mutations[3];
	WH_TRY(life->method->add(space, life->made->sessions.data[POINTS], err));
	WH_TRY(life->method->locate(space, POINTS, &at, err));
	life->method->drop(space);
	return life->method->mutate(space, life->made->sessions.data[0], metrics, 3, NULL, arena, &at, mutations, err);
}

static int learn(const struct life *life, void *space, struct wh_arena *arena, struct wh_str *saved, struct wh_err *err)
{
	uint32_t weight[POINTS], of[POINTS];
	const struct wh_host host = { .threads = 2 };
	size_t n;
	for (size_t i = 0; i < POINTS; i++) {
		weight[i] = 1;
		WH_TRY(life->method->add(space, life->made->sessions.data[i], err));
	}
	WH_TRY(life->method->freeze(space, &host, err));
	WH_TRY(life->method->group(space, weight, &host, of, &n, err));
	WH_TRY(use(life, space, arena, err));
	return life->method->save(space, saved, err);
}

static int read(const struct life *life, void *space, const struct wh_str *saved, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_location at;
	WH_TRY(life->method->load(space, (struct wh_bytes){ saved->data, saved->n }, err));
	for (size_t i = 0; i < POINTS; i++)
		WH_TRY(life->method->add(space, life->made->sessions.data[i], err));
	WH_TRY(life->method->freeze(space, NULL, err));
	WH_TRY(life->method->locate(space, 3, &at, err));
	return use(life, space, arena, err);
}

static int live(const void *user, struct wh_err *err)
{
	const struct life *life = user;
	struct wh_str saved = { 0 };
	struct wh_arena arena;
	void *space = NULL, *other = NULL;
	wh_arena_init(&arena, SIZE_MAX);
	int code = life->method->open(life->method, life->values, &space, err);
	if (code == WH_OK)
		code = learn(life, space, &arena, &saved, err);
	if (code == WH_OK)
		code = life->method->open(life->method, life->values, &other, err);
	if (code == WH_OK)
		code = read(life, other, &saved, &arena, err);
	if (space)
		life->method->close(space);
	if (other)
		life->method->close(other);
	wh_str_release(&saved);
	wh_arena_release(&arena);
	return code;
}

/* gauges: steps of sessions of such; 0: leaks. */
static void try(const struct wh_method *method, const char *const *set, unsigned gauges)
{
	struct made made;
	struct wh_rng rng;
	struct wh_values values;
	struct wh_err err = { 0 };
	long spared; /* a thread that cannot be started is done without */
	wh_rng_init(&rng, 1);
	made_init(&made);
	for (unsigned i = 0; i <= POINTS; i++) {
		if (gauges)
			made_gauges(&made, &rng, i % 3, gauges);
		else
			made_leak(&made, &rng, i % 3, 3, 12);
		made_finish(&made, NULL);
	}
	assert_int_equal(wh_values_init(&values, method->params, &err), WH_OK);
	for (; *set; set += 2)
		assert_int_equal(wh_values_set(&values, set[0], set[1], &err), WH_OK);
	const struct life life = { method, &values, &made };
	assert_true(failing_each(live, &life, &spared) > 40);
	wh_values_release(&values);
	made_release(&made);
}

static void test_session(void **state)
{
	static const char *const set[] = { "k", "3", "alarm", "0.5", NULL };
	(void)state;
	try(&wh_method_session, set, 0);
	try(&wh_method_session, set, 1);
	try(&wh_method_session, set, 10);
}

static void test_kaboom(void **state)
{
	static const char *const vae[] = { "k", "3", "alarm", "0.5", "network", "vae", "timesteps", "4", "hidden", "4", "latent", "2", "epochs", "1", NULL };
	static const char *const none[] = { "k", "3", "alarm", "0.5", "network", "none", "timesteps", "4", "scale", "z", NULL };
	(void)state;
	try(&wh_method_kaboom, vae, 0);
	try(&wh_method_kaboom, none, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_kaboom),
	};
	return cmocka_run_group_tests_name("session methods without memory", tests, NULL, NULL);
}
