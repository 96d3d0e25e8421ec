/* SPDX-License-Identifier: Apache-2.0 */
/* The facts of a crash and the ledger, which whorl-core and the recorder share. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/core/facts.h"
#include "collect/core/ledger.h"
#include "collect/core/spool.h"

static void test_facts(void **state)
{
	(void)state;
	unsigned char frame[WH_FACTS_SIZE];
	struct wh_facts back, facts = { .time_ns = 1795278600243074580, .pid = 17, .tid = 18, .uid = 1000, .gid = 1000, .signal = 11, .dumpable = 1,
					.core_bytes = UINT64_MAX, .nanoseconds = 5, .truncated = true, .why = "size", .comm = "a\nb\\x41 ",
					.exe = "/home/\xff\x01/x", .cgroup = "0::/\n", .arguments = "one\0two\n\0\0", .arguments_size = 10 };
	wh_facts_write(&facts, frame);
	assert_true(wh_facts_read(&back, frame, sizeof frame));
	assert_memory_equal(&back, &facts, sizeof facts);
	char id[WH_SPOOL_ID];
	wh_facts_id(&facts, id);
	assert_string_equal(id, "core-20261121T163000.243074580Z-17");
	assert_string_equal(wh_facts_program(&facts), facts.exe);
	assert_false(wh_facts_read(&back, frame, sizeof frame - 1));
	frame[0] ^= 1;
	assert_false(wh_facts_read(&back, frame, sizeof frame));
}

/* As long as can be, every byte escaped: what does not fit is left out, the rest is whole. */
static void test_long_facts(void **state)
{
	(void)state;
	unsigned char frame[WH_FACTS_SIZE];
	struct wh_facts back, facts = { .pid = 1 };
	memset(facts.comm, 1, sizeof facts.comm - 1);
	memset(facts.exe, 2, sizeof facts.exe - 1);
	memset(facts.cgroup, 3, sizeof facts.cgroup - 1);
	memset(facts.arguments, 4, sizeof facts.arguments);
	facts.arguments_size = sizeof facts.arguments;
	wh_facts_write(&facts, frame);
	assert_true(wh_facts_read(&back, frame, sizeof frame));
	assert_string_equal(back.exe, facts.exe);
	assert_string_equal(back.cgroup, facts.cgroup);
	assert_int_equal(back.arguments_size, 0);
}

static void test_hostile_facts(void **state)
{
	(void)state;
	unsigned char frame[WH_FACTS_SIZE];
	struct wh_facts back, facts = { .pid = 1 };
	char id[WH_SPOOL_ID];
	srand(1);
	for (int round = 0; round < 2000; round++) {
		wh_facts_write(&facts, frame);
		for (int i = 0; i < 400; i++)
			frame[21 + (size_t)rand() % (WH_FACTS_SIZE - 21)] = (unsigned char)(rand() % 3 ? "\\x0 \naregumnt-tidime"[rand() % 19] : rand());
		assert_true(wh_facts_read(&back, frame, sizeof frame));
		assert_true(back.arguments_size <= sizeof back.arguments && memchr(back.exe, 0, sizeof back.exe) && memchr(back.comm, 0, sizeof back.comm));
		back.time_ns = (int64_t)((uint64_t)rand() << 40 | (uint64_t)rand() << 33);
		wh_facts_id(&back, id);
		assert_true(strlen(id) < WH_SPOOL_ID);
	}
}

static int spool(char path[static 64])
{
	snprintf(path, 64, "ledger-XXXXXX");
	assert_non_null(mkdtemp(path));
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0 && !mkdirat(fd, WH_SPOOL_TMP, 0700));
	return fd;
}

static void remove_spool(const char *path, int fd)
{
	unlinkat(fd, WH_SPOOL_LEDGER, 0);
	assert_int_equal(unlinkat(fd, WH_SPOOL_TMP, AT_REMOVEDIR), 0);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

/* Many processes at once: no count is lost, and the rate is kept by all of them together. */
static void test_together(void **state)
{
	(void)state;
	enum { CHILDREN = 16, EACH = 500, RATE = 100 };
	char path[64];
	int fd = spool(path), status;
	for (int child = 0; child < CHILDREN; child++)
		if (!fork()) {
			struct wh_ledger_file *ledger = wh_ledger_map(fd);
			if (!ledger)
				_exit(1);
			for (int i = 0; i < EACH; i++) {
				struct wh_ledger_program *p = wh_ledger_program(ledger, "one");
				wh_ledger_add(&ledger->counts.seen, 1);
				wh_ledger_add(wh_ledger_allow(p, RATE) ? &ledger->counts.spooled : &ledger->counts.over_rate, 1);
				wh_ledger_add(&p->seen, 1);
			}
			_exit(0);
		}
	for (int child = 0; child < CHILDREN; child++)
		assert_true(wait(&status) > 0 && status == 0);
	struct wh_ledger_file *ledger = wh_ledger_map(fd);
	assert_non_null(ledger);
	assert_int_equal(ledger->counts.seen, CHILDREN * EACH);
	assert_int_equal(ledger->counts.spooled + ledger->counts.over_rate, CHILDREN * EACH);
	assert_in_range(ledger->counts.spooled, RATE - 1, RATE + 20); /* and what a few seconds more allow */
	assert_int_equal(wh_ledger_program(ledger, "one")->seen, CHILDREN * EACH);
	assert_int_equal(wh_ledger_missing(&ledger->counts), 0);
	wh_ledger_unmap(ledger);
	remove_spool(path, fd);
}

/* More programs than places: the sums stay right, nothing grows, who has something untold stays longest. */
static void test_many_programs(void **state)
{
	(void)state;
	char path[64], name[400];
	int fd = spool(path);
	struct stat before, after;
	struct wh_ledger_file *ledger = wh_ledger_map(fd);
	assert_non_null(ledger);
	assert_int_equal(fstatat(fd, WH_SPOOL_LEDGER, &before, 0), 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "/%0300d", i);
		struct wh_ledger_program *p = wh_ledger_program(ledger, name);
		assert_ptr_equal(p, wh_ledger_program(ledger, name));
		assert_int_equal(strlen(p->name), WH_LEDGER_NAME - 1);
		assert_true(wh_ledger_allow(p, 1) && !wh_ledger_allow(p, 1));
	}
	assert_int_equal(fstatat(fd, WH_SPOOL_LEDGER, &after, 0), 0);
	assert_int_equal(before.st_size, after.st_size);
	wh_ledger_unmap(ledger);
	remove_spool(path, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),	 cmocka_unit_test(test_long_facts),    cmocka_unit_test(test_hostile_facts),
		cmocka_unit_test(test_together), cmocka_unit_test(test_many_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
