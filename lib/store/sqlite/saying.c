/* SPDX-License-Identifier: Apache-2.0 */
/* What people said: appended, never changed but for the mark that it was taken back. */
#include <inttypes.h>

#include "base/time.h"
#include "store/sqlite/sqlite.h"

/* WH_E_NOTFOUND where number is no saying about noun. */
static int find(struct wh_store *store, const char *noun, int64_t number, int64_t *undone_by, struct wh_err *err)
{
	static const char sql[] = "SELECT undone_by FROM saying WHERE number = ?1 AND noun = ?2";
	sqlite3_stmt *s;
	bool row;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int code = wh_sqlite_step(store, s, sqlite3_bind_int64(s, 1, number) | wh_sqlite_bind_text(s, 2, noun), &row, err);
	*undone_by = code == WH_OK && row ? sqlite3_column_int64(s, 0) : 0; /* null reads as 0 */
	if (code == WH_OK && !row)
		code = wh_err_set(err, WH_E_NOTFOUND, "nothing was said about %s under number %" PRId64, noun, number);
	wh_sqlite_give(store, s);
	return code;
}

static int say(struct wh_store *store, const char *noun, struct wh_store_saying *saying, struct wh_err *err)
{
	static const char sql[] = "INSERT INTO saying (noun, time_ns, who, word, a, b, text, part_of)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	sqlite3_stmt *s;
	int64_t now = wh_time_now(), undone_by;
	if (saying->part_of)
		WH_TRY(find(store, noun, saying->part_of, &undone_by, err));
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | sqlite3_bind_int64(s, 2, now) | wh_sqlite_bind_text(s, 3, saying->who) |
		    sqlite3_bind_int(s, 4, (int)saying->word) | wh_sqlite_bind_text(s, 5, saying->a) |
		    wh_sqlite_bind_text(s, 6, saying->b) | wh_sqlite_bind_text(s, 7, saying->text) |
		    wh_sqlite_bind_reference(s, 8, saying->part_of);
	WH_TRY(wh_sqlite_run(store, s, bound, err));
	saying->number = sqlite3_last_insert_rowid(store->db);
	saying->time_ns = now;
	return WH_OK;
}

int wh_store_say(struct wh_store *store, const char *noun, struct wh_store_saying *saying, struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, say(store, noun, saying, err), err);
}

int wh_store_each_saying(struct wh_store *store, const char *noun, bool undone, wh_store_saying_fn *fn, void *user,
			 struct wh_err *err)
{
	static const char sql[] = "SELECT number, time_ns, who, word, a, b, text, undone_by, part_of FROM saying"
				  " WHERE noun = ?1 AND (?2 OR undone_by IS NULL)"
				  " AND number <= (SELECT max(number) FROM saying) ORDER BY number";
	sqlite3_stmt *s;
	bool row, failed = false;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | sqlite3_bind_int(s, 2, undone), code;
	while ((code = wh_sqlite_step(store, s, bound, &row, err)) == WH_OK && row) {
		struct wh_store_saying saying = {
			.number = sqlite3_column_int64(s, 0),
			.time_ns = sqlite3_column_int64(s, 1),
			.who = wh_sqlite_text(s, 2, &failed),
			.word = (enum wh_store_word)sqlite3_column_int(s, 3),
			.a = wh_sqlite_text(s, 4, &failed),
			.b = wh_sqlite_text(s, 5, &failed),
			.text = wh_sqlite_text(s, 6, &failed),
			.undone_by = sqlite3_column_int64(s, 7),
			.part_of = sqlite3_column_int64(s, 8),
		};
		code = failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : fn(user, &saying, err);
		if (code != WH_OK)
			break;
	}
	wh_sqlite_give(store, s);
	return code;
}

static int undo(struct wh_store *store, const char *noun, int64_t number, int64_t by, struct wh_err *err)
{
	/* the one that takes back may be told as a part of what it takes back; it stays in force */
	static const char sql[] = "WITH RECURSIVE part (number) AS (SELECT ?1 UNION"
				  " SELECT s.number FROM part JOIN saying s ON s.part_of = part.number)"
				  " UPDATE saying SET undone_by = ?2"
				  " WHERE number IN (SELECT number FROM part) AND number <> ?2 AND undone_by IS NULL";
	sqlite3_stmt *s;
	int64_t undone_by, ignored;
	if (number == by)
		return wh_err_set(err, WH_E_USAGE, "number %" PRId64 " cannot take itself back", number);
	WH_TRY(find(store, noun, by, &ignored, err));
	WH_TRY(find(store, noun, number, &undone_by, err));
	if (undone_by)
		return wh_err_set(err, WH_E_CONFLICT, "number %" PRId64 " was taken back before, by %" PRId64, number, undone_by);
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	return wh_sqlite_run(store, s, sqlite3_bind_int64(s, 1, number) | sqlite3_bind_int64(s, 2, by), err);
}

int wh_store_undo(struct wh_store *store, const char *noun, int64_t number, int64_t by, struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, undo(store, noun, number, by, err), err);
}
