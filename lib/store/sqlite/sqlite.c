/* SPDX-License-Identifier: Apache-2.0 */
/* The handle: opening, transactions, statements, errors. */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/time.h"

#define BUSY_NS (INT64_C(60) * 1000 * 1000 * 1000)

static const char sql_begin[] = "BEGIN IMMEDIATE";
static const char sql_begin_read[] = "BEGIN";
static const char sql_commit[] = "COMMIT";
static const char sql_rollback[] = "ROLLBACK";

/* ---- errors ---- */

/* SQLite keeps the system's reason in one of three places, the last two by file: the database, its log. */
static int system_reason(struct wh_store *store)
{
	int reason = sqlite3_system_errno(store->db);
	sqlite3_file *log = NULL;
	if (!reason)
		sqlite3_file_control(store->db, "main", SQLITE_FCNTL_LAST_ERRNO, &reason);
	if (!reason && sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log &&
	    log->pMethods)
		log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &reason);
	return reason;
}

static int io_error(struct wh_store *store, int system, struct wh_err *err)
{
	if (system == ENOSPC || system == EDQUOT)
		return wh_err_set(err, WH_E_IO, "%s: disk full", store->path);
	return wh_err_set(err, WH_E_IO, "%s: %s%s%s", store->path, sqlite3_errmsg(store->db), system ? ": " : "",
			  system ? strerror(system) : "");
}

/* Readers share an index of the log, a file beside the store that the first of them makes. */
static int not_writable(struct wh_store *store, int code, struct wh_err *err)
{
	int reason = system_reason(store);
	if (store->mode == WH_STORE_READ && store->opened && reason != ENOSPC && reason != EMFILE && reason != ENFILE)
		return wh_err_set(err, WH_E_IO,
				  "%s: read-only, and so is its folder: even to read, one must be able to write beside it",
				  store->path);
	if (code == SQLITE_READONLY)
		return wh_err_set(err, WH_E_IO, "%s: read-only", store->path);
	return io_error(store, reason, err);
}

int wh_sqlite_fail(struct wh_store *store, struct wh_err *err)
{
	int extended = sqlite3_extended_errcode(store->db);
	switch (extended & 0xff) {
	case SQLITE_NOMEM:
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	case SQLITE_FULL:
		return io_error(store, ENOSPC, err);
	case SQLITE_IOERR:
		if (extended == SQLITE_IOERR_NOMEM)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		return io_error(store, system_reason(store), err);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return not_writable(store, extended & 0xff, err);
	case SQLITE_BUSY:
		if (extended == SQLITE_BUSY_SNAPSHOT)
			return wh_err_set(err, WH_E_CONFLICT,
					  "%s: changed by another writer while it was read; begin before reading", store->path);
		return wh_err_set(err, WH_E_IO, "%s: busy: another process has been writing for %lld s", store->path,
				  (long long)(store->busy_ns / 1000000000));
	case SQLITE_CORRUPT:
		return wh_err_set(err, WH_E_FORMAT, "%s: damaged: %s", store->path, sqlite3_errmsg(store->db));
	case SQLITE_NOTADB:
		return wh_err_set(err, WH_E_FORMAT, "%s: not a store of whorl, not any SQLite database", store->path);
	case SQLITE_TOOBIG:
		return wh_err_set(err, WH_E_LIMIT, "%s: a value of more than %d bytes", store->path, WH_SQLITE_LARGEST);
	case SQLITE_INTERRUPT:
		return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	case SQLITE_CONSTRAINT:
		return wh_err_set(err, WH_E_CONFLICT, "%s: %s", store->path, sqlite3_errmsg(store->db));
	case SQLITE_MISUSE:
	case SQLITE_RANGE:
		return wh_err_set(err, WH_E_INTERNAL, "%s: %s", store->path, sqlite3_errmsg(store->db));
	default:
		return io_error(store, 0, err);
	}
}

static int64_t monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/*
 * SQLite's own busy timeout soon looks only every 100 ms, and the lock has no queue: beside a writer that begins again right
 * after every commit others would starve. Looking every 1 to 3 ms (about 1 % of a core) they get their turn.
 */
