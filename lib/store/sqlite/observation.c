/* SPDX-License-Identifier: Apache-2.0 */
/* Observations with their bodies and fingerprints. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd_errors.h>

#include "base/hash.h"
#include "base/vec.h"
#include "store/sqlite/sqlite.h"

/* Measured on stacks: below 256 bytes zstd saves a fifth for half of the time of an insert; level 3 saves no more than level 1. */
enum { PACK_FROM = 256, PACK_LEVEL = 1 };

/* ---- fingerprints: equal ones once ---- */

int wh_sqlite_fingerprint(struct wh_store *store, struct wh_bytes bytes, int64_t *number, struct wh_err *err)
{
	static const char sql_find[] = "SELECT number, bytes FROM fingerprint WHERE hash = ?1";
	static const char sql_add[] = "INSERT INTO fingerprint (hash, bytes) VALUES (?1, ?2)";
	sqlite3_stmt *statement;
	bool row = true, failed = false;
	*number = 0;
	if (!bytes.size)
		return WH_OK;
	int64_t hash = (int64_t)wh_hash(bytes.data, bytes.size, 0);
	WH_TRY(wh_sqlite_take(store, sql_find, &statement, err));
	int code = WH_OK;
	for (int bound = sqlite3_bind_int64(statement, 1, hash); code == WH_OK && row && !*number;) {
		code = wh_sqlite_step(store, statement, bound, &row, err);
		if (code != WH_OK || !row)
			break;
		struct wh_bytes known = wh_sqlite_bytes(statement, 1, &failed);
		if (known.size == bytes.size && !memcmp(known.data, bytes.data, bytes.size))
			*number = sqlite3_column_int64(statement, 0);
	}
	wh_sqlite_give(store, statement);
	if (code == WH_OK && failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code != WH_OK || *number)
		return code;
	WH_TRY(wh_sqlite_take(store, sql_add, &statement, err));
	int bound = sqlite3_bind_int64(statement, 1, hash) | wh_sqlite_bind_bytes(statement, 2, bytes);
	WH_TRY(wh_sqlite_run(store, statement, bound, err));
	*number = sqlite3_last_insert_rowid(store->db);
	return WH_OK;
}

/* ---- bodies ---- */

/* *packed: valid until the next call. */
static int pack(struct wh_store *store, struct wh_bytes body, struct wh_bytes *packed, struct wh_err *err)
{
	*packed = body;
	if (body.size > WH_SQLITE_LARGEST)
		return wh_err_set(err, WH_E_LIMIT, "a body of %zu bytes, more than %d", body.size, WH_SQLITE_LARGEST);
	if (body.size < PACK_FROM)
		return WH_OK;
	size_t most = ZSTD_compressBound(body.size);
	if (store->packed_cap < most && wh_vec_grow_((void **)&store->packed, &store->packed_cap, most, 1))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	size_t n = ZSTD_compressCCtx(store->pack, store->packed, store->packed_cap, body.data, body.size, PACK_LEVEL);
	if (ZSTD_isError(n))
		return wh_err_set(err, WH_E_NOMEM, "out of memory"); /* the room suffices, so nothing else is left */
	if (n < body.size)
		*packed = (struct wh_bytes){ store->packed, n };
	return WH_OK;
}

static int add_body(struct wh_store *store, int64_t row, struct wh_bytes body, struct wh_err *err)
{
	static const char sql[] = "INSERT INTO body (observation, bytes) VALUES (?1, ?2)";
	sqlite3_stmt *statement;
	struct wh_bytes packed;
	WH_TRY(pack(store, body, &packed, err));
	WH_TRY(wh_sqlite_take(store, sql, &statement, err));
	int bound = sqlite3_bind_int64(statement, 1, row) | wh_sqlite_bind_bytes(statement, 2, packed);
	return wh_sqlite_run(store, statement, bound, err);
}

struct memory WH_VEC(char);

