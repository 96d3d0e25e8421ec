/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collect/core/spool.h"

static const char first_line[] = "whorl-core 1\n";

struct number {
	const char *name;
	size_t offset;
};

static const struct number numbers[] = {
	{ "time", offsetof(struct wh_facts, time_ns) },
	{ "pid", offsetof(struct wh_facts, pid) },
	{ "tid", offsetof(struct wh_facts, tid) },
	{ "uid", offsetof(struct wh_facts, uid) },
	{ "gid", offsetof(struct wh_facts, gid) },
	{ "signal", offsetof(struct wh_facts, signal) },
	{ "dumpable", offsetof(struct wh_facts, dumpable) },
	{ "core-bytes", offsetof(struct wh_facts, core_bytes) },
	{ "nanoseconds", offsetof(struct wh_facts, nanoseconds) },
};

/* ---- writing ---- */

struct text {
	char *data;
	size_t n;
};

/* A line, whole or not at all. */
static void put_line(struct text *t, const char *name, const char *value, size_t n)
{
	size_t start = t->n;
	int head = snprintf(t->data + t->n, WH_FACTS_TEXT - t->n, "%s ", name);
	if (head < 0 || (size_t)head >= WH_FACTS_TEXT - t->n)
		return;
	t->n += (size_t)head;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];
		bool plain = c >= 0x20 && c != 0x7f && c != '\\';
		if (WH_FACTS_TEXT - t->n < 6) {
			t->n = start;
			return;
		}
		if (plain)
			t->data[t->n++] = (char)c;
		else
			t->n += (size_t)snprintf(t->data + t->n, 5, "\\x%02x", c);
	}
	t->data[t->n++] = '\n';
}

static void put_string(struct text *t, const char *name, const char *value)
{
	if (*value)
		put_line(t, name, value, strlen(value));
}

static void put_le32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

void wh_facts_write(const struct wh_facts *facts, unsigned char frame[static WH_FACTS_SIZE])
{
	struct text t = { (char *)frame + 8, sizeof first_line - 1 };
	put_le32(frame, WH_FACTS_MAGIC);
	put_le32(frame + 4, WH_FACTS_TEXT);
	memcpy(t.data, first_line, t.n);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		char value[24];
		uint64_t number;
		memcpy(&number, (const char *)facts + numbers[i].offset, sizeof number);
		snprintf(value, sizeof value, "%llu", (unsigned long long)number);
		put_string(&t, numbers[i].name, value);
	}
	put_string(&t, "truncated", facts->truncated ? facts->why : "");
	put_string(&t, "comm", facts->comm);
	put_string(&t, "exe", facts->exe);
	put_string(&t, "cgroup", facts->cgroup);
	for (size_t at = 0; at < facts->arguments_size;) {
		size_t n = strnlen(facts->arguments + at, facts->arguments_size - at);
		put_line(&t, "argument", facts->arguments + at, n);
		at += n + 1;
	}
	memset(t.data + t.n, '\n', WH_FACTS_TEXT - t.n);
}

/* ---- reading ---- */

static uint32_t get_le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value without its escapes; cut to size - 1 bytes and its first NUL. Returns its length. */
static size_t unescape(const char *p, const char *end, char *value, size_t size)
{
	size_t n = 0;
	while (p < end && n + 1 < size) {
		char c = *p++;
		if (c == '\\' && end - p >= 3 && *p == 'x' && digit(p[1]) >= 0 && digit(p[2]) >= 0) {
			c = (char)(digit(p[1]) * 16 + digit(p[2]));
			p += 3;
		}
		if (!c)
			break;
		value[n++] = c;
	}
	value[n] = 0;
	return n;
}

static bool is_name(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && !memcmp(p, name, n);
}

static void take_line(struct wh_facts *facts, const char *p, const char *end)
{
	const char *blank = memchr(p, ' ', (size_t)(end - p));
	size_t n = blank ? (size_t)(blank - p) : 0;
	if (!n)
		return;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (is_name(p, n, numbers[i].name)) {
			char value[24];
			unescape(blank + 1, end, value, sizeof value);
			uint64_t number = strtoull(value, NULL, 10);
			memcpy((char *)facts + numbers[i].offset, &number, sizeof number);
		}
	if (is_name(p, n, "truncated"))
		facts->truncated = unescape(blank + 1, end, facts->why, sizeof facts->why) > 0;
	else if (is_name(p, n, "comm"))
		unescape(blank + 1, end, facts->comm, sizeof facts->comm);
	else if (is_name(p, n, "exe"))
		unescape(blank + 1, end, facts->exe, sizeof facts->exe);
	else if (is_name(p, n, "cgroup"))
		unescape(blank + 1, end, facts->cgroup, sizeof facts->cgroup);
	else if (is_name(p, n, "argument") && facts->arguments_size < sizeof facts->arguments)
		facts->arguments_size += 1 + unescape(blank + 1, end, facts->arguments + facts->arguments_size,
						      sizeof facts->arguments - facts->arguments_size);
}

bool wh_facts_read(struct wh_facts *facts, const unsigned char *data, size_t n)
{
	*facts = (struct wh_facts){ 0 };
	if (n < WH_FACTS_SIZE || get_le32(data) != WH_FACTS_MAGIC || get_le32(data + 4) != WH_FACTS_TEXT ||
	    memcmp(data + 8, first_line, sizeof first_line - 1) != 0)
		return false;
	const char *p = (const char *)data + 8 + sizeof first_line - 1, *end = (const char *)data + WH_FACTS_SIZE;
	for (const char *stop; p < end && (stop = memchr(p, '\n', (size_t)(end - p))); p = stop + 1)
		take_line(facts, p, stop);
	return true;
}

void wh_facts_id(const struct wh_facts *facts, char *id)
{
	time_t seconds = facts->time_ns / 1000000000;
	struct tm utc;
	gmtime_r(&seconds, &utc);
	snprintf(id, WH_SPOOL_ID, "core-%04u%02u%02uT%02u%02u%02u.%09uZ-%u", (unsigned)(utc.tm_year + 1900) % 10000, (unsigned)(utc.tm_mon + 1) % 100,
		 (unsigned)utc.tm_mday % 100, (unsigned)utc.tm_hour % 100, (unsigned)utc.tm_min % 100, (unsigned)utc.tm_sec % 100,
		 (unsigned)(facts->time_ns % 1000000000), (unsigned)(facts->pid % 100000000));
}

const char *wh_facts_program(const struct wh_facts *facts)
{
	return *facts->exe ? facts->exe : *facts->comm ? facts->comm : "?";
}
