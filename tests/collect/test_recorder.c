/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder of sessions called as the pipeline calls it, and short of memory: every allocation fails once in turn. What a dead recorder left is
 * handed over by the next one that has memory, once, whatever failed before. And call sites named from a table that the test writes.
 */
#include <dlfcn.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/input.h"
#include "collect/session/recorder.h"
#include "collect/session/sites.h"
#include "failing.h"

static const char *const NONE[] = { NULL };

static int open_recorder(void **recorder, struct wh_values *values, const char *const *operands, size_t n, bool live, struct wh_err *err)
{
	static const struct wh_host host = { .threads = 1 };
	WH_TRY(wh_values_init(values, wh_recorder_session.options, err));
	int code = wh_values_set(values, "spool", "spool", err);
	if (code == WH_OK)
		code = wh_values_set(values, "allocations", "false", err);
	if (code == WH_OK)
		code = wh_values_set(values, "interval", "5", err);
	return code == WH_OK ? wh_recorder_session.open(recorder, values, operands, n, live, &host, err) : code;
}

struct taking {
	size_t n;
	void *recorder;
	bool settle;
};

static int take(void *user, const struct wh_capture *capture, struct wh_err *err)
{
	struct taking *t = user;
	const char *kept = "";
	t->n++;
	assert_true(!access(capture->input, R_OK) && capture->time_ns > 0);
	assert_string_equal(capture->program, "left");
	return t->settle ? wh_recorder_session.settle(t->recorder, capture, "g", &kept, err) : WH_OK;
}

static int drain(bool settle, size_t *n, struct wh_err *err)
{
	struct wh_values values = { 0 };
	void *recorder = NULL;
	int code = open_recorder(&recorder, &values, NONE, 0, false, err);
	struct taking t = { 0, recorder, settle };
	if (code == WH_OK)
		code = wh_recorder_session.collect(recorder, 10, take, &t, err);
	if (recorder)
		wh_recorder_session.close(recorder);
	wh_values_release(&values);
	*n = t.n;
	return code;
}

static void leave_one(void)
{
	(void)!mkdir("spool", 0700);
	static const char text[] = "whorl-session 1\nA app left\nM 0 a\nM 3 b c\nS 1000\n0 1\n3 2.5\n.\nS 2000\n0 7\n.\nS 3000\n0 8\n";
	assert_int_equal(wh_file_replace("spool/session-1.session", text, sizeof text - 1, NULL), WH_OK);
}

static int drain_once(const void *user, struct wh_err *err)
{
	size_t n;
	(void)user;
	return drain(false, &n, err);
}

static void test_left_behind(void **state)
{
	size_t n;
	(void)state;
	leave_one();
	assert_true(failing_each(drain_once, NULL, NULL) > 20);
	assert_int_equal(drain(true, &n, NULL), WH_OK);
	assert_int_equal(n, 1);
	assert_int_equal(drain(true, &n, NULL), WH_OK);
	assert_int_equal(n, 0);
	assert_int_equal(access("spool", F_OK), -1);
}

/* Of what failed runs before left, too. */
static int take_any(void *user, const struct wh_capture *capture, struct wh_err *err)
{
	struct taking *t = user;
	const char *kept;
	t->n += !strcmp(capture->program, "true") && !access(capture->input, R_OK);
	return wh_recorder_session.settle(t->recorder, capture, "g", &kept, err);
}

/* A command from beginning to end. */
static int record_command(const void *user, struct wh_err *err)
{
	static const char *const command[] = { "true", NULL };
	struct wh_values values = { 0 };
	struct wh_recorder_cost cost;
	void *recorder = NULL;
	(void)user;
	int code = open_recorder(&recorder, &values, command, 1, true, err);
	struct taking t = { 0, recorder, true };
	for (int i = 0; code == WH_OK && i < 100 && !t.n; i++) {
		code = wh_recorder_session.wait(recorder, 100, err);
		if (code == WH_OK)
			code = wh_recorder_session.collect(recorder, 10, take_any, &t, err);
	}
	if (code == WH_OK) {
		assert_true(t.n >= 1);
		assert_true(wh_recorder_session.status(recorder) == 0);
		code = wh_recorder_session.stop(recorder, err);
	}
	if (code == WH_OK)
		code = wh_recorder_session.cost(recorder, &cost, err);
	if (recorder)
		wh_recorder_session.close(recorder);
	wh_values_release(&values);
	return code;
}

static void test_command(void **state)
{
	long spared; /* what cannot be read of a process is not known, and nothing worse */
	(void)state;
	assert_true(failing_each(record_command, NULL, &spared) > 20);
	assert_int_equal(system("rm -rf spool"), 0);
}

