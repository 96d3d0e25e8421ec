/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the SQLite back end: the handle, its prepared statements, and how SQLite's errors become ours.
 *
 * Invariants: a statement that was taken is given back on every path; SQL is a static array, known by its address, next to the
 * function that runs it; a function that writes more than one row does so between write_begin and write_end, so that it leaves
 * all of it or, outside of a caller's transaction, nothing.
 */
#ifndef WHORL_STORE_SQLITE_SQLITE_H
#define WHORL_STORE_SQLITE_SQLITE_H

#include <sqlite3.h>
#include <zstd.h>

#include "store/store.h"

enum {
	WH_SQLITE_APPLICATION = 0x7768726c,	/* "whrl" */
	WH_SQLITE_VERSION = 2,			/* of the schema */
	WH_SQLITE_STATEMENTS = 64,		/* more than there are */
	WH_SQLITE_LARGEST = 1000 * 1000 * 1000, /* bytes of one value; SQLite's own limit */
};

struct wh_sqlite_statement {
	const char *sql;
	sqlite3_stmt *handle;
	bool taken;
};

struct wh_store {
	sqlite3 *db;
	char *path;
	enum wh_store_mode mode;
	bool opened;	     /* the file itself; what cannot be opened now is what belongs beside it */
	bool in_transaction; /* between begin and commit or rollback; SQLite's own may be gone before, after an error */
	int64_t busy_ns;     /* how long to wait for the other writers */
	int64_t waiting_since_ns;
	ZSTD_CCtx *pack;
	ZSTD_DCtx *unpack;
	char *packed; /* room for one body, compressed */
	size_t packed_cap;
	struct wh_sqlite_statement statements[WH_SQLITE_STATEMENTS];
	size_t n_statements;
};

/* Brings the file's schema to WH_SQLITE_VERSION, from nothing in mode WH_STORE_CREATE. WH_E_FORMAT: the file is not a store, or
 * a newer one's. */
int wh_sqlite_schema(struct wh_store *, struct wh_err *) WH_NODISCARD;
/* WH_E_FORMAT where the schema is not the one that was opened: a newer whorl was here meanwhile. */
int wh_sqlite_same_schema(struct wh_store *, struct wh_err *) WH_NODISCARD;

/* Sets and returns what SQLite's last error means to us. */
int wh_sqlite_fail(struct wh_store *, struct wh_err *);
/* Runs SQL that returns nothing of interest. */
int wh_sqlite_exec(struct wh_store *, const char *sql, struct wh_err *) WH_NODISCARD;

/* A prepared statement, kept for the next time; one that is in use already (a callback that calls back) is prepared afresh. */
int wh_sqlite_take(struct wh_store *, const char *sql, sqlite3_stmt **, struct wh_err *) WH_NODISCARD;
void wh_sqlite_give(struct wh_store *, sqlite3_stmt *);
/* bound: the results of all binds, or-ed. *row: whether there is one. */
int wh_sqlite_step(struct wh_store *, sqlite3_stmt *, int bound, bool *row, struct wh_err *) WH_NODISCARD;
/* Steps through a statement that returns nothing and gives it back. */
int wh_sqlite_run(struct wh_store *, sqlite3_stmt *, int bound, struct wh_err *) WH_NODISCARD;

int wh_sqlite_bind_text(sqlite3_stmt *, int column, const char *); /* NULL: null */
int wh_sqlite_bind_bytes(sqlite3_stmt *, int column, struct wh_bytes);
int wh_sqlite_bind_time(sqlite3_stmt *, int column, int64_t time_ns);
int wh_sqlite_bind_reference(sqlite3_stmt *, int column, int64_t number); /* 0: null */
/* NULL for null; *failed is set, never cleared, where memory ran out. */
const char *wh_sqlite_text(sqlite3_stmt *, int column, bool *failed);
struct wh_bytes wh_sqlite_bytes(sqlite3_stmt *, int column, bool *failed);
int64_t wh_sqlite_time(sqlite3_stmt *, int column);

/* A transaction of one call, unless the caller has one open. */
int wh_sqlite_write_begin(struct wh_store *, bool *own, struct wh_err *) WH_NODISCARD;
int wh_sqlite_write_end(struct wh_store *, bool own, int code, struct wh_err *) WH_NODISCARD;

/* The number under which equal fingerprints are kept once; 0 for none. */
int wh_sqlite_fingerprint(struct wh_store *, struct wh_bytes, int64_t *number, struct wh_err *) WH_NODISCARD;
/* The number of a group; 0 for id NULL. WH_E_NOTFOUND. */
int wh_sqlite_group(struct wh_store *, const char *noun, const char *id, int64_t *number, struct wh_err *) WH_NODISCARD;

#endif
