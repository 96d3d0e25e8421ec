/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters are data. A table of struct wh_param, ended by a row without a name, sits in the file of the verb or the
 * algorithm that owns it; flags, --help, man pages, completion, JSON schema, training grids and validation come from it.
 *
 * struct wh_values holds one value per row of one table. Invariant: after wh_values_init every value is valid and inside
 * its bounds, and stays so, because wh_values_set refuses what is not.
 */
#ifndef WHORL_PARAM_H
#define WHORL_PARAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

struct json_object;

enum wh_param_type {
	WH_PARAM_FLAG,   /* present or not; `--no-NAME` takes it back */
	WH_PARAM_INT,
	WH_PARAM_REAL,
	WH_PARAM_STRING,
	WH_PARAM_CHOICE, /* one of `choices`, separated by '|' */
	WH_PARAM_PATH,   /* a string that names a file or folder */
};

struct wh_param {
	const char *name;    /* as in --name */
	enum wh_param_type type;
	const char *initial; /* the default as text; NULL: none (strings), off (flags), 0 */
	double lo, hi;       /* inclusive bounds of INT and REAL; both 0: none */
	const char *choices; /* CHOICE only */
	const char *metavar; /* FILE, N, … for the help text; NULL: by type */
	const char *help;    /* one line, lower case, no full stop */
	const char *source;  /* paper section or formula; NULL where it is ours */
	const char *grid;    /* values that train tries, blank-separated, ascending; NULL: not trained */
};

union wh_value {
	bool flag;
	int64_t integer;
	double real;
	const char *string; /* owned by the values */
};

struct wh_values {
	const struct wh_param *params;
	size_t n;
	union wh_value *value; /* n */
	bool *given;           /* n: set by someone rather than by default */
};

int wh_values_init(struct wh_values *, const struct wh_param *params, struct wh_err *) WH_NODISCARD;
int wh_values_copy(struct wh_values *, const struct wh_values *from, struct wh_err *) WH_NODISCARD;
void wh_values_release(struct wh_values *);

/* Index of the row called name, or -1. */
int wh_values_find(const struct wh_values *, const char *name);

/* Parses text as the type of row `name` and checks its bounds. WH_E_USAGE names the row, the bounds and the text. */
int wh_values_set(struct wh_values *, const char *name, const char *text, struct wh_err *) WH_NODISCARD;

/* By name; the name must be in the table and of that type (our own bug otherwise: asserted). */
bool wh_values_flag(const struct wh_values *, const char *name);
int64_t wh_values_int(const struct wh_values *, const char *name);
double wh_values_real(const struct wh_values *, const char *name);
const char *wh_values_string(const struct wh_values *, const char *name); /* NULL where none was given */
bool wh_values_given(const struct wh_values *, const char *name);

/* The value as text that wh_values_set reads back to the same value; buffer of at least 32 bytes for numbers.
 * Returns a pointer into buffer or to the value itself. */
const char *wh_values_text(const struct wh_values *, size_t row, char *buffer, size_t size);

/* Number of rows of a table. */
size_t wh_params_count(const struct wh_param *params);

#endif