/* ---- sites ---- */

void recorder_test_function(void);
__attribute__((noinline)) void recorder_test_function(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

static void write_table(void)
{
	static struct wh_alloc_table table;
	struct dl_find_object found;
	char path[64];
	uint64_t address = (uint64_t)(uintptr_t)recorder_test_function + 2;
	assert_int_equal(_dl_find_object((void *)(uintptr_t)address, &found), 0);
	memcpy(table.magic, WH_ALLOC_MAGIC, sizeof table.magic);
	table.version = WH_ALLOC_VERSION;
	table.n_modules = 1;
	table.failed = 3;
	table.modules[0].ready = 1;
	table.modules[0].base = (uint64_t)(uintptr_t)found.dlfo_map_start;
	table.modules[0].n_head = WH_ALLOC_HEAD;
	memcpy(table.modules[0].head, found.dlfo_map_start, WH_ALLOC_HEAD);
	assert_true(readlink("/proc/self/exe", table.modules[0].path, WH_ALLOC_PATH - 1) > 0);
	table.n_sites = UINT32_MAX; /* more were asked for than there are: those that are there count */
	uint64_t offset = address - table.modules[0].base;
	const uint64_t frames[] = { UINT64_C(1) << 48 | offset, UINT64_C(200) << 48 | 5, 7, UINT64_C(1) << 48 | 0xfffffffffff };
	for (size_t i = 0; i < 4; i++) {
		struct wh_alloc_site *site = &table.sites[i];
		site->ready = i != 2;
		site->n_frames = i == 3 ? 255 : 1; /* more than there is room for */
		site->kind = i == 1;
		for (size_t k = 0; k < WH_ALLOC_FRAMES; k++)
			site->frames[k] = frames[i];
		site->into[0] = 2;
		site->made_objects = 10 * WH_ALLOC_ONE;
		site->made_bytes = 1000;
		site->freed_bytes = i == 3 ? 5000 : 400; /* more than was made: another thread is at it */
	}
	snprintf(path, sizeof path, "tables/" WH_ALLOC_FILE "%d", 77);
	(void)!mkdir("tables", 0700);
	assert_int_equal(wh_file_replace(path, (const char *)&table, sizeof table, NULL), WH_OK);
	assert_int_equal(wh_file_replace("tables/" WH_ALLOC_FILE "78", "short", 5, NULL), WH_OK);
	table.version = 99;
	assert_int_equal(wh_file_replace("tables/" WH_ALLOC_FILE "79", (const char *)&table, sizeof table, NULL), WH_OK);
}

static int sample_sites(const void *user, struct wh_err *err)
{
	const bool *check = user;
	struct wh_sites *sites;
	struct wh_journal j;
	unlink("journal");
	WH_TRY(wh_journal_create(&j, "journal", 5, err));
	int code = wh_sites_new(&sites, "tables", 2, err);
	if (code == WH_OK)
		code = wh_sites_warm(sites, err);
	wh_journal_begin(&j, 1);
	for (int pid = 76; code == WH_OK && pid < 81; pid++)
		code = wh_sites_sample(sites, pid, true, &j, err);
	if (code == WH_OK)
		code = wh_journal_end(&j, err);
	if (code == WH_OK && *check) {
		const char *const name = "heap_bytes test_collect_recorder!recorder_test_function";
		assert_true(wh_journal_now(&j, name) == 600);
		assert_true(wh_journal_now(&j, "heap_objects test_collect_recorder!recorder_test_function") == 10);
		assert_true(wh_journal_now(&j, "mmap_bytes (unknown)") == 600);
		assert_true(wh_journal_now(&j, "failed_allocations") == 3);
		assert_int_equal(wh_sites_counts(sites).failed, 3);
	}
	if (code == WH_OK || sites)
		wh_sites_free(sites);
	wh_journal_release(&j);
	return code;
}

static void test_sites(void **state)
{
	const bool yes = true, no = false;
	struct wh_err err = { 0 };
	(void)state;
	write_table();
	assert_int_equal(sample_sites(&yes, &err), WH_OK);
	long spared;
	assert_true(failing_each(sample_sites, &no, &spared) > 20); /* a symbol less is no error: names are what can be had */
	assert_int_equal(system("rm -r tables journal"), 0);
}

int main(void)
{
	char folder[] = "/tmp/whorl-recorder-XXXXXX";
	if (!mkdtemp(folder) || chdir(folder))
		return 1;
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_left_behind), cmocka_unit_test(test_command), cmocka_unit_test(test_sites) };
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)!chdir("/");
	rmdir(folder);
	return failed;
}
