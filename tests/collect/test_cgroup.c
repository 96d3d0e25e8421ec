/* SPDX-License-Identifier: Apache-2.0 */
/* Memory groups of both versions, as folders of plain files with what the kernel writes there; and a real PSI trigger, where one may be set. */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/session/cgroup.h"

static char root[64];

static void put(const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", root, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void begin(void)
{
	snprintf(root, sizeof root, "/tmp/whorl-group-XXXXXX");
	assert_non_null(mkdtemp(root));
	char inner[256];
	snprintf(inner, sizeof inner, "%s/inner", root);
	assert_int_equal(mkdir(inner, 0700), 0);
}

static void end(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void open_inner(struct wh_cgroup *g)
{
	char path[256];
	snprintf(path, sizeof path, "%s/inner", root);
	assert_int_equal(wh_cgroup_open(g, path, NULL), WH_OK);
}

static double sampled(struct wh_journal *j, const char *name)
{
	return wh_journal_now(j, name);
}

static void sample(struct wh_cgroup *g, struct wh_journal *j)
{
	wh_journal_begin(j, 1);
	wh_journal_renew(j, 5);
	wh_cgroup_sample(g, j);
}

static void make_journal(struct wh_journal *j)
{
	char path[256];
	snprintf(path, sizeof path, "%s/journal", root);
	assert_int_equal(wh_journal_create(j, path, 10, NULL), WH_OK);
}

static void test_version_2(void **state)
{
	struct wh_cgroup g;
	struct wh_journal j;
	struct wh_cgroup_processes list = { 0 };
	(void)state;
	begin();
	make_journal(&j);
	put("memory.current", "900\n");
	put("memory.max", "1000\n");
	put("inner/memory.current", "500\n");
	put("inner/memory.max", "max\n");
	put("inner/memory.stat", "anon 300\nfile 150\nkernel_stack 16\nsock 3\nshmem 20\nslab 11\n");
	put("inner/memory.swap.current", "77\n");
	put("inner/memory.events", "low 0\nhigh 2\nmax 9\noom 4\noom_kill 3\n");
	put("inner/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=5000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=2000\n");
	put("inner/cgroup.procs", "12\n34\n");
	open_inner(&g);
	assert_true(g.v2);
	assert_true(wh_cgroup_usage(&g) == 500);
	assert_true(wh_cgroup_limit(&g) == 1000); /* of the one above */
	assert_true(g.v2 && strstr(g.path, "/inner"));
	assert_int_equal(wh_cgroup_oom_kills(&g), 3);
	sample(&g, &j);
	assert_true(sampled(&j, "cgroup_bytes usage") == 500 && sampled(&j, "cgroup_bytes anon") == 300 && sampled(&j, "cgroup_bytes slab") == 11);
	assert_true(sampled(&j, "cgroup_bytes swap") == 77 && sampled(&j, "pressure_ms some") == 0);
	put("inner/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=9000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=3000\n");
	sample(&g, &j);
	assert_true(sampled(&j, "pressure_ms some") == 4 && sampled(&j, "pressure_ms full") == 1);
	assert_int_equal(wh_cgroup_processes(&g, &list, NULL), WH_OK);
	assert_true(list.n == 2 && list.data[0] == 12 && list.data[1] == 34);
	put("inner/memory.max", "600\n");
	assert_true(wh_cgroup_limit(&g) == 600);
	wh_vec_release(&list);
	wh_cgroup_release(&g);
	wh_journal_release(&j);
	end();
}

static void test_version_1(void **state)
{
	struct wh_cgroup g;
	struct wh_journal j;
	struct wh_cgroup_processes list = { 0 };
	char below[256];
	(void)state;
	begin();
	make_journal(&j);
	put("inner/memory.usage_in_bytes", "500\n");
	put("inner/memory.limit_in_bytes", "9223372036854771712\n"); /* none */
	put("inner/memory.stat", "rss 1\ncache 2\ntotal_cache 222\ntotal_rss 333\ntotal_shmem 4\ntotal_swap 0\n");
	put("inner/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
	put("inner/cgroup.procs", "12\n");
	snprintf(below, sizeof below, "%s/inner/below", root);
	assert_int_equal(mkdir(below, 0700), 0);
	put("inner/below/cgroup.procs", "56\n\n78");
	open_inner(&g);
	assert_false(g.v2);
	assert_true(wh_cgroup_usage(&g) == 500 && wh_cgroup_limit(&g) == 0);
	assert_int_equal(wh_cgroup_oom_kills(&g), 7);
	sample(&g, &j);
	assert_true(sampled(&j, "cgroup_bytes usage") == 500 && sampled(&j, "cgroup_bytes anon") == 333 && sampled(&j, "cgroup_bytes file") == 222);
	assert_int_equal(wh_cgroup_processes(&g, &list, NULL), WH_OK);
	assert_true(list.n == 3 && list.data[0] == 12 && list.data[1] == 56 && list.data[2] == 78); /* those below, too */
	short events;
	const char *how;
	assert_int_equal(wh_cgroup_alarm(&g, &events, &how), -1); /* plain files take no eventfd, and there is no limit */
	put("inner/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n"); /* before Linux 4.13 */
	assert_int_equal(wh_cgroup_oom_kills(&g), -1);
	wh_vec_release(&list);
	wh_cgroup_release(&g);
	wh_journal_release(&j);
	end();
}

static void test_none(void **state)
{
	struct wh_cgroup g;
	struct wh_err err = { 0 };
	(void)state;
	assert_int_equal(wh_cgroup_open(&g, "/proc/self", &err), WH_E_NOTFOUND);
	assert_non_null(strstr(err.message, "/proc/self"));
	assert_int_equal(wh_cgroup_open(&g, "no/such/group", NULL), WH_E_NOTFOUND);
	wh_cgroup_release(&g);
	wh_cgroup_of_process(&g, 4194304);
	assert_string_equal(g.path, "");
	assert_true(wh_cgroup_usage(&g) == 0 && wh_cgroup_limit(&g) == 0 && wh_cgroup_oom_kills(&g) == -1);
	wh_cgroup_release(&g);
	wh_cgroup_of_process(&g, getpid());
	assert_true(!*g.path || g.shared); /* we are where we are */
	wh_cgroup_release(&g);
}

/* The machine's own pressure file takes the triggers that a group's does. */
static void test_trigger(void **state)
{
	struct wh_cgroup g;
	short events;
	const char *how;
	char path[256];
	(void)state;
	begin();
	put("inner/memory.current", "500\n");
	snprintf(path, sizeof path, "%s/inner/memory.pressure", root);
	assert_int_equal(symlink("/proc/pressure/memory", path), 0);
	open_inner(&g);
	int fd = wh_cgroup_alarm(&g, &events, &how);
	assert_int_equal(events, POLLPRI);
	if (!access("/proc/pressure/memory", R_OK | W_OK))
		assert_true(fd >= 0);
	if (fd >= 0) {
		struct pollfd alarm = { .fd = fd, .events = events };
		assert_true(poll(&alarm, 1, 0) >= 0 && !(alarm.revents & (POLLERR | POLLNVAL)));
		wh_cgroup_heard(fd, events);
		close(fd);
	}
	wh_cgroup_release(&g);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_2),
		cmocka_unit_test(test_version_1),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_trigger),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
