/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whorl-core: the one program of whorl that runs privileged. The kernel starts it for every crash, with the core on standard input:
 *
 *   whorl-core SPOOL PID TID UID GID SIGNAL DUMPABLE [NAME…]   see WH_SPOOL_ARGUMENTS
 *   whorl-core --hold SPOOL [FILE]      sets core_pattern until standard input ends
 *   whorl-core --restore SPOOL [FILE]   puts core_pattern back
 *
 * In the first form it looks at /proc/PID while the process is still there, becomes the spool's owner, gives up everything else
 * (jail.h), and only then reads the first byte of the core. What it takes of memory does not depend on the core.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collect/core/intake.h"
#include "collect/core/jail.h"
#include "collect/core/pattern.h"

static int complaints = STDERR_FILENO;

/* To the kernel's log, which limits how much it takes, or to standard error. */
static int complain(const char *program, const char *what, int why)
{
	dprintf(complaints, "whorl-core: %s%s%s%s%s\n", program ? program : "", program ? ": " : "", what, why ? ": " : "",
		why ? strerror(why) : "");
	return EXIT_FAILURE;
}

/* The kernel opens nothing but standard input for us; a file of ours must not take the others' places. */
static void open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd ? O_WRONLY : O_RDONLY);
}

/* ---- the spool ---- */

/* -1: *failed says why. */
static int open_spool(const char *path, struct stat *status, const char **failed)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*failed = "cannot open the spool";
	if (fd < 0 || fstat(fd, status))
		return -1;
	errno = 0;
	*failed = "the spool is open to others: it must have mode 0700";
	if (status->st_mode & 077)
		return -1;
	*failed = "the spool belongs to somebody else";
	return geteuid() == 0 || status->st_uid == geteuid() ? fd : -1;
}

/* ---- facts ---- */

static size_t read_file(int folder, const char *name, char *text, size_t size)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;
	if (fd < 0)
		return 0;
	for (ssize_t got; n + 1 < size && (got = read(fd, text + n, size - 1 - n)) > 0;)
		n += (size_t)got;
	close(fd);
	text[n] = 0;
	return n;
}

static void look_at_process(struct wh_facts *facts, const char *name)
{
	char path[64];
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	facts->time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	snprintf(facts->comm, sizeof facts->comm, "%s", name ? name : "");
	snprintf(path, sizeof path, "/proc/%llu", (unsigned long long)facts->pid);
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return; /* gone already; the core knows some of it */
	if (read_file(folder, "comm", facts->comm, sizeof facts->comm))
		facts->comm[strcspn(facts->comm, "\n")] = 0;
	ssize_t n = readlinkat(folder, "exe", facts->exe, sizeof facts->exe - 1);
	facts->exe[n > 0 ? n : 0] = 0;
	facts->arguments_size = read_file(folder, "cmdline", facts->arguments, sizeof facts->arguments);
	read_file(folder, "cgroup", facts->cgroup, sizeof facts->cgroup);
	close(folder);
}

/* Digits only; anything else than the kernel's own numbers is an error. */
static int take_numbers(struct wh_facts *facts, char **argv)
{
	uint64_t *const places[] = { &facts->pid, &facts->tid, &facts->uid, &facts->gid, &facts->signal, &facts->dumpable };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char *end;
		errno = 0;
		*places[i] = strtoull(argv[i], &end, 10);
		if (errno || *end || argv[i][0] < '0' || argv[i][0] > '9')
			return -1;
	}
	return 0;
}

static int take_core(const char *path, char **argv)
{
	struct wh_spool_limits limits = WH_SPOOL_LIMITS_DEFAULT;
	struct wh_facts facts = { 0 };
	struct stat status;
	const char *failed;
	int log = geteuid() == 0 ? open("/dev/kmsg", O_WRONLY | O_CLOEXEC) : -1;
	if (log >= 0 && !isatty(STDERR_FILENO) && getppid() == 2) /* started by the kernel: nobody reads standard error */
		complaints = log;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (take_numbers(&facts, argv))
		return complain(NULL, "arguments are not those of core_pattern", 0);
	look_at_process(&facts, argv[6]);
	int spool = open_spool(path, &status, &failed);
	if (spool < 0)
		return complain(wh_facts_program(&facts), failed, errno);
	if (wh_jail_enter(status.st_uid, status.st_gid, limits.spool_bytes))
		return complain(wh_facts_program(&facts), "cannot give up privileges", errno);
	wh_intake_limits(spool, &limits);
	struct wh_ledger_file *ledger = wh_ledger_map(spool);
	if (!ledger)
		return complain(wh_facts_program(&facts), "the ledger of the spool", errno);
	failed = wh_intake(spool, ledger, &limits, &facts);
	return failed ? complain(wh_facts_program(&facts), failed, errno) : EXIT_SUCCESS;
}

/* ---- core_pattern ---- */

static int set_pattern(const char *path, const char *pattern, int hold)
{
	struct stat status;
	const char *failed;
	int restored = 0, spool = open_spool(path, &status, &failed);
	if (spool < 0)
		return complain(path, failed, errno);
	failed = hold ? wh_pattern_hold(pattern, path, spool) : wh_pattern_restore(pattern, path, spool, &restored);
	if (failed)
		return complain(NULL, failed, errno);
	if (!hold)
		dprintf(STDOUT_FILENO, restored ? "restored\n" : "nothing to restore\n");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	open_standard();
	int hold = argc >= 3 && !strcmp(argv[1], "--hold"), restore = argc >= 3 && !strcmp(argv[1], "--restore");
	if (hold || restore)
		return set_pattern(argv[2], argc > 3 ? argv[3] : WH_SPOOL_KERNEL_PATTERN, hold);
	if (argc < 8)
		return complain(NULL, "usage: whorl-core SPOOL PID TID UID GID SIGNAL DUMPABLE [NAME], as core_pattern has it", 0);
	return take_core(argv[1], argv + 2);
}
