/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collect/core/spool.h"

/* The text of a small file without the newline at its end. */
static int read_text(int folder, const char *path, char *text, size_t size)
{
	int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);
	int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	if (n < 0)
		return -1;
	text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	return 0;
}

static int write_pattern(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	size_t n = strlen(text);
	ssize_t written = fd < 0 ? -1 : write(fd, n ? text : "\n", n ? n : 1); /* one write: the kernel takes no more */
	int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return written < 0 ? -1 : 0;
}

/* Whether it starts whorl-core; spool not NULL: for that one. */
static bool is_ours(const char *pattern, const char *spool)
{
	const char *end = pattern + strcspn(pattern, " "), name[] = "/whorl-core";
	if (*pattern != '|' || (size_t)(end - pattern) <= strlen(name) || strncmp(end - strlen(name), name, strlen(name)) != 0)
		return false;
	size_t n = *end ? strcspn(end + 1, " ") : 0;
	return !spool || (n == strlen(spool) && !strncmp(end + 1, spool, n));
}

/* Keeps the old pattern where a later call finds it, whatever happens to this one. */
static int save(int spool, const char *old)
{
	int fd = openat(spool, WH_SPOOL_TMP "/" WH_SPOOL_PATTERN, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool saved = fd >= 0 && dprintf(fd, "%s\n", old) > 0 && !fsync(fd) &&
		     !renameat(spool, WH_SPOOL_TMP "/" WH_SPOOL_PATTERN, spool, WH_SPOOL_PATTERN) && !fsync(spool);
	int why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return saved ? 0 : -1;
}

const char *wh_pattern_restore(const char *pattern, const char *spool_path, int spool, int *restored)
{
	char now[WH_SPOOL_KERNEL_PATTERN_SIZE + 1], old[WH_SPOOL_KERNEL_PATTERN_SIZE + 1];
	*restored = 0;
	if (read_text(spool, WH_SPOOL_PATTERN, old, sizeof old))
		return errno == ENOENT ? NULL : "cannot read the old core_pattern";
	if (is_ours(old, NULL)) {
		errno = 0;
		return "the old core_pattern in the spool is whorl's own";
	}
	if (read_text(AT_FDCWD, pattern, now, sizeof now))
		return "cannot read core_pattern";
	if (is_ours(now, spool_path)) {
		if (write_pattern(pattern, old))
			return "cannot put core_pattern back";
		*restored = 1;
	}
	unlinkat(spool, WH_SPOOL_PATTERN, 0);
	return NULL;
}

static const char *compose(const char *spool, char pattern[static WH_SPOOL_KERNEL_PATTERN_SIZE])
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n <= 0)
		return "cannot tell its own path";
	self[n] = 0;
	errno = 0;
	if (strpbrk(self, " \t\n%") || strpbrk(spool, " \t\n%"))
		return "the kernel splits core_pattern at blanks and expands %: neither the program's nor the spool's path may have one";
	if (*spool != '/')
		return "the spool's path must be absolute";
	if (snprintf(pattern, WH_SPOOL_KERNEL_PATTERN_SIZE, "|%s %s %s", self, spool, WH_SPOOL_ARGUMENTS) >= WH_SPOOL_KERNEL_PATTERN_SIZE)
		return "the paths of program and spool are longer than the kernel's 127 bytes for core_pattern";
	return NULL;
}

static const char *install(const char *path, const char *spool_path, int spool)
{
	char pattern[WH_SPOOL_KERNEL_PATTERN_SIZE], old[WH_SPOOL_KERNEL_PATTERN_SIZE + 1], saved[WH_SPOOL_KERNEL_PATTERN_SIZE + 1];
	const char *failed = compose(spool_path, pattern);
	if (failed)
		return failed;
	if (read_text(AT_FDCWD, path, old, sizeof old))
		return "cannot read core_pattern";
	bool left_behind = !read_text(spool, WH_SPOOL_PATTERN, saved, sizeof saved);
	if (is_ours(old, NULL) && !is_ours(old, spool_path)) {
		errno = 0;
		return "core_pattern is whorl-core's already, for another spool";
	}
	if (is_ours(old, NULL) && !left_behind)
		return NULL; /* somebody has set it for good: there is nothing to put back */
	/* ours, and the one before it kept: a recorder and its holder were killed */
	if (!is_ours(old, NULL) && save(spool, old))
		return "cannot keep the old core_pattern";
	if (write_pattern(path, pattern)) {
		int why = errno;
		unlinkat(spool, WH_SPOOL_PATTERN, 0);
		errno = why;
		return "cannot set core_pattern";
	}
	return NULL;
}

const char *wh_pattern_hold(const char *pattern, const char *spool_path, int spool)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	setsid(); /* what is sent to the recorder's group or terminal is not for us */
	const char *failed = install(pattern, spool_path, spool);
	if (failed)
		return failed;
	(void)!write(STDOUT_FILENO, "ready\n", 6);
	char byte;
	ssize_t n;
	do
		n = read(STDIN_FILENO, &byte, 1);
	while (n > 0 || (n < 0 && errno == EINTR));
	int restored;
	return wh_pattern_restore(pattern, spool_path, spool, &restored);
}
