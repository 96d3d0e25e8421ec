/* SPDX-License-Identifier: Apache-2.0 */
/* A scratch folder for each test, and observations that are a function of their number, so that what is read can be checked. */
#ifndef WHORL_TESTS_STORE_SAMPLE_H
#define WHORL_TESTS_STORE_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/hash.h"
#include "store/store.h"

struct scratch {
	char folder[64], path[96];
};

static inline int scratch_make(void **state)
{
	struct scratch *scratch = calloc(1, sizeof *scratch);
	*state = scratch;
	if (!scratch)
		return -1;
	snprintf(scratch->folder, sizeof scratch->folder, "/tmp/whorl-store-XXXXXX");
	if (!mkdtemp(scratch->folder))
		return -1;
	snprintf(scratch->path, sizeof scratch->path, "%s/s.db", scratch->folder);
	return 0;
}

static inline void scratch_clear(const struct scratch *scratch)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char path[128];
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(path, sizeof path, "%s%s", scratch->path, suffixes[i]);
		unlink(path);
	}
}

static inline int scratch_remove(void **state)
{
	struct scratch *scratch = *state;
	scratch_clear(scratch);
	int failed = rmdir(scratch->folder);
	free(scratch);
	return failed;
}

/* WH_OK expected; says what was got instead. */
#define ok(call)                                                                             \
	do {                                                                                 \
		int code_ = (call);                                                          \
		if (code_ != WH_OK)                                                          \
			fail_msg("%s: %s: %s", #call, wh_code_name(code_), err.message);     \
	} while (0)
/* The code expected, with a part of the message. */
#define fails(call, expected, part)                                                          \
	do {                                                                                 \
		memset(&err, 0, sizeof err);                                                 \
		int code_ = (call);                                                          \
		if (code_ != (expected) || !strstr(err.message, part))                       \
			fail_msg("%s: %s: %s", #call, wh_code_name(code_), err.message);     \
		assert_int_equal(err.code, code_);                                           \
	} while (0)

struct sample {
	struct wh_store_observation o;
	char id[32], fingerprint[64], body[3000];
};

/* Bodies of 40 to 2600 bytes, both sides of where packing begins; 50 different fingerprints. */
static inline struct wh_store_observation *sample(struct sample *s, uint64_t i)
{
	size_t n = (size_t)snprintf(s->body, sizeof s->body, "{\"id\":\"r%llu\",\"frames\":[\"main\"", (unsigned long long)i);
	for (uint64_t f = 0; f < i % 100; f++)
		n += (size_t)snprintf(s->body + n, sizeof s->body - n, ",\"function_%04llx\"",
				      (unsigned long long)(wh_hash_u64(i + f) & 0xffff));
	n += (size_t)snprintf(s->body + n, sizeof s->body - n, "]}");
	snprintf(s->id, sizeof s->id, "r%llu", (unsigned long long)i);
	int size = snprintf(s->fingerprint, sizeof s->fingerprint, "fingerprint %llu", (unsigned long long)(i % 50));
	s->o = (struct wh_store_observation){ .id = s->id,
					      .time_ns = (int64_t)i * 1000,
					      .body = { s->body, n },
					      .body_hash = wh_hash(s->body, n, 0),
					      .fingerprint = { s->fingerprint, (size_t)size } };
	return &s->o;
}

static inline int sample_add(struct wh_store *store, const char *noun, uint64_t i, struct wh_err *err)
{
	struct sample s;
	bool added;
	int code = wh_store_add(store, noun, sample(&s, i), &added, err);
	return code == WH_OK && !added ? wh_err_set(err, WH_E_INTERNAL, "%s was there", s.id) : code;
}

/* Both parts as they were given. */
static inline bool sample_same(const struct wh_store_observation *o)
{
	struct sample s;
	sample(&s, strtoull(o->id + 1, NULL, 10));
	return !strcmp(o->id, s.id) && o->time_ns == s.o.time_ns && o->body_hash == s.o.body_hash &&
	       o->body.size == s.o.body.size && !memcmp(o->body.data, s.o.body.data, o->body.size) &&
	       o->fingerprint.size == s.o.fingerprint.size &&
	       !memcmp(o->fingerprint.data, s.o.fingerprint.data, o->fingerprint.size);
}

/* A wh_store_fn: counts, and fails where one is not as given. user: size_t. */
static inline int sample_check(void *user, const struct wh_store_observation *o, struct wh_err *err)
{
	++*(size_t *)user;
	return sample_same(o) ? WH_OK : wh_err_set(err, WH_E_INTERNAL, "%s came back changed", o->id);
}

static inline int sample_count(struct wh_store *store, const char *noun, size_t *n, struct wh_err *err)
{
	*n = 0;
	return wh_store_each(store, noun, NULL, WH_STORE_BODY | WH_STORE_FINGERPRINT, sample_check, n, err);
}

/* Runs SQL behind the store's back; its first value as text. */
static inline void sql(const char *path, const char *text, char *result, size_t size)
{
	sqlite3 *db;
	sqlite3_stmt *statement;
	const char *tail = text;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	while (*tail) {
		if (sqlite3_prepare_v2(db, tail, -1, &statement, &tail) != SQLITE_OK)
			fail_msg("%s: %s", tail, sqlite3_errmsg(db));
		int step = sqlite3_step(statement);
		if (step != SQLITE_ROW && step != SQLITE_DONE && statement)
			fail_msg("%s: %s", text, sqlite3_errmsg(db));
		if (result && step == SQLITE_ROW)
			snprintf(result, size, "%s", (const char *)sqlite3_column_text(statement, 0));
		sqlite3_finalize(statement);
	}
	sqlite3_close(db);
}

static inline void assert_whole(const char *path)
{
	char text[200] = "";
	sql(path, "PRAGMA integrity_check", text, sizeof text);
	assert_string_equal(text, "ok");
	text[0] = '\0';
	sql(path, "PRAGMA foreign_key_check", text, sizeof text);
	assert_string_equal(text, "");
}

#endif
