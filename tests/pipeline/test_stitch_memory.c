/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of dumps as one session, short of memory: it ends in WH_E_NOMEM, or well; nothing leaks (AddressSanitizer looks). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <whorl/verb.h>
#include <whorl/writer.h>

#include "failing.h"

static const char *const names[] = { "a", "a/1.csv", "a/2.csv", "a/10.csv", "a/README", "a/b", "a/b/1.csv" };

static int discard(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)data, (void)err;
	*(size_t *)user += n;
	return WH_OK;
}

static int show(const void *user, struct wh_err *err)
{
	static const char *const operands[] = { "a", NULL };
	static const struct wh_host host = { .threads = 1, .seed = 1 };
	const struct wh_signal *signal = user;
	const struct wh_verb *verb = wh_verb_find(signal, "show");
	struct wh_call call = { .signal = signal, .method = signal->methods[0], .store = "whorl.db", .operands = operands, .n_operands = 1, .host = &host };
	size_t written = 0;
	int code = wh_values_init(&call.options, verb->options, err);
	if (code == WH_OK)
		code = wh_values_init(&call.input, wh_input_params, err);
	if (code == WH_OK)
		code = wh_values_init(&call.reading, signal->reading, err);
	if (code == WH_OK)
		code = wh_values_set(&call.reading, "stitch", "true", err);
	if (code == WH_OK)
		code = wh_values_init(&call.settings, signal->settings, err);
	struct wh_emit *out = code == WH_OK ? wh_writer_json_new((struct wh_sink){ discard, &written }, true) : NULL;
	if (code == WH_OK)
		code = out ? verb->run(&call, out, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_writer_json_free(out);
	if (code == WH_OK && written < 100)
		fail_msg("%zu bytes", written);
	wh_values_release(&call.options);
	wh_values_release(&call.input);
	wh_values_release(&call.reading);
	wh_values_release(&call.settings);
	return code;
}

static void test_show(void **state)
{
	const struct wh_signal *signal = NULL;
	long spared = 0;
	(void)state;
	for (size_t i = 0; wh_signals[i]; i++)
		if (!strcmp(wh_signals[i]->noun, "session"))
			signal = wh_signals[i];
	assert_non_null(signal);
	long all = failing_each(show, signal, &spared);
	assert_true(all > 40);
	assert_true(spared < all / 4); /* a file that cannot be looked into is of no known format */
}

static char folder[] = "/tmp/whorl-stitch-XXXXXX";

static int enter(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder))
		return -1;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		FILE *file = strchr(names[i], '.') || strstr(names[i], "READ") ? fopen(names[i], "w") : NULL;
		if (!file && mkdir(names[i], 0755))
			return -1;
		if (file && (fprintf(file, strchr(names[i], '.') ? "timestep,x\n%zu,1\n" : "what this is: %zu\n", i) < 0 || fclose(file)))
			return -1;
	}
	return 0;
}

static int leave(void **state)
{
	(void)state;
	for (size_t i = sizeof names / sizeof *names; i-- > 0;)
		(void)remove(names[i]);
	return chdir("/") || rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_show) };
	return cmocka_run_group_tests(tests, enter, leave);
}