/* *body, packed at first: as it is, or unpacked into memory. */
static int unpack(struct wh_store *store, int64_t size, struct memory *memory, struct wh_bytes *body, struct wh_err *err)
{
	if (size >= 0 && body->size == (size_t)size)
		return WH_OK;
	/* two witnesses before memory is spent: a damaged file may claim anything */
	if (size < 0 || size > WH_SQLITE_LARGEST || ZSTD_getFrameContentSize(body->data, body->size) != (unsigned long long)size)
		return wh_err_set(err, WH_E_FORMAT, "%s: damaged: a body of the wrong size", store->path);
	if (wh_vec_reserve(memory, size))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	size_t n = ZSTD_decompressDCtx(store->unpack, memory->data, (size_t)size, body->data, body->size);
	if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (n != (size_t)size)
		return wh_err_set(err, WH_E_FORMAT, "%s: damaged: a body that does not unpack", store->path);
	*body = (struct wh_bytes){ memory->data, n };
	return WH_OK;
}

/* ---- adding and updating ---- */

/* The row under an id that is there; the same content, or a conflict. */
static int find(struct wh_store *store, const char *noun, struct wh_store_observation *o, struct wh_err *err)
{
	static const char sql[] = "SELECT number, body_hash FROM observation WHERE noun = ?1 AND id = ?2";
	sqlite3_stmt *statement;
	bool found;
	WH_TRY(wh_sqlite_take(store, sql, &statement, err));
	int bound = wh_sqlite_bind_text(statement, 1, noun) | wh_sqlite_bind_text(statement, 2, o->id);
	int code = wh_sqlite_step(store, statement, bound, &found, err);
	if (code == WH_OK && found) {
		o->row = sqlite3_column_int64(statement, 0);
		if ((uint64_t)sqlite3_column_int64(statement, 1) != o->body_hash)
			code = wh_err_set(err, WH_E_CONFLICT, "%s: the store has other content under this id", o->id);
	}
	wh_sqlite_give(store, statement);
	return code;
}

static int add(struct wh_store *store, const char *noun, struct wh_store_observation *o, bool *added, struct wh_err *err)
{
	static const char sql[] =
		"INSERT INTO observation (noun, id, time_ns, label, body_hash, body_size, fingerprint, grouping, similarity)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (noun, id) DO NOTHING";
	sqlite3_stmt *s;
	int64_t fingerprint, group;
	WH_TRY(wh_sqlite_group(store, noun, o->group, &group, err));
	WH_TRY(wh_sqlite_fingerprint(store, o->fingerprint, &fingerprint, err));
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | wh_sqlite_bind_text(s, 2, o->id) | wh_sqlite_bind_time(s, 3, o->time_ns) |
		    wh_sqlite_bind_text(s, 4, o->label) | sqlite3_bind_int64(s, 5, (int64_t)o->body_hash) |
		    sqlite3_bind_int64(s, 6, (int64_t)o->body.size) | wh_sqlite_bind_reference(s, 7, fingerprint) |
		    wh_sqlite_bind_reference(s, 8, group) | sqlite3_bind_double(s, 9, o->similarity);
	WH_TRY(wh_sqlite_run(store, s, bound, err));
	if (!sqlite3_changes(store->db))
		return find(store, noun, o, err);
	int64_t row = sqlite3_last_insert_rowid(store->db);
	WH_TRY(add_body(store, row, o->body, err));
	o->row = row;
	*added = true;
	return WH_OK;
}

int wh_store_add(struct wh_store *store, const char *noun, struct wh_store_observation *o, bool *added, struct wh_err *err)
{
	bool own;
	*added = false;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	int code = wh_sqlite_write_end(store, own, add(store, noun, o, added, err), err);
	*added &= code == WH_OK;
	return code;
}

static int update(struct wh_store *store, const char *noun, int64_t row, struct wh_bytes fingerprint, const char *group,
		  double similarity, const char *label, struct wh_err *err)
{
	static const char sql[] =
		"UPDATE observation SET fingerprint = coalesce(?3, fingerprint), grouping = coalesce(?4, grouping),"
		" similarity = iif(?4 IS NULL, similarity, ?5), label = iif(?6 IS NULL, label, nullif(?6, ''))"
		" WHERE number = ?1 AND noun = ?2";
	sqlite3_stmt *s;
	int64_t fingerprint_number, group_number;
	WH_TRY(wh_sqlite_group(store, noun, group, &group_number, err));
	WH_TRY(wh_sqlite_fingerprint(store, fingerprint, &fingerprint_number, err));
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = sqlite3_bind_int64(s, 1, row) | wh_sqlite_bind_text(s, 2, noun) |
		    wh_sqlite_bind_reference(s, 3, fingerprint_number) | wh_sqlite_bind_reference(s, 4, group_number) |
		    sqlite3_bind_double(s, 5, similarity) | wh_sqlite_bind_text(s, 6, label);
	WH_TRY(wh_sqlite_run(store, s, bound, err));
	if (!sqlite3_changes(store->db))
		return wh_err_set(err, WH_E_NOTFOUND, "no observation number %" PRId64, row);
	return WH_OK;
}