static int busy(void *user, int times)
{
	struct wh_store *store = user;
	int64_t now = monotonic_ns();
	if (!times)
		store->waiting_since_ns = now;
	else if (now - store->waiting_since_ns >= store->busy_ns)
		return 0;
	struct timespec pause = { 0, 1000000 + 200000 * (times % 11) };
	nanosleep(&pause, NULL);
	return 1;
}

/* ---- statements ---- */

int wh_sqlite_exec(struct wh_store *store, const char *sql, struct wh_err *err)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? WH_OK : wh_sqlite_fail(store, err);
}

int wh_sqlite_take(struct wh_store *store, const char *sql, sqlite3_stmt **result, struct wh_err *err)
{
	struct wh_sqlite_statement *kept = store->statements, *end = kept + store->n_statements;
	while (kept < end && kept->sql != sql)
		kept++;
	if (kept < end && !kept->taken) {
		kept->taken = true;
		*result = kept->handle;
		return WH_OK;
	}
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, result, NULL) != SQLITE_OK)
		return wh_sqlite_fail(store, err);
	if (kept == end && store->n_statements < WH_SQLITE_STATEMENTS)
		store->statements[store->n_statements++] = (struct wh_sqlite_statement){ sql, *result, true };
	return WH_OK;
}

void wh_sqlite_give(struct wh_store *store, sqlite3_stmt *statement)
{
	struct wh_sqlite_statement *kept = store->statements, *end = kept + store->n_statements;
	while (kept < end && kept->handle != statement)
		kept++;
	if (kept == end) {
		sqlite3_finalize(statement);
		return;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement); /* they point to memory of the caller's */
	kept->taken = false;
}

int wh_sqlite_step(struct wh_store *store, sqlite3_stmt *statement, int bound, bool *row, struct wh_err *err)
{
	int result = bound == SQLITE_OK ? sqlite3_step(statement) : bound;
	*row = result == SQLITE_ROW;
	return result == SQLITE_ROW || result == SQLITE_DONE ? WH_OK : wh_sqlite_fail(store, err);
}

int wh_sqlite_run(struct wh_store *store, sqlite3_stmt *statement, int bound, struct wh_err *err)
{
	bool row;
	int code = wh_sqlite_step(store, statement, bound, &row, err);
	wh_sqlite_give(store, statement);
	return code;
}

/* Of the statements that open has prepared: they need no memory to be taken, so that a transaction can always be ended. */
static int run_alone(struct wh_store *store, const char *sql, struct wh_err *err)
{
	sqlite3_stmt *statement;
	WH_TRY(wh_sqlite_take(store, sql, &statement, err));
	return wh_sqlite_run(store, statement, SQLITE_OK, err);
}

int wh_sqlite_bind_text(sqlite3_stmt *statement, int column, const char *text)
{
	return sqlite3_bind_text(statement, column, text, -1, SQLITE_STATIC);
}

int wh_sqlite_bind_bytes(sqlite3_stmt *statement, int column, struct wh_bytes bytes)
{
	return sqlite3_bind_blob64(statement, column, bytes.size ? bytes.data : "", bytes.size, SQLITE_STATIC);
}

int wh_sqlite_bind_time(sqlite3_stmt *statement, int column, int64_t time_ns)
{
	return time_ns == WH_STORE_NO_TIME ? sqlite3_bind_null(statement, column)
					   : sqlite3_bind_int64(statement, column, time_ns);
}

int wh_sqlite_bind_reference(sqlite3_stmt *statement, int column, int64_t number)
{
	return number ? sqlite3_bind_int64(statement, column, number) : sqlite3_bind_null(statement, column);
}

const char *wh_sqlite_text(sqlite3_stmt *statement, int column, bool *failed)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return NULL;
	const char *text = (const char *)sqlite3_column_text(statement, column); /* may copy to add the NUL */
	*failed |= !text;
	return text;
}

struct wh_bytes wh_sqlite_bytes(sqlite3_stmt *statement, int column, bool *failed)
{
	const char *data = sqlite3_column_blob(statement, column); /* before its size: it may convert */
	size_t size = (size_t)sqlite3_column_bytes(statement, column);
	*failed |= !data && size;
	return (struct wh_bytes){ data ? data : "", size };
}

int64_t wh_sqlite_time(sqlite3_stmt *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL ? WH_STORE_NO_TIME : sqlite3_column_int64(statement, column);
}

