/* SPDX-License-Identifier: Apache-2.0 */
/* A stored body that somebody damaged: two bytes of claimed size, one that says whether the rest is the packed body itself or is packed
 * first. Reading it gives a body of the claimed size or an error; the neutral decoder then sees it. */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "format/stack/neutral.h"
#include "store/sqlite/sqlite.h"
#include "target.h"

static struct wh_store *store; /* one for all inputs */
static char folder[] = "/tmp/whorl-fuzz-XXXXXX";

static void clean_up(void)
{
	char path[64];
	wh_store_close(store);
	snprintf(path, sizeof path, "%s/x.db", folder);
	unlink(path);
	rmdir(folder);
}

static void prepare(void)
{
	char path[64];
	bool added;
	struct wh_err err = { 0 };
	struct wh_store_observation o = { .id = "x", .time_ns = WH_STORE_NO_TIME, .body = { "{}", 2 } };
	MUST(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/x.db", folder);
	MUST(wh_store_open(&store, path, WH_STORE_CREATE, &err) == WH_OK);
	MUST(sqlite3_exec(store->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) == SQLITE_OK);
	MUST(wh_store_add(store, "stack", &o, &added, &err) == WH_OK);
	atexit(clean_up);
}

static int take(void *user, const struct wh_store_observation *o, struct wh_err *err)
{
	struct wh_observation decoded;
	struct wh_arena arena;
	MUST(o->body.size == *(const size_t *)user);
	wh_arena_init(&arena, (size_t)64 << 20);
	int code = wh_stack_decode(o->body, &arena, &decoded, err);
	MUST(code == WH_OK || *err->message);
	wh_arena_release(&arena);
	return WH_OK;
}

static void set(const char *sql, size_t size, const void *bytes, size_t n)
{
	sqlite3_stmt *s;
	MUST(sqlite3_prepare_v2(store->db, sql, -1, &s, NULL) == SQLITE_OK);
	MUST((bytes ? sqlite3_bind_blob64(s, 1, bytes, n, SQLITE_TRANSIENT) : sqlite3_bind_int64(s, 1, (int64_t)size)) == SQLITE_OK);
	MUST(sqlite3_step(s) == SQLITE_DONE);
	sqlite3_finalize(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wh_err err = { 0 };
	static char packed[1 << 21];
	if (size < 3 || size > 1 << 20)
		return 0;
	if (!store)
		prepare();
	size_t claimed = (size_t)data[0] | (size_t)data[1] << 8, n = size - 3;
	const void *bytes = data + 3;
	if (data[2] & 1) {
		claimed = data[2] & 2 ? n : claimed;
		n = ZSTD_compress(packed, sizeof packed, bytes, n, 1);
		bytes = packed;
	}
	set("UPDATE observation SET body_size = ?1", claimed, NULL, 0);
	set("UPDATE body SET bytes = ?1", 0, n ? bytes : "", n);
	int code = wh_store_get(store, "stack", "x", WH_STORE_BODY, take, &claimed, &err);
	MUST(code == WH_OK || code == WH_E_FORMAT);
	return 0;
}
