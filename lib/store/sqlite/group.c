/* SPDX-License-Identifier: Apache-2.0 */
/* Groups. `grouping` in SQL: group is a word of its own. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/sqlite.h"

int wh_sqlite_group(struct wh_store *store, const char *noun, const char *id, int64_t *number, struct wh_err *err)
{
	static const char sql[] = "SELECT number FROM grouping WHERE noun = ?1 AND id = ?2";
	sqlite3_stmt *s;
	bool row;
	*number = 0;
	if (!id)
		return WH_OK;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int code = wh_sqlite_step(store, s, wh_sqlite_bind_text(s, 1, noun) | wh_sqlite_bind_text(s, 2, id), &row, err);
	if (code == WH_OK && row)
		*number = sqlite3_column_int64(s, 0);
	else if (code == WH_OK)
		code = wh_err_set(err, WH_E_NOTFOUND, "%s: no such group", id);
	wh_sqlite_give(store, s);
	return code;
}

static int add(struct wh_store *store, const char *noun, const struct wh_store_group *group, struct wh_err *err)
{
	static const char sql[] = "INSERT INTO grouping (noun, id, created_ns, model, fingerprint, label, successor)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (noun, id) DO NOTHING";
	sqlite3_stmt *s;
	int64_t fingerprint, successor;
	WH_TRY(wh_sqlite_group(store, noun, group->successor, &successor, err));
	WH_TRY(wh_sqlite_fingerprint(store, group->fingerprint, &fingerprint, err));
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | wh_sqlite_bind_text(s, 2, group->id) |
		    wh_sqlite_bind_time(s, 3, group->created_ns) | sqlite3_bind_int64(s, 4, group->model) |
		    wh_sqlite_bind_reference(s, 5, fingerprint) | wh_sqlite_bind_text(s, 6, group->label) |
		    wh_sqlite_bind_reference(s, 7, successor);
	WH_TRY(wh_sqlite_run(store, s, bound, err));
	if (!sqlite3_changes(store->db))
		return wh_err_set(err, WH_E_CONFLICT, "%s: there is a group of this id", group->id);
	return WH_OK;
}

int wh_store_add_group(struct wh_store *store, const char *noun, const struct wh_store_group *group, struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, add(store, noun, group, err), err);
}

/* Follows successors from a group; *id: where they end, the caller frees it; *met: whether they pass by number. */
static int follow(struct wh_store *store, int64_t from, int64_t number, char **id, bool *met, struct wh_err *err)
{
	/* UNION, not UNION ALL: a chain that bites its tail ends there */
	static const char sql[] =
		"WITH RECURSIVE chain (number) AS (SELECT ?1 UNION"
		" SELECT g.successor FROM chain JOIN grouping g ON g.number = chain.number"
		" WHERE g.successor IS NOT NULL)"
		" SELECT g.number, g.successor IS NULL, g.id FROM chain JOIN grouping g ON g.number = chain.number";
	sqlite3_stmt *s;
	bool row, failed = false;
	*id = NULL;
	*met = false;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = sqlite3_bind_int64(s, 1, from), code;
	while ((code = wh_sqlite_step(store, s, bound, &row, err)) == WH_OK && row && !*id && !failed) {
		*met |= sqlite3_column_int64(s, 0) == number;
		if (sqlite3_column_int(s, 1)) {
			const char *text = wh_sqlite_text(s, 2, &failed);
			*id = text ? strdup(text) : NULL;
			failed |= !*id;
		}
	}
	wh_sqlite_give(store, s);
	if (code == WH_OK && failed)
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && !*id && !*met)
		code = wh_err_set(err, WH_E_FORMAT, "%s: damaged: the successors of a group run in a circle", store->path);
	if (code != WH_OK) {
		free(*id);
		*id = NULL;
	}
	return code;
}

static int update(struct wh_store *store, const char *noun, const char *id, const char *label, const char *successor,
		  struct wh_err *err)
{
	static const char sql[] = "UPDATE grouping SET label = iif(?2 IS NULL, label, nullif(?2, '')),"
				  " successor = iif(?3, ?4, successor) WHERE number = ?1";
	sqlite3_stmt *s;
	int64_t number, successor_number;
	WH_TRY(wh_sqlite_group(store, noun, id, &number, err));
	WH_TRY(wh_sqlite_group(store, noun, successor && *successor ? successor : NULL, &successor_number, err));
	if (successor_number) {
		char *last;
		bool met;
		WH_TRY(follow(store, successor_number, number, &last, &met, err));
		free(last);
		if (met)
			return wh_err_set(err, WH_E_CONFLICT, "%s: cannot be followed by %s, which it follows itself", id,
					  successor);
	}
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = sqlite3_bind_int64(s, 1, number) | wh_sqlite_bind_text(s, 2, label) |
		    sqlite3_bind_int(s, 3, successor != NULL) | wh_sqlite_bind_reference(s, 4, successor_number);
	return wh_sqlite_run(store, s, bound, err);
}

int wh_store_update_group(struct wh_store *store, const char *noun, const char *id, const char *label, const char *successor,
			  struct wh_err *err)
{
	bool own;
	WH_TRY(wh_sqlite_write_begin(store, &own, err));
	return wh_sqlite_write_end(store, own, update(store, noun, id, label, successor, err), err);
}

int wh_store_each_group(struct wh_store *store, const char *noun, bool ended, wh_store_group_fn *fn, void *user,
			struct wh_err *err)
{
	static const char sql[] = "SELECT id, created_ns, model, label,"
				  " (SELECT n.id FROM grouping n WHERE n.number = g.successor),"
				  " (SELECT f.bytes FROM fingerprint f WHERE f.number = g.fingerprint),"
				  " (SELECT count(*) FROM observation o WHERE o.grouping = g.number)"
				  " FROM grouping g NOT INDEXED WHERE noun = ?1 AND (?2 OR successor IS NULL)"
				  " AND number <= (SELECT max(number) FROM grouping) ORDER BY number";
	sqlite3_stmt *s;
	bool row, failed = false;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int bound = wh_sqlite_bind_text(s, 1, noun) | sqlite3_bind_int(s, 2, ended), code;
	while ((code = wh_sqlite_step(store, s, bound, &row, err)) == WH_OK && row) {
		struct wh_store_group group = {
			.id = wh_sqlite_text(s, 0, &failed),
			.created_ns = wh_sqlite_time(s, 1),
			.model = sqlite3_column_int64(s, 2),
			.label = wh_sqlite_text(s, 3, &failed),
			.successor = wh_sqlite_text(s, 4, &failed),
			.fingerprint = wh_sqlite_bytes(s, 5, &failed),
			.observations = (uint64_t)sqlite3_column_int64(s, 6),
		};
		code = failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : fn(user, &group, err);
		if (code != WH_OK)
			break;
	}
	wh_sqlite_give(store, s);
	return code;
}

int wh_store_resolve_group(struct wh_store *store, const char *noun, const char *id, char **current, struct wh_err *err)
{
	int64_t number;
	bool met;
	*current = NULL;
	WH_TRY(wh_sqlite_group(store, noun, id, &number, err));
	return follow(store, number, 0, current, &met, err);
}
