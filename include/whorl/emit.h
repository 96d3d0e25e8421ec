/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way out: every verb describes its result as events, a writer turns them into JSON, JSON lines, TSV, CSV or a table.
 *
 * A result is either one document   wh_emit_document … fields … wh_emit_close
 * or a stream of records            wh_emit_records  (wh_emit_object(e, NULL) … fields … wh_emit_end)* … wh_emit_close.
 * Inside an object every event has a key, inside an array key is NULL. Strings are UTF-8 or made so by the writer
 * (invalid bytes become U+FFFD). Errors stick: the calls return nothing, wh_emit_close returns the first error.
 */
#ifndef WHORL_EMIT_H
#define WHORL_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

struct wh_emit;

struct wh_emit_ops {
	void (*document)(struct wh_emit *, const char *schema);
	/* columns: NULL-terminated names, in the order of TSV and table output; further fields appear in JSON only */
	void (*records)(struct wh_emit *, const char *schema, const char *const *columns);
	void (*object)(struct wh_emit *, const char *key);
	void (*array)(struct wh_emit *, const char *key);
	void (*end)(struct wh_emit *);
	void (*string)(struct wh_emit *, const char *key, const char *text, size_t n);
	void (*integer)(struct wh_emit *, const char *key, int64_t);
	void (*real)(struct wh_emit *, const char *key, double);
	void (*boolean)(struct wh_emit *, const char *key, bool);
	void (*null)(struct wh_emit *, const char *key);
	int (*close)(struct wh_emit *, struct wh_err *);
	void (*flush)(struct wh_emit *); /* between records: what is whole goes out now. NULL: it does anyway, or at the end */
};

/* The first member of every writer. */
struct wh_emit {
	const struct wh_emit_ops *ops;
};

static inline void wh_emit_document(struct wh_emit *e, const char *schema) { e->ops->document(e, schema); }
static inline void wh_emit_records(struct wh_emit *e, const char *schema, const char *const *columns)
{
	e->ops->records(e, schema, columns);
}
static inline void wh_emit_object(struct wh_emit *e, const char *key) { e->ops->object(e, key); }
static inline void wh_emit_array(struct wh_emit *e, const char *key) { e->ops->array(e, key); }
static inline void wh_emit_end(struct wh_emit *e) { e->ops->end(e); }
static inline void wh_emit_integer(struct wh_emit *e, const char *key, int64_t v) { e->ops->integer(e, key, v); }
/* Shortest text that reads back to the same double; NaN and infinities are null. */
static inline void wh_emit_real(struct wh_emit *e, const char *key, double v) { e->ops->real(e, key, v); }
static inline void wh_emit_boolean(struct wh_emit *e, const char *key, bool v) { e->ops->boolean(e, key, v); }
static inline void wh_emit_null(struct wh_emit *e, const char *key) { e->ops->null(e, key); }
static inline void wh_emit_bytes(struct wh_emit *e, const char *key, const char *text, size_t n)
{
	e->ops->string(e, key, text, n);
}
/* text NULL: nothing is emitted in an object, null in an array. */
void wh_emit_string(struct wh_emit *, const char *key, const char *text);
void wh_emit_format(struct wh_emit *, const char *key, const char *format, ...) WH_PRINTF(3, 4);
/* Nanoseconds since the epoch as ISO 8601 UTC, without a fraction where it is zero. */
void wh_emit_time(struct wh_emit *, const char *key, int64_t time_ns);
static inline void wh_emit_flush(struct wh_emit *e)
{
	if (e->ops->flush)
		e->ops->flush(e);
}
static inline int wh_emit_close(struct wh_emit *e, struct wh_err *err) { return e->ops->close(e, err); }

#endif
