/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, as the steps that lead from one version to the next. A step that was released is never edited: files out there
 * were made by it. A new version is one more step, WH_SQLITE_VERSION + 1, and a stored file of the version before it for the
 * test.
 */
#include "store/sqlite/sqlite.h"

#include <stdio.h>

/*
 * Numbers (INTEGER PRIMARY KEY) ascend in the order of arrival, and nothing is ever deleted. What is wanted for every
 * observation, in one narrow table; bodies, which are large and seldom wanted, in another, so that lists do not read them and
 * an assignment does not write them again. A body shorter than body_size is a zstd frame. Groups are numbered across nouns, so an
 * index on the group alone is also one on (noun, group).
 */
static const char version_1[] = "CREATE TABLE fingerprint ("
				"  number INTEGER PRIMARY KEY,"
				"  hash INTEGER NOT NULL," /* XXH3 of bytes */
				"  bytes BLOB NOT NULL);"
				"CREATE INDEX fingerprint_hash ON fingerprint (hash);"

				"CREATE TABLE grouping ("
				"  number INTEGER PRIMARY KEY,"
				"  noun TEXT NOT NULL,"
				"  id TEXT NOT NULL,"
				"  created_ns INTEGER,"
				"  model INTEGER NOT NULL,"
				"  fingerprint INTEGER REFERENCES fingerprint,"
				"  label TEXT,"
				"  successor INTEGER REFERENCES grouping,"
				"  UNIQUE (noun, id));"

				"CREATE TABLE observation ("
				"  number INTEGER PRIMARY KEY,"
				"  noun TEXT NOT NULL,"
				"  id TEXT NOT NULL,"
				"  time_ns INTEGER,"
				"  label TEXT,"
				"  body_hash INTEGER NOT NULL,"
				"  body_size INTEGER NOT NULL,"
				"  fingerprint INTEGER REFERENCES fingerprint,"
				"  grouping INTEGER REFERENCES grouping,"
				"  similarity REAL,"
				"  UNIQUE (noun, id));"
				"CREATE INDEX observation_grouping ON observation (grouping) WHERE grouping IS NOT NULL;"

				"CREATE TABLE body ("
				"  observation INTEGER PRIMARY KEY REFERENCES observation,"
				"  bytes BLOB NOT NULL);"

				"CREATE TABLE model ("
				"  number INTEGER NOT NULL,"
				"  noun TEXT NOT NULL,"
				"  created_ns INTEGER NOT NULL,"
				"  file BLOB NOT NULL,"
				"  UNIQUE (noun, number));"

				"CREATE TABLE saying ("
				"  number INTEGER PRIMARY KEY,"
				"  noun TEXT NOT NULL,"
				"  time_ns INTEGER NOT NULL,"
				"  who TEXT,"
				"  word INTEGER NOT NULL," /* enum wh_store_word */
				"  a TEXT,"
				"  b TEXT,"
				"  text TEXT,"
				"  undone_by INTEGER REFERENCES saying);"

				"CREATE TABLE state ("
				"  noun TEXT NOT NULL,"
				"  key TEXT NOT NULL,"
				"  bytes BLOB NOT NULL,"
				"  UNIQUE (noun, key));";

/* A merge is undone together with the constraints that it implied. */
static const char version_2[] = "ALTER TABLE saying ADD COLUMN part_of INTEGER REFERENCES saying;"
				"CREATE INDEX saying_part_of ON saying (part_of) WHERE part_of IS NOT NULL;";

static const char *const steps[WH_SQLITE_VERSION] = { version_1, version_2 };

static int newer(struct wh_store *store, int64_t version, struct wh_err *err)
{
	return wh_err_set(err, WH_E_FORMAT, "%s: its schema version %lld is newer than %d, the newest that this whorl knows",
			  store->path, (long long)version, WH_SQLITE_VERSION);
}

