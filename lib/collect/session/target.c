/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "collect/session/process.h"

enum { PATIENCE_MS = 500, STEP_MS = 5 };

/* ---- what is known of it ---- */

static int64_t machine_oom_kills(void)
{
	struct wh_str text = { 0 };
	double n;
	bool known = wh_session_slurp("/proc/vmstat", &text) && wh_session_number(text.data, "oom_kill ", &n);
	wh_str_release(&text);
	return known ? (int64_t)n : -1;
}

void wh_target_take_limits(struct wh_target *t)
{
	struct rlimit limit;
	if (!prlimit(t->pid, RLIMIT_AS, NULL, &limit) && limit.rlim_cur != RLIM_INFINITY)
		t->address_space = (double)limit.rlim_cur;
}

/* The kernel cuts names off after 15 bytes; the executable's is whole, but of a script it is the interpreter's. */
static void take_name(struct wh_target *t)
{
	char path[64];
	struct wh_str text = { 0 };
	const char *slash = strrchr(t->program, '/'), *base = slash ? slash + 1 : t->program;
	snprintf(path, sizeof path, "/proc/%d/comm", (int)t->pid);
	bool known = wh_session_slurp(path, &text) && text.n > 1;
	size_t n = known ? text.n - 1 : 0; /* its newline */
	if (known && strncmp(base, text.data, n) != 0)
		snprintf(t->name, sizeof t->name, "%.*s", (int)n, text.data);
	else
		snprintf(t->name, sizeof t->name, "%.255s", base);
	wh_str_release(&text);
}

bool wh_target_changed(struct wh_target *t)
{
	char path[64], program[PATH_MAX];
	snprintf(path, sizeof path, "/proc/%d/exe", (int)t->pid);
	ssize_t n = readlink(path, program, sizeof program - 1);
	if (n <= 0)
		return false;
	program[n] = 0;
	if (!strcmp(program, t->program))
		return false;
	memcpy(t->program, program, (size_t)n + 1);
	take_name(t);
	wh_cgroup_release(&t->cgroup);
	wh_cgroup_of_process(&t->cgroup, t->pid);
	t->oom_kills = wh_cgroup_oom_kills(&t->cgroup);
	return true;
}

static int get_to_know(struct wh_target *t, struct wh_err *err)
{
	t->fd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	if (t->fd < 0)
		return wh_err_set(err, errno == ESRCH ? WH_E_NOTFOUND : WH_E_IO, "process %d: %s", (int)t->pid, strerror(errno));
	fcntl(t->fd, F_SETFD, FD_CLOEXEC);
	(void)wh_target_changed(t);
	t->machine_oom_kills = machine_oom_kills();
	t->kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (t->kernel_log >= 0)
		lseek(t->kernel_log, 0, SEEK_END);
	return WH_OK;
}

void wh_target_release(struct wh_target *t)
{
	if (t->fd >= 0)
		close(t->fd);
	if (t->kernel_log >= 0)
		close(t->kernel_log);
	t->fd = t->kernel_log = -1;
	wh_cgroup_release(&t->cgroup);
}

int wh_target_attach(struct wh_target *t, pid_t pid, struct wh_err *err)
{
	*t = (struct wh_target){ .pid = pid, .fd = -1, .kernel_log = -1 };
	return get_to_know(t, err);
}

/* ---- starting one ---- */

static const char PRELOAD[] = "LD_PRELOAD=";

/* Its environment: ours, with the variables; *text: to be freed with it. NULL: out of memory. */
static char **make_environment(const char *const *variables, size_t n, char **text)
{
	size_t count = 0, bytes = 1;
	for (char **e = environ; e && *e; e++)
		count++;
	const char *preloaded = NULL;
	for (size_t i = 0; i < count; i++)
		if (!strncmp(environ[i], PRELOAD, sizeof PRELOAD - 1))
			preloaded = environ[i] + sizeof PRELOAD - 1;
	for (size_t i = 0; i < n; i++)
		bytes += strlen(variables[i]) + (preloaded ? strlen(preloaded) : 0) + 2;
	char **made = calloc(count + n + 1, sizeof *made), *to = *text = malloc(bytes);
	if (!made || !to) {
		free(made);
		free(to);
		*text = NULL;
		return NULL;
	}
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		bool both = preloaded && *preloaded && !strncmp(variables[i], PRELOAD, sizeof PRELOAD - 1);
		made[at++] = to;
		to += snprintf(to, bytes - (size_t)(to - *text), "%s%s%s", variables[i], both ? ":" : "", both ? preloaded : "") + 1;
	}
	for (size_t i = 0; i < count; i++) {
		bool replaced = false;
		for (size_t k = 0; k < n && !replaced; k++)
			replaced = !strncmp(environ[i], variables[k], strcspn(variables[k], "=") + 1);
		if (!replaced)
			made[at++] = environ[i];
	}
	return made;
}