int wh_store_update(struct wh_store *store, const char *noun, int64_t row, struct wh_bytes fingerprint, const char *group,
		    double similarity, const char *label, struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, update(store, noun, row, fingerprint, group, similarity, label, err), err);
}

static int replace(struct wh_store *store, const char *noun, int64_t row, struct wh_bytes body, uint64_t body_hash,
		   struct wh_bytes fingerprint, bool leave, struct wh_err *err)
{
	static const char sql_observation[] =
		"UPDATE observation SET body_hash = ?3, body_size = ?4, fingerprint = coalesce(?5, fingerprint),"
		" grouping = iif(?6, NULL, grouping), similarity = iif(?6, 0, similarity) WHERE number = ?1 AND noun = ?2";
	static const char sql_body[] = "UPDATE body SET bytes = ?2 WHERE observation = ?1";
	sqlite3_stmt *s;
	struct wh_bytes packed;
	int64_t number;
	WH_TRY(wh_sqlite_fingerprint(store, fingerprint, &number, err));
	WH_TRY(wh_sqlite_take(store, sql_observation, &s, err));
	int bound = sqlite3_bind_int64(s, 1, row) | wh_sqlite_bind_text(s, 2, noun) | sqlite3_bind_int64(s, 3, (int64_t)body_hash) |
		    sqlite3_bind_int64(s, 4, (int64_t)body.size) | wh_sqlite_bind_reference(s, 5, number) | sqlite3_bind_int(s, 6, leave);
	WH_TRY(wh_sqlite_run(store, s, bound, err));
	if (!sqlite3_changes(store->db))
		return wh_err_set(err, WH_E_NOTFOUND, "no observation number %" PRId64, row);
	WH_TRY(pack(store, body, &packed, err));
	WH_TRY(wh_sqlite_take(store, sql_body, &s, err));
	bound = sqlite3_bind_int64(s, 1, row) | wh_sqlite_bind_bytes(s, 2, packed);
	return wh_sqlite_run(store, s, bound, err);
}

int wh_store_replace(struct wh_store *store, const char *noun, int64_t row, struct wh_bytes body, uint64_t body_hash,
		     struct wh_bytes fingerprint, bool leave, struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, replace(store, noun, row, body, body_hash, fingerprint, leave, err), err);
}

/* ---- reading ---- */

/* ?1: which parts. A CASE reads the pages of a part only where it is wanted. */
#define SELECT_OBSERVATION                                                                                                       \
	"SELECT number, id, time_ns, label, body_hash, body_size, similarity,"                                                   \
	" (SELECT g.id FROM grouping g WHERE g.number = o.grouping),"                                                            \
	" CASE WHEN ?1 & 1 THEN (SELECT b.bytes FROM body b WHERE b.observation = o.number) END,"                                \
	" CASE WHEN ?1 & 2 THEN (SELECT f.bytes FROM fingerprint f WHERE f.number = o.fingerprint) END"