/* 0 where the file is as good as empty. In one statement: while it reads, another process may be making the store. */
static int version_of(struct wh_store *store, int64_t *version, struct wh_err *err)
{
	static const char sql[] = "SELECT (SELECT user_version FROM pragma_user_version),"
				  " (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)";
	sqlite3_stmt *s;
	bool row;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int code = wh_sqlite_step(store, s, SQLITE_OK, &row, err);
	*version = code == WH_OK ? sqlite3_column_int64(s, 0) : 0;
	int64_t application = code == WH_OK ? sqlite3_column_int64(s, 1) : 0;
	bool empty = code == WH_OK && !application && !*version && !sqlite3_column_int64(s, 2);
	wh_sqlite_give(store, s);
	if (code != WH_OK || empty)
		return code;
	if (application != WH_SQLITE_APPLICATION)
		return wh_err_set(err, WH_E_FORMAT, "%s: a database of another program, not a store of whorl", store->path);
	if (*version < 1)
		return wh_err_set(err, WH_E_FORMAT, "%s: damaged: no schema version", store->path);
	return *version > WH_SQLITE_VERSION ? newer(store, *version, err) : WH_OK;
}

static int migrate(struct wh_store *store, struct wh_err *err)
{
	int64_t version;
	char text[96];
	WH_TRY(version_of(store, &version, err)); /* once more: another process may have been faster */
	if (version == WH_SQLITE_VERSION)
		return WH_OK;
	for (; version < WH_SQLITE_VERSION; version++)
		WH_TRY(wh_sqlite_exec(store, steps[version], err));
	snprintf(text, sizeof text, "PRAGMA application_id = %d; PRAGMA user_version = %d", WH_SQLITE_APPLICATION,
		 WH_SQLITE_VERSION);
	return wh_sqlite_exec(store, text, err);
}

/* A reader has an older file migrated by a writer of its own. */
static int migrate_for_reader(struct wh_store *store, int64_t version, struct wh_err *err)
{
	struct wh_store *writer;
	int code = wh_store_open(&writer, store->path, WH_STORE_WRITE, err);
	if (code != WH_OK)
		return wh_err_wrap(err, code, "cannot bring the schema from version %lld to %d", (long long)version,
				   WH_SQLITE_VERSION);
	wh_store_close(writer);
	return WH_OK;
}

int wh_sqlite_schema(struct wh_store *store, struct wh_err *err)
{
	int64_t version;
	WH_TRY(version_of(store, &version, err));
	if (version == WH_SQLITE_VERSION)
		return WH_OK;
	if (!version && store->mode != WH_STORE_CREATE)
		return wh_err_set(err, WH_E_FORMAT, "%s: an empty database, not a store of whorl", store->path);
	if (store->mode == WH_STORE_READ)
		return migrate_for_reader(store, version, err);
	WH_TRY(wh_sqlite_exec(store, "BEGIN IMMEDIATE", err));
	int code = migrate(store, err);
	if (code == WH_OK)
		code = wh_sqlite_exec(store, "COMMIT", err);
	if (code != WH_OK && !sqlite3_get_autocommit(store->db))
		(void)!wh_sqlite_exec(store, "ROLLBACK", NULL); /* and should it fail, open closes the file */
	return code;
}

int wh_sqlite_same_schema(struct wh_store *store, struct wh_err *err)
{
	static const char sql[] = "PRAGMA user_version";
	sqlite3_stmt *s;
	bool row;
	WH_TRY(wh_sqlite_take(store, sql, &s, err));
	int code = wh_sqlite_step(store, s, SQLITE_OK, &row, err);
	int64_t version = code == WH_OK && row ? sqlite3_column_int64(s, 0) : 0;
	wh_sqlite_give(store, s);
	if (code == WH_OK && version > WH_SQLITE_VERSION)
		return newer(store, version, err);
	if (code == WH_OK && version != WH_SQLITE_VERSION)
		return wh_err_set(err, WH_E_FORMAT, "%s: damaged: its schema version is now %lld", store->path,
				  (long long)version);
	return code;
}