/* ---- transactions ---- */

static int begin(struct wh_store *store, struct wh_err *err)
{
	if (!sqlite3_get_autocommit(store->db)) /* what a failed rollback has left */
		WH_TRY(run_alone(store, sql_rollback, err));
	WH_TRY(run_alone(store, store->mode == WH_STORE_READ ? sql_begin_read : sql_begin, err));
	int code = wh_sqlite_same_schema(store, err);
	if (code != WH_OK)
		run_alone(store, sql_rollback, NULL);
	return code;
}

/* Nothing of the transaction stays, whatever went wrong. */
static int end(struct wh_store *store, struct wh_err *err)
{
	int code = run_alone(store, sql_commit, err);
	if (code != WH_OK && !sqlite3_get_autocommit(store->db))
		run_alone(store, sql_rollback, NULL);
	return code;
}

static int lost(struct wh_store *store, struct wh_err *err)
{
	return wh_err_set(err, WH_E_IO, "%s: an earlier error has ended the transaction; nothing of it was kept", store->path);
}

int wh_store_begin(struct wh_store *store, struct wh_err *err)
{
	if (store->in_transaction)
		return wh_err_set(err, WH_E_USAGE, "%s: a transaction is open already", store->path);
	WH_TRY(begin(store, err));
	store->in_transaction = true;
	return WH_OK;
}

int wh_store_commit(struct wh_store *store, struct wh_err *err)
{
	if (!store->in_transaction)
		return wh_err_set(err, WH_E_USAGE, "%s: no transaction is open", store->path);
	store->in_transaction = false;
	return sqlite3_get_autocommit(store->db) ? lost(store, err) : end(store, err);
}

void wh_store_rollback(struct wh_store *store)
{
	if (store->in_transaction && !sqlite3_get_autocommit(store->db))
		run_alone(store, sql_rollback, NULL);
	store->in_transaction = false;
}

int wh_sqlite_write_begin(struct wh_store *store, bool *own, struct wh_err *err)
{
	*own = false;
	if (store->mode == WH_STORE_READ)
		return wh_err_set(err, WH_E_USAGE, "%s: opened for reading only", store->path);
	if (store->in_transaction)
		return sqlite3_get_autocommit(store->db) ? lost(store, err) : WH_OK;
	WH_TRY(begin(store, err));
	*own = true;
	return WH_OK;
}

int wh_sqlite_write_end(struct wh_store *store, bool own, int code, struct wh_err *err)
{
	if (!own)
		return code;
	if (code == WH_OK)
		return end(store, err);
	if (!sqlite3_get_autocommit(store->db))
		run_alone(store, sql_rollback, NULL);
	return code;
}

/* ---- opening ---- */

/* The path in a url. One that names another kind of store is refused rather than taken for a strange file name. */
static int path_of(const char *url, const char **path, struct wh_err *err)
{
	*path = strncmp(url, "sqlite:", 7) ? url : url + 7;
	if (!strncmp(url + strspn(url, "abcdefghijklmnopqrstuvwxyz0123456789+"), "://", 3))
		return wh_err_set(err, WH_E_USAGE, "%s: no such kind of store; this whorl has: sqlite:PATH", url);
	return **path ? WH_OK : wh_err_set(err, WH_E_USAGE, "a store without a path");
}

/* What SQLite would say unclearly, or not at all: it takes files of no and of one byte for empty databases. */
static int look_at_file(const char *path, enum wh_store_mode mode, struct wh_err *err)
{
	struct stat found;
	if (stat(path, &found)) {
		if (errno != ENOENT)
			return wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno));
		return mode == WH_STORE_CREATE ? WH_OK : wh_err_set(err, WH_E_NOTFOUND, "%s: there is no store", path);
	}
	if (S_ISDIR(found.st_mode))
		return wh_err_set(err, WH_E_IO, "%s: is a folder", path);
	if (!S_ISREG(found.st_mode))
		return wh_err_set(err, WH_E_IO, "%s: is not a regular file", path);
	if (!found.st_size && mode != WH_STORE_CREATE)
		return wh_err_set(err, WH_E_FORMAT, "%s: is empty, not a store", path);
	if (found.st_size == 1)
		return wh_err_set(err, WH_E_FORMAT, "%s: not a store of whorl", path);
	return WH_OK;
}

