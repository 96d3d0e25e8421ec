/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session as bytes: varints (LEB128) of steps, first step (zigzag) and metrics; whether it has times, and those; then metric by metric
 * the length of the name, the name, the number of changes twice, plus 1 where every value is a whole number, and per change the steps since the
 * one before and either the difference of the values (zigzag) or the value as it is in memory, little-endian.
 */
#include <endian.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "observation/session.h"

static const double MOST_WHOLE = 4503599627370496.0; /* 2^52: differences of two still fit an int64_t and are exact */

/* ---- writing ---- */

enum { LONGEST_VARINT = 10, LONGEST_CHANGE = 2 * LONGEST_VARINT, CHANGES_AT_ONCE = 64 };

static inline unsigned char *write_varint(unsigned char *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (unsigned char)(v | 0x80);
	*at++ = (unsigned char)v;
	return at;
}

static inline unsigned char *write_double(unsigned char *at, double v)
{
	uint64_t bits;
	if (isnan(v))
		v = NAN; /* one of the many */
	memcpy(&bits, &v, 8);
	bits = htole64(bits);
	memcpy(at, &bits, 8);
	return at + 8;
}

static void put(struct wh_str *out, const unsigned char *from, const unsigned char *to)
{
	wh_str_add(out, (const char *)from, (size_t)(to - from));
}

static void put_varint(struct wh_str *out, uint64_t v)
{
	unsigned char bytes[LONGEST_VARINT];
	put(out, bytes, write_varint(bytes, v));
}

static uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static bool is_whole(const struct wh_metric *metric)
{
	for (size_t i = 0; i < metric->n_changes; i++) {
		double v = metric->changes[i].value;
		if (!(fabs(v) <= MOST_WHOLE) || v != (double)(int64_t)v)
			return false;
	}
	return true;
}

static unsigned char *write_whole(unsigned char *at, const struct wh_change *changes, size_t n, struct wh_change before)
{
	int64_t value = (int64_t)before.value;
	for (size_t i = 0; i < n; i++) {
		int64_t next = (int64_t)changes[i].value;
		at = write_varint(at, changes[i].step - before.step);
		at = write_varint(at, zigzag(next - value));
		before.step = changes[i].step;
		value = next;
	}
	return at;
}

static unsigned char *write_real(unsigned char *at, const struct wh_change *changes, size_t n, uint32_t step)
{
	for (size_t i = 0; i < n; i++) {
		at = write_varint(at, changes[i].step - step);
		step = changes[i].step;
		at = write_double(at, changes[i].value);
	}
	return at;
}

static void put_metric(struct wh_str *out, const struct wh_metric *metric)
{
	unsigned char bytes[CHANGES_AT_ONCE * LONGEST_CHANGE]; /* so that the string is asked for room but once for many */
	struct wh_change before = { 0, 0 };
	size_t length = strlen(metric->name);
	bool whole = is_whole(metric);
	put_varint(out, length);
	wh_str_add(out, metric->name, length);
	put_varint(out, (uint64_t)metric->n_changes * 2 + whole);
	for (size_t i = 0; i < metric->n_changes; i += CHANGES_AT_ONCE) {
		const struct wh_change *changes = metric->changes + i;
		size_t n = metric->n_changes - i < CHANGES_AT_ONCE ? metric->n_changes - i : CHANGES_AT_ONCE;
		put(out, bytes, whole ? write_whole(bytes, changes, n, before) : write_real(bytes, changes, n, before.step));
		before = changes[n - 1];
	}
}

void wh_session_pack(const struct wh_session *session, struct wh_str *out)
{
	put_varint(out, session->n_steps);
	put_varint(out, zigzag(session->first_step));
	put_varint(out, session->n_metrics);
	put_varint(out, session->time_s != NULL);
	for (uint32_t i = 0; session->time_s && i < session->n_steps; i++) {
		unsigned char bytes[sizeof(double)];
		put(out, bytes, write_double(bytes, session->time_s[i]));
	}
	for (size_t i = 0; i < session->n_metrics; i++)
		put_metric(out, &session->metrics[i]);
}

/* ---- reading ---- */

struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

static uint64_t take_long_varint(const unsigned char **at, const unsigned char *end, bool *bad)
{
	uint64_t v = 0;
	for (int shift = 0; shift < 64; shift += 7) {
		if (*at == end)
			break;
		unsigned char byte = *(*at)++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return v;
	}
	*bad = true;
	return 0;
}

static inline uint64_t take_varint(struct cursor *c)
{
	if (c->at != c->end && *c->at < 0x80) /* nearly all of them */
		return *c->at++;
	const unsigned char *at = c->at;
	bool bad = c->bad;
	uint64_t v = take_long_varint(&at, c->end, &bad);
	c->at = at;
	c->bad = bad;
	return v;
}

