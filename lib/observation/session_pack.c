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

/* Bytes at most: a varint, one of 32 bits, a change. */
enum { LONGEST_VARINT = 10, LONGEST_STEP = 5, LONGEST_CHANGE = LONGEST_STEP + LONGEST_VARINT, NEAR = 8 };

static inline unsigned char *put_varint(unsigned char *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (unsigned char)(v | 0x80);
	*at++ = (unsigned char)v;
	return at;
}

static uint64_t zigzag(int64_t v)
{
	return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline unsigned char *put_double(unsigned char *at, double v)
{
	uint64_t bits;
	if (isnan(v))
		v = NAN; /* one of the many */
	memcpy(&bits, &v, 8);
	bits = htole64(bits);
	memcpy(at, &bits, 8);
	return at + 8;
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

static unsigned char *put_whole(unsigned char *at, const struct wh_change *changes, size_t n)
{
	struct wh_change before = { 0, 0 };
	for (size_t i = 0; i < n; before = changes[i++]) {
		at = put_varint(at, changes[i].step - before.step);
		at = put_varint(at, zigzag((int64_t)changes[i].value - (int64_t)before.value));
	}
	return at;
}

static unsigned char *put_real(unsigned char *at, const struct wh_change *changes, size_t n)
{
	uint32_t step = 0;
	for (size_t i = 0; i < n; i++) {
		at = put_varint(at, changes[i].step - step);
		step = changes[i].step;
		at = put_double(at, changes[i].value);
	}
	return at;
}

static void put_metric(struct wh_str *out, const struct wh_metric *metric)
{
	size_t length = strlen(metric->name), n = metric->n_changes;
	bool whole = is_whole(metric);
	if (!wh_str_reserve(out, 2 * LONGEST_VARINT + length + n * LONGEST_CHANGE))
		return;
	unsigned char *first = (unsigned char *)out->data + out->n, *at = put_varint(first, length);
	memcpy(at, metric->name, length);
	at = put_varint(at + length, (uint64_t)n * 2 + whole);
	at = whole ? put_whole(at, metric->changes, n) : put_real(at, metric->changes, n);
	out->n += (size_t)(at - first);
}

void wh_session_pack(const struct wh_session *session, struct wh_str *out)
{
	size_t n_times = session->time_s ? session->n_steps : 0;
	if (!wh_str_reserve(out, 4 * LONGEST_VARINT + n_times * sizeof(double)))
		return;
	unsigned char *first = (unsigned char *)out->data + out->n, *at = put_varint(first, session->n_steps);
	at = put_varint(at, zigzag(session->first_step));
	at = put_varint(at, session->n_metrics);
	at = put_varint(at, session->time_s != NULL);
	for (size_t i = 0; i < n_times; i++)
		at = put_double(at, session->time_s[i]);
	out->n += (size_t)(at - first);
	for (size_t i = 0; i < session->n_metrics; i++)
		put_metric(out, &session->metrics[i]);
	wh_str_add(out, "", 0); /* ends it */
}

/* ---- reading ---- */

struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

static inline uint64_t take_varint(struct cursor *c)
{
	const unsigned char *at = c->at;
	uint64_t v = 0;
	for (int shift = 0; shift < 64; shift += 7) {
		if (at == c->end)
			break;
		unsigned char byte = *at++;
		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			c->at = at;
			return v;
		}
	}
	c->bad = true;
	return 0;
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

/* Some changes, each at most 127 steps behind the last, without a question about each. False where there are others: nothing is taken then. */
static bool take_near(struct cursor *c, uint32_t n_steps, uint32_t *step, struct wh_change *changes)
{
	const uint64_t infinite = 0x7ff0000000000000;
	uint64_t wrong = (size_t)(c->end - c->at) < NEAR * 9;
	uint32_t at = *step;
	for (size_t i = 0; i < NEAR && !wrong; i++) {
		const unsigned char *from = c->at + 9 * i;
		uint64_t further = *from, bits;
		memcpy(&bits, from + 1, 8);
		bits = le64toh(bits);
		at += (uint32_t)further;
		wrong = (further | (further - 1)) > 0x7f;
		wrong |= bits << 1 == infinite << 1;
		changes[i].step = at;
		memcpy(&changes[i].value, &bits, 8);
	}
	if (wrong || at >= n_steps)
		return false;
	c->at += NEAR * 9;
	*step = at;
	return true;
}

static void take_real(struct cursor *from, uint32_t n_steps, struct wh_change *changes, size_t n)
{
	struct cursor c = *from;
	uint32_t step = 0;
	for (size_t i = 0; i < n && !c.bad;) {
		if (i && n - i >= NEAR && take_near(&c, n_steps, &step, changes + i)) {
			i += NEAR;
			continue;
		}
		for (size_t last = n - i < NEAR ? n : i ? i + NEAR : 1; i < last && !c.bad; i++) {
			step = take_step(&c, n_steps, step, !i);
			changes[i] = (struct wh_change){ step, take_double(&c) };
			c.bad |= fabs(changes[i].value) > DBL_MAX;
		}
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
