/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of systemd-coredump, as coredump.c of systemd 252 writes it: core.COMM.UID.BOOT.PID.TIME[.zst|.xz|.lz4] in
 * /var/lib/systemd/coredump (COMM with its odd bytes as \xNN, TIME in microseconds), with extended attributes user.coredump.*. They are
 * systemd's: read, never changed; systemd-tmpfiles deletes them in time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "collect/core/source.h"

static size_t get(int fd, const char *name, char *value, size_t size)
{
	char full[64];
	snprintf(full, sizeof full, "user.coredump.%s", name);
	ssize_t n = fgetxattr(fd, full, value, size - 1);
	value[n > 0 ? n : 0] = 0;
	return n > 0 ? strlen(value) : 0;
}

static bool number(const char *text, size_t n, uint64_t *value)
{
	char copy[24];
	if (!n || n >= sizeof copy || strspn(text, "0123456789") < n)
		return false;
	memcpy(copy, text, n);
	copy[n] = 0;
	errno = 0;
	*value = strtoull(copy, NULL, 10);
	return !errno;
}

static void get_number(int fd, const char *name, uint64_t *value)
{
	char text[32];
	size_t n = get(fd, name, text, sizeof text);
	(void)number(text, n, value);
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void unescape(const char *p, size_t n, char *out, size_t size)
{
	size_t to = 0;
	for (size_t i = 0; i < n && to + 1 < size; i++)
		if (p[i] == '\\' && n - i > 3 && p[i + 1] == 'x' && digit(p[i + 2]) >= 0 && digit(p[i + 3]) >= 0) {
			out[to++] = (char)(digit(p[i + 2]) * 16 + digit(p[i + 3]));
			i += 3;
		} else {
			out[to++] = p[i];
		}
	out[to] = 0;
}

/* core.COMM.UID.BOOT.PID.TIME and perhaps one more part; COMM may have dots of its own. */
static bool read_name(const char *name, struct wh_facts *facts, uint64_t *time_us)
{
	const char *parts[64], *end = name + strlen(name);
	size_t n = 0;
	for (const char *p = name; n < 64; p = strchr(p, '.') + 1) {
		parts[n++] = p;
		if (!strchr(p, '.'))
			break;
	}
	bool suffix = n > 6 && !number(parts[n - 1], (size_t)(end - parts[n - 1]), time_us);
	if (suffix) {
		end = parts[--n] - 1;
	}
	if (n < 6)
		return false;
	const char *time = parts[n - 1], *pid = parts[n - 2], *boot = parts[n - 3], *uid = parts[n - 4];
	if (!number(time, (size_t)(end - time), time_us) || !number(pid, (size_t)(time - 1 - pid), &facts->pid) || pid - 1 - boot != 32 ||
	    !number(uid, (size_t)(boot - 1 - uid), &facts->uid))
		return false;
	unescape(parts[1], (size_t)(uid - 1 - parts[1]), facts->comm, sizeof facts->comm);
	return true;
}

bool wh_systemd_facts(int fd, const char *name, struct wh_facts *facts)
{
	char text[sizeof facts->exe];
	uint64_t time_us = 0;
	*facts = (struct wh_facts){ 0 };
	if (!read_name(name, facts, &time_us))
		return false;
	facts->time_ns = time_us < INT64_MAX / 1000 ? (int64_t)time_us * 1000 : 0;
	get_number(fd, "signal", &facts->signal);
	get_number(fd, "pid", &facts->pid);
	get_number(fd, "uid", &facts->uid);
	get_number(fd, "gid", &facts->gid);
	if (get(fd, "comm", text, sizeof text))
		snprintf(facts->comm, sizeof facts->comm, "%.*s", (int)sizeof facts->comm - 1, text);
	if (get(fd, "exe", text, sizeof text))
		snprintf(facts->exe, sizeof facts->exe, "%s", text);
	return true;
}