static inline int64_t take_signed(struct cursor *c)
{
	uint64_t v = take_varint(c);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

static inline double take_double(struct cursor *c)
{
	uint64_t bits;
	double v = 0;
	if (c->end - c->at < 8) {
		c->bad = true;
		return 0;
	}
	memcpy(&bits, c->at, 8);
	c->at += 8;
	bits = le64toh(bits);
	memcpy(&v, &bits, 8);
	return v;
}

/* A number of things of at least so many bytes each, as far as there is room for them. */
static size_t take_count(struct cursor *c, size_t bytes_each)
{
	uint64_t n = take_varint(c);
	c->bad |= n > (size_t)(c->end - c->at) / bytes_each;
	return c->bad ? 0 : (size_t)n;
}

/* Where the next change is: behind the last, below n_steps. */
static inline uint32_t take_step(struct cursor *c, uint32_t n_steps, uint32_t after, bool first)
{
	uint64_t further = take_varint(c);
	c->bad |= further >= n_steps || further + after >= n_steps || (!first && !further);
	return (uint32_t)(after + further);
}

static void take_whole(struct cursor *from, uint32_t n_steps, struct wh_change *changes, size_t n)
{
	struct cursor c = *from; /* nobody else's: it stays in registers */
	uint32_t step = 0;
	int64_t value = 0;
	for (size_t i = 0; i < n && !c.bad; i++) {
		step = take_step(&c, n_steps, step, !i);
		value = (int64_t)((uint64_t)value + (uint64_t)take_signed(&c)); /* wraps where the bytes are not ours */
		changes[i] = (struct wh_change){ step, (double)value };
	}
	*from = c;
}

static void take_real(struct cursor *from, uint32_t n_steps, struct wh_change *changes, size_t n)
{
	struct cursor c = *from;
	uint32_t step = 0;
	for (size_t i = 0; i < n && !c.bad; i++) {
		step = take_step(&c, n_steps, step, !i);
		changes[i] = (struct wh_change){ step, take_double(&c) };
		c.bad |= fabs(changes[i].value) > DBL_MAX;
	}
	*from = c;
}

static int take_metric(struct cursor *c, struct wh_arena *arena, uint32_t n_steps, struct wh_metric *metric, struct wh_err *err)
{
	size_t length = take_count(c, 1);
	c->bad |= length && memchr(c->at, '\0', length);
	metric->name = wh_arena_strndup(arena, (const char *)c->at, length);
	c->at += length;
	uint64_t n = take_varint(c);
	bool whole = n & 1;
	n >>= 1;
	c->bad |= n > (size_t)(c->end - c->at) / (whole ? 2 : 9);
	if (c->bad)
		return WH_OK;
	struct wh_change *changes = wh_arena_alloc(arena, ((size_t)n + 1) * sizeof *changes);
	if (!metric->name || !changes)
		return wh_arena_error(arena, err);
	if (whole)
		take_whole(c, n_steps, changes, (size_t)n);
	else
		take_real(c, n_steps, changes, (size_t)n);
	metric->changes = changes;
	metric->n_changes = (size_t)n;
	return WH_OK;
}

static int take_session(struct cursor *c, struct wh_arena *arena, struct wh_session *session, struct wh_err *err)
{
	uint64_t n_steps = take_varint(c);
	session->first_step = take_signed(c);
	size_t n_metrics = take_count(c, 2);
	bool timed = take_varint(c) == 1;
	c->bad |= n_steps > WH_SESSION_MOST_STEPS || (timed && n_steps > (size_t)(c->end - c->at) / 8);
	if (c->bad)
		return WH_OK;
	session->n_steps = (uint32_t)n_steps;
	double *time = timed ? wh_arena_alloc(arena, (session->n_steps + 1) * sizeof *time) : NULL;
	struct wh_metric *metrics = wh_arena_zalloc(arena, n_metrics + 1, sizeof *metrics);
	if ((timed && !time) || !metrics)
		return wh_arena_error(arena, err);
	for (uint32_t i = 0; timed && i < n_steps; i++)
		time[i] = take_double(c);
	for (size_t i = 0; i < n_metrics && !c->bad; i++) {
		WH_TRY(take_metric(c, arena, session->n_steps, &metrics[i], err));
		c->bad |= i && !c->bad && strcmp(metrics[i - 1].name, metrics[i].name) >= 0;
	}
	session->time_s = time;
	session->metrics = metrics;
	session->n_metrics = n_metrics;
	return WH_OK;
}

int wh_session_unpack(struct wh_bytes bytes, struct wh_arena *arena, struct wh_session **session, struct wh_err *err)
{
	struct cursor c = { (const unsigned char *)bytes.data, (const unsigned char *)bytes.data + bytes.size, false };
	*session = wh_arena_zalloc(arena, 1, sizeof **session);
	if (!*session)
		return wh_arena_error(arena, err);
	WH_TRY(take_session(&c, arena, *session, err));
	return c.bad || c.at != c.end ? wh_err_set(err, WH_E_FORMAT, "no packed session") : WH_OK;
}
