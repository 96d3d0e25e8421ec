/* SPDX-License-Identifier: Apache-2.0 */
/* Models, and the state of the running assignment. */
#include <inttypes.h>

#include "base/time.h"
#include "store/sqlite/sqlite.h"

static int add(struct wh_store *store, const char *noun, struct wh_bytes file, int64_t *number, struct wh_err *err)
{
	static const char sql[] = "INSERT INTO model (noun, number, created_ns, file)"
				  " SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3 FROM model WHERE noun = ?1 RETURNING number";
	sqlite3_stmt *s;
	bool row = true;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | sqlite3_bind_int64(s, 2, wh_time_now()) | wh_sqlite_bind_bytes(s, 3, file);
	int code = wh_sqlite_step(store, s, bound, &row, err);
	if (code == WH_OK && row) {
		*number = sqlite3_column_int64(s, 0);
		code = wh_sqlite_step(store, s, SQLITE_OK, &row, err); /* to its end: a statement cut short counts as failed */
	}
	wh_sqlite_give(store, s);
	return code;
}

int wh_store_add_model(struct wh_store *store, const char *noun, struct wh_bytes file, int64_t *number, struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, add(store, noun, file, number, err), err);
}

int wh_store_get_model(struct wh_store *store, const char *noun, int64_t number, wh_store_model_fn *fn, void *user,
		       struct wh_err *err)
{
	static const char sql[] = "SELECT number, created_ns, file FROM model WHERE noun = ?1 AND (?2 = 0 OR number = ?2)"
				  " ORDER BY number DESC LIMIT 1";
	sqlite3_stmt *s;
	bool row, failed = false;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int code = wh_sqlite_step(store, s, wh_sqlite_bind_text(s, 1, noun) | sqlite3_bind_int64(s, 2, number), &row, err);
	if (code == WH_OK && row) {
		struct wh_store_model model = { sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
						wh_sqlite_bytes(s, 2, &failed) };
		code = failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : fn(user, &model, err);
	} else if (code == WH_OK) {
		code = number ? wh_err_set(err, WH_E_NOTFOUND, "no model %" PRId64 " of %s", number, noun)
			      : wh_err_set(err, WH_E_NOTFOUND, "no model of %s yet", noun);
	}
	wh_sqlite_give(store, s);
	return code;
}

int wh_store_set_state(struct wh_store *store, const char *noun, const char *key, struct wh_bytes bytes, struct wh_err *err)
{
	static const char sql[] = "INSERT INTO state (noun, key, bytes) VALUES (?1, ?2, ?3)"
				  " ON CONFLICT (noun, key) DO UPDATE SET bytes = excluded.bytes";
	sqlite3_stmt *s;
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	int code = wh_sqlite_take(store, sql, &s, err);
	if (code == WH_OK)
		code = wh_sqlite_run(store, s,
				     wh_sqlite_bind_text(s, 1, noun) | wh_sqlite_bind_text(s, 2, key) |
					     wh_sqlite_bind_bytes(s, 3, bytes),
				     err);
	return wh_sqlite_write_end(store, own, code, err);
}

int wh_store_get_state(struct wh_store *store, const char *noun, const char *key, wh_store_state_fn *fn, void *user,
		       struct wh_err *err)
{
	static const char sql[] = "SELECT bytes FROM state WHERE noun = ?1 AND key = ?2";
	sqlite3_stmt *s;
	bool row, failed = false;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int code = wh_sqlite_step(store, s, wh_sqlite_bind_text(s, 1, noun) | wh_sqlite_bind_text(s, 2, key), &row, err);
	if (code == WH_OK && row) {
		struct wh_bytes bytes = wh_sqlite_bytes(s, 0, &failed);
		code = failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : fn(user, bytes, err);
	} else if (code == WH_OK) {
		code = wh_err_set(err, WH_E_NOTFOUND, "no state `%s` of %s", key, noun);
	}
	wh_sqlite_give(store, s);
	return code;
}