/* In the child: never returns. */
static void become(const char *const *command, char **environment, int report)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	sigemptyset(&none);
	sigaction(SIGPIPE, &action, NULL); /* ignored by programs like ours, and that would be inherited */
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvpe(*command, (char *const *)(uintptr_t)command, environment);
	int why = errno;
	(void)!write(report, &why, sizeof why);
	syscall(SYS_exit_group, 127);
	__builtin_unreachable();
}

int wh_target_start(struct wh_target *t, const char *const *command, const char *const *variables, size_t n, struct wh_err *err)
{
	int report[2], why = 0;
	char *text, **environment = make_environment(variables, n, &text);
	*t = (struct wh_target){ .fd = -1, .kernel_log = -1, .child = true };
	if (!environment)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (pipe2(report, O_CLOEXEC)) {
		free(environment);
		free(text);
		return wh_err_set(err, WH_E_IO, "%s: %s", *command, strerror(errno));
	}
	t->pid = fork();
	if (t->pid == 0)
		become(command, environment, report[1]);
	close(report[1]);
	free(environment);
	free(text);
	ssize_t told = t->pid < 0 ? 0 : read(report[0], &why, sizeof why); /* nothing: it was run */
	if (t->pid < 0)
		why = errno;
	close(report[0]);
	if (t->pid > 0 && told == sizeof why)
		waitpid(t->pid, NULL, 0);
	if (t->pid < 0 || told == sizeof why)
		return wh_err_set(err, why == ENOENT ? WH_E_NOTFOUND : WH_E_IO, "%s: %s", *command, strerror(why));
	return get_to_know(t, err);
}

/* ---- its end ---- */

/* What a process that is not our child left: while it is a zombie in /proc, or, from Linux 6.15 on, by its pidfd. */
static bool ask_status(struct wh_target *t)
{
	struct { uint64_t mask, cgroup; uint32_t pid, tgid, ppid, ids[8]; int32_t exit_code; uint64_t spare[8]; } info = { .mask = 1 << 3 };
	_Static_assert(offsetof(__typeof__(info), exit_code) == 60, "as the kernel's struct pidfd_info");
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)t->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	const char *after = strrchr(text, ')'), *last = strrchr(text, ' ');
	if (after && last && (after[2] == 'Z' || after[2] == 'X')) {
		t->status = atoi(last);
		return true;
	}
	/* PIDFD_GET_INFO, asked for PIDFD_INFO_EXIT: newer than the headers at hand */
	if (ioctl(t->fd, _IOC(_IOC_READ | _IOC_WRITE, 0xff, 11, 64), &info) || !(info.mask & 1 << 3))
		return false;
	t->status = info.exit_code;
	return true;
}

bool wh_target_is_over(struct wh_target *t)
{
	struct pollfd end = { .fd = t->fd, .events = POLLIN };
	if (t->over)
		return true;
	if (t->child) {
		pid_t got = waitpid(t->pid, &t->status, WNOHANG);
		t->known = got == t->pid;
		return t->over = got != 0;
	}
	if (poll(&end, 1, 0) <= 0)
		return false;
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	for (int waited = 0; !(t->known = ask_status(t)) && waited < PATIENCE_MS; waited += STEP_MS)
		nanosleep(&step, NULL);
	return t->over = true;
}

/* Whether the kernel log says that it killed this process since we began; *readable: whether it can be read at all. */
static bool kernel_log_says(struct wh_target *t, bool *readable)
{
	char record[8192], killed[64];
	bool says = false;
	ssize_t n;
	snprintf(killed, sizeof killed, "Killed process %d (", (int)t->pid);
	*readable = t->kernel_log >= 0;
	while (*readable && ((n = read(t->kernel_log, record, sizeof record - 1)) > 0 || (n < 0 && errno == EPIPE)))
		if (n > 0) {
			record[n] = 0;
			says |= strstr(record, killed) != NULL;
		}
	return says;
}

static bool was_oom_killed(struct wh_target *t)
{
	bool readable, says = kernel_log_says(t, &readable);
	int64_t here = wh_cgroup_oom_kills(&t->cgroup), machine = machine_oom_kills();
	if (says || (t->oom_kills >= 0 && here > t->oom_kills))
		return true;
	return !readable && (t->oom_kills < 0 || here < 0) && t->machine_oom_kills >= 0 && machine > t->machine_oom_kills;
}

void wh_target_death(struct wh_target *t, struct wh_death *death)
{
	*death = (struct wh_death){ "unknown", "" };
	if (!t->known)
		return;
	if (WIFEXITED(t->status)) {
		snprintf(death->how, sizeof death->how, "exit %d", WEXITSTATUS(t->status));
		return;
	}
	int number = WTERMSIG(t->status);
	const char *name = sigabbrev_np(number);
	if (name)
		snprintf(death->signal, sizeof death->signal, "SIG%.20s", name);
	if (number == SIGKILL && was_oom_killed(t))
		snprintf(death->how, sizeof death->how, "oom");
	else
		snprintf(death->how, sizeof death->how, "signal %d", number);
}