static int read_one(struct wh_store *store, sqlite3_stmt *s, unsigned parts, struct memory *memory, wh_store_fn *fn, void *user,
		    struct wh_err *err)
{
	bool failed = false;
	bool grouped = sqlite3_column_type(s, 7) != SQLITE_NULL, measured = sqlite3_column_type(s, 6) != SQLITE_NULL;
	struct wh_store_observation o = {
		.row = sqlite3_column_int64(s, 0),
		.id = wh_sqlite_text(s, 1, &failed),
		.time_ns = wh_sqlite_time(s, 2),
		.label = wh_sqlite_text(s, 3, &failed),
		.body_hash = (uint64_t)sqlite3_column_int64(s, 4),
		.similarity = measured	? sqlite3_column_double(s, 6)
			      : grouped ? NAN
					: 0, /* NaN is null to SQLite */
		.group = wh_sqlite_text(s, 7, &failed),
		.body = parts & WH_STORE_BODY ? wh_sqlite_bytes(s, 8, &failed) : (struct wh_bytes){ 0 },
		.fingerprint = parts & WH_STORE_FINGERPRINT ? wh_sqlite_bytes(s, 9, &failed) : (struct wh_bytes){ 0 },
	};
	if (failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (parts & WH_STORE_BODY)
		WH_TRY(unpack(store, sqlite3_column_int64(s, 5), memory, &o.body, err));
	return fn(user, &o, err);
}

static int read_all(struct wh_store *store, sqlite3_stmt *s, int bound, unsigned parts, uint64_t *n, wh_store_fn *fn, void *user,
		    struct wh_err *err)
{
	struct memory memory = { 0 }; /* not the handle's: fn may call back */
	int code;
	bool row = true;
	for (*n = 0; (code = wh_sqlite_step(store, s, bound, &row, err)) == WH_OK && row; ++*n) {
		code = read_one(store, s, parts, &memory, fn, user, err);
		if (code != WH_OK)
			break;
	}
	wh_vec_release(&memory);
	wh_sqlite_give(store, s);
	return code;
}

int wh_store_each(struct wh_store *store, const char *noun, const char *group, unsigned parts, wh_store_fn *fn, void *user,
		  struct wh_err *err)
{
	/* NOT INDEXED: by number, never sorted. The bound keeps a callback that adds from running after its own tail. */
	static const char sql_all[] = SELECT_OBSERVATION " FROM observation o NOT INDEXED WHERE noun = ?2 AND number <= (SELECT "
							 "max(number) FROM observation) ORDER BY number";
	static const char sql_group[] =
		SELECT_OBSERVATION " FROM observation o INDEXED BY observation_grouping WHERE grouping = ?2"
				   " AND number <= (SELECT max(number) FROM observation) ORDER BY number";
	sqlite3_stmt *s;
	int64_t group_number;
	uint64_t n;
	WH_TRY(wh_sqlite_group(store, noun, group, &group_number, err));
	WH_TRY(wh_sqlite_take(store, group ? sql_group : sql_all, &s, err));
	int bound = sqlite3_bind_int64(s, 1, parts);
	bound |= group ? sqlite3_bind_int64(s, 2, group_number) : wh_sqlite_bind_text(s, 2, noun);
	return read_all(store, s, bound, parts, &n, fn, user, err);
}

int wh_store_get(struct wh_store *store, const char *noun, const char *id, unsigned parts, wh_store_fn *fn, void *user,
		 struct wh_err *err)
{
	static const char sql[] = SELECT_OBSERVATION " FROM observation o WHERE noun = ?2 AND id = ?3";
	sqlite3_stmt *s;
	uint64_t n;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = sqlite3_bind_int64(s, 1, parts) | wh_sqlite_bind_text(s, 2, noun) | wh_sqlite_bind_text(s, 3, id);
	WH_TRY(read_all(store, s, bound, parts, &n, fn, user, err));
	return n ? WH_OK : wh_err_set(err, WH_E_NOTFOUND, "%s: no such observation", id);
}

int wh_store_count(struct wh_store *store, const char *noun, uint64_t *observations, uint64_t *groups, struct wh_err *err)
{
	static const char sql[] = "SELECT CASE WHEN ?2 THEN (SELECT count(*) FROM observation WHERE noun = ?1) END,"
				  " (SELECT count(*) FROM grouping WHERE noun = ?1 AND successor IS NULL)";
	sqlite3_stmt *s;
	bool row;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | sqlite3_bind_int(s, 2, observations != NULL); /* it walks an index */
	int code = wh_sqlite_step(store, s, bound, &row, err);
	if (code == WH_OK && row) {
		if (observations)
			*observations = (uint64_t)sqlite3_column_int64(s, 0);
		if (groups)
			*groups = (uint64_t)sqlite3_column_int64(s, 1);
	}
	wh_sqlite_give(store, s);
	return code;
}
