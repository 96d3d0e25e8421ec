/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/jvm.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "collect/session/process.h"

static const double LEAST_WAIT_S = 0.2, MOST_WAIT_S = 60; /* for a listener */
enum { NAME_MOST = 300 };

bool wh_jvm_is_one(pid_t pid)
{
	char path[64];
	struct wh_str text = { 0 };
	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	bool is = wh_session_slurp(path, &text) && strstr(text.data, "/libjvm.so");
	wh_str_release(&text);
	return is;
}

void wh_jvm_init(struct wh_jvm *jvm, pid_t pid)
{
	char path[64];
	double value;
	*jvm = (struct wh_jvm){ .pid = pid, .inner = pid };
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (wh_session_slurp(path, &jvm->text) && wh_session_number(jvm->text.data, "NSpid:", &value)) {
		const char *line = strstr(jvm->text.data, "NSpid:"), *end = strchr(line, '\n');
		while (end && end > line && isdigit((unsigned char)end[-1]))
			end--;
		jvm->inner = end ? (pid_t)atoi(end) : pid; /* the last one: that of the innermost namespace */
	}
	snprintf(jvm->socket, sizeof jvm->socket, "/proc/%d/root/tmp/.java_pid%d", (int)pid, (int)jvm->inner);
}

static void remove_file(struct wh_jvm *jvm)
{
	if (*jvm->file)
		unlink(jvm->file);
	jvm->file[0] = 0;
}

void wh_jvm_release(struct wh_jvm *jvm)
{
	remove_file(jvm);
	wh_str_release(&jvm->text);
}

/* ---- attaching ---- */

static bool is_socket(const char *path)
{
	struct stat status;
	return !stat(path, &status) && S_ISSOCK(status.st_mode);
}

/* Whether the process has a handler for SIGQUIT: a machine that just starts has none yet. */
static bool catches_quit(struct wh_jvm *jvm)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/status", (int)jvm->pid);
	const char *mask = wh_session_slurp(path, &jvm->text) ? strstr(jvm->text.data, "\nSigCgt:") : NULL;
	return mask && strtoull(mask + 8, NULL, 16) >> (SIGQUIT - 1) & 1;
}

/* The listener takes the file only from its own user: the machine looks for it in its folder, then in /tmp. */
static bool make_file(struct wh_jvm *jvm)
{
	struct stat owner;
	char process[64];
	snprintf(process, sizeof process, "/proc/%d", (int)jvm->pid);
	if (stat(process, &owner))
		return false;
	for (int where = 0; where < 2; where++) {
		snprintf(jvm->file, sizeof jvm->file, "/proc/%d/%s/.attach_pid%d", (int)jvm->pid, where ? "root/tmp" : "cwd", (int)jvm->inner);
		int fd = open(jvm->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			return true; /* another tool attaches just now */
		if (fd < 0)
			continue;
		(void)!fchown(fd, owner.st_uid, owner.st_gid);
		close(fd);
		return true;
	}
	jvm->file[0] = 0;
	return false;
}

int wh_jvm_attach(struct wh_jvm *jvm, bool *ready, struct wh_err *err)
{
	*ready = is_socket(jvm->socket);
	if (*ready) {
		remove_file(jvm);
		return WH_OK;
	}
	double now = wh_session_now_s();
	if (now < jvm->again_s || !catches_quit(jvm))
		return WH_OK; /* give it time */
	if (!make_file(jvm))
		return wh_err_set(err, WH_E_IO, "process %d: cannot leave .attach_pid%d in its folder, nor in /tmp: %s", (int)jvm->pid, (int)jvm->inner,
				  strerror(errno));
	jvm->wait_s = jvm->wait_s > 0 ? fmin(2 * jvm->wait_s, MOST_WAIT_S) : LEAST_WAIT_S;
	jvm->again_s = now + jvm->wait_s;
	if (kill(jvm->pid, SIGQUIT))
		return wh_err_set(err, WH_E_IO, "process %d: %s", (int)jvm->pid, strerror(errno));
	return WH_OK;
}

/* ---- asking ---- */

static int left_of(double until)
{
	double left = (until - wh_session_now_s()) * 1000;
	return left > 0 ? (int)left + 1 : 0;
}

static int converse(struct wh_jvm *jvm, int fd, double until, struct wh_err *err)
{
	/* version, command and its three arguments, each with its NUL */
	static const char request[] = "1\0jcmd\0GC.class_histogram\0\0";
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char piece[65536];
	snprintf(at.sun_path, sizeof at.sun_path, "%.100s", jvm->socket);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) || send(fd, request, sizeof request, MSG_NOSIGNAL) != sizeof request)
		return wh_err_set(err, WH_E_IO, "%s: %s", jvm->socket, strerror(errno));
	wh_str_clear(&jvm->text);
	for (;;) {
		struct pollfd answer = { .fd = fd, .events = POLLIN };
		int n = poll(&answer, 1, left_of(until));
		if (n < 0 && errno == EINTR)
			continue;
		ssize_t got = n > 0 ? read(fd, piece, sizeof piece) : -1;
		if (n == 0)
			return wh_err_set(err, WH_E_IO, "process %d: its virtual machine does not answer", (int)jvm->pid);
		if (got < 0)
			return wh_err_set(err, WH_E_IO, "%s: %s", jvm->socket, strerror(errno));
		if (got == 0)
			return wh_str_check(&jvm->text, err);
		wh_str_add(&jvm->text, piece, (size_t)got);
	}
}

static void add(struct wh_journal *j, const char *what, const char *class, size_t n, double value)
{
	char name[NAME_MOST + 32];
	int length = snprintf(name, sizeof name, "%s %.*s", what, (int)(n < NAME_MOST ? n : NAME_MOST), class);
	wh_journal_add(j, WH_SOURCE_JVM, name, (size_t)length, value);
}

size_t wh_jvm_take_histogram(const char *text, size_t n, struct wh_journal *j)
{
	size_t classes = 0;
	for (const char *line = text, *end; line < text + n; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + n - line));
		if (!end)
			break; /* cut off: the machine died over it */
		unsigned long long objects, bytes;
		int class = 0;
		char row[NAME_MOST + 128];
		snprintf(row, sizeof row, "%.*s", (int)(end - line), line);
		if (sscanf(row, " %*u: %llu %llu %n", &objects, &bytes, &class) < 2 || !class || !row[class])
			continue;
		size_t length = strcspn(row + class, " "); /* without the module and its version */
		add(j, "jvm_objects", row + class, length, (double)objects);
		add(j, "jvm_bytes", row + class, length, (double)bytes);
		classes++;
	}
	return classes;
}

int wh_jvm_ask(struct wh_jvm *jvm, int milliseconds, struct wh_err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return wh_err_set(err, WH_E_IO, "a socket: %s", strerror(errno));
	int code = converse(jvm, fd, wh_session_now_s() + milliseconds / 1000.0, err);
	close(fd);
	if (code == WH_OK && (!jvm->text.n || jvm->text.data[0] != '0'))
		code = wh_err_set(err, WH_E_IO, "process %d: its virtual machine refuses: %.200s", (int)jvm->pid, jvm->text.n ? jvm->text.data : "(nothing)");
	return code;
}