/* Leaves the journal mode for last: the file stays a whole database whenever we are stopped, and the next opener goes on. */
static int write_ahead(struct wh_store *store, struct wh_err *err)
{
	static const char sql[] = "PRAGMA journal_mode = WAL";
	for (int times = 0;; times++) {
		sqlite3_stmt *statement;
		bool row, failed = false;
		WH_TRY(wh_sqlite_take(store, sql, &statement, err));
		int code = wh_sqlite_step(store, statement, SQLITE_OK, &row, err);
		const char *mode = code == WH_OK && row ? wh_sqlite_text(statement, 0, &failed) : NULL;
		bool wal = mode && !strcmp(mode, "wal");
		bool again = code != WH_OK && (sqlite3_errcode(store->db) & 0xff) == SQLITE_BUSY; /* it asks no busy handler */
		wh_sqlite_give(store, statement);
		if (code == WH_OK && failed)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (code == WH_OK)
			return wal ? WH_OK
				   : wh_err_set(err, WH_E_IO, "%s: its file system cannot share memory (mmap)", store->path);
		if (!again || !busy(store, times))
			return code;
	}
}

static int open_file(struct wh_store *store, struct wh_err *err)
{
	static const char *const settings[] = {
		"PRAGMA foreign_keys = ON",
		"PRAGMA synchronous = FULL",
		"PRAGMA trusted_schema = OFF",
		"PRAGMA cache_size = -32768", /* KiB: an import of random ids touches the whole index */
		"PRAGMA wal_autocheckpoint = 4000",
		"PRAGMA journal_size_limit = 67108864", /* after one large transaction */
	};
	int flags = store->mode == WH_STORE_CREATE  ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
		    : store->mode == WH_STORE_WRITE ? SQLITE_OPEN_READWRITE
						    : SQLITE_OPEN_READONLY;
	WH_TRY(look_at_file(store->path, store->mode, err));
	if (sqlite3_open_v2(store->path, &store->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL) != SQLITE_OK)
		return wh_sqlite_fail(store, err);
	store->opened = true;
	if (store->mode != WH_STORE_READ && sqlite3_db_readonly(store->db, "main"))
		return wh_err_set(err, WH_E_IO, "%s: read-only", store->path);
	sqlite3_busy_handler(store->db, busy, store);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		WH_TRY(wh_sqlite_exec(store, settings[i], err));
	WH_TRY(wh_sqlite_schema(store, err));
	return store->mode == WH_STORE_READ ? WH_OK : write_ahead(store, err);
}

static int prepare(struct wh_store *store, struct wh_err *err)
{
	static const char *const always[] = { sql_begin, sql_begin_read, sql_commit, sql_rollback };
	for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
		sqlite3_stmt *statement;
		WH_TRY(wh_sqlite_take(store, always[i], &statement, err));
		wh_sqlite_give(store, statement);
	}
	store->pack = ZSTD_createCCtx();
	store->unpack = ZSTD_createDCtx();
	return store->pack && store->unpack ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

int wh_store_open(struct wh_store **result, const char *url, enum wh_store_mode mode, struct wh_err *err)
{
	const char *path;
	*result = NULL;
	WH_TRY(path_of(url, &path, err));
	struct wh_store *store = calloc(1, sizeof *store);
	if (!store)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	store->mode = mode;
	store->busy_ns = BUSY_NS;
	/* `./`: to SQLite, `:memory:` and `file:…` are no file names */
	if (asprintf(&store->path, "%s%s", strchr(path, ':') && *path != '/' ? "./" : "", path) < 0) {
		free(store);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	int code = open_file(store, err);
	if (code == WH_OK)
		code = prepare(store, err);
	if (code != WH_OK) {
		wh_store_close(store);
		return code;
	}
	*result = store;
	return WH_OK;
}

void wh_store_close(struct wh_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n_statements; i++)
		sqlite3_finalize(store->statements[i].handle);
	sqlite3_close(store->db); /* rolls back; the last one out moves the log into the file */
	ZSTD_freeCCtx(store->pack);
	ZSTD_freeDCtx(store->unpack);
	free(store->packed);
	free(store->path);
	free(store);
}
