/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in renamings: from a function or module as printed to the name that does not change with build, CPU or run. */
#ifndef WHORL_SYMBOL_RENAME_H
#define WHORL_SYMBOL_RENAME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define WH_NAME_READ ((size_t)64 * 1024) /* bytes of a printed name that are looked at; nobody reads further */
#define WH_NAME_MOST ((size_t)4096)      /* bytes of what is left of it */

/* What the file's name says about the language; some generated names look like somebody's own in another one. */
enum wh_language {
	WH_LANGUAGE_OTHER,
	WH_LANGUAGE_PYTHON,
	WH_LANGUAGE_JAVASCRIPT,
	WH_LANGUAGE_JVM,
	WH_LANGUAGE_GO,
	WH_LANGUAGE_RUBY,
	WH_LANGUAGE_PHP,
	WH_LANGUAGES
};

enum wh_language wh_language_of(const char *file);

/* Replaces control characters and invalid UTF-8 by U+FFFD, trims blanks, cuts at `most` bytes; appends to `to`. */
void wh_name_clean(const char *text, size_t n, size_t most, struct wh_str *to);

/* What one pass did; for the trace. */
struct wh_renaming {
	const char *rule;
	bool (*apply)(const struct wh_str *from, enum wh_language, struct wh_str *to); /* false: nothing to do */
};
/* In the order of their application, ended by a row without a name. */
extern const struct wh_renaming wh_renamings[];

/* Whether nothing is known about the function: NULL, `??`, `[unknown]`, a bare address, … */
bool wh_name_unknown(const char *function);

#define WH_MODULE_NEVER " :;()<>{}`,'\"*&!#=|^%?@" /* characters that module names have not: each becomes `_` */

/* Appends the base name of a module without the version of a shared object or archive; Windows' names in lower case. Nothing where
 * text says nothing. */
void wh_module_name(const char *text, struct wh_str *to);

/* Appends the module that a file of Python, JavaScript, Ruby or PHP is: its base name without extension, the folder's for `__init__.py` and
 * `index.js`; nothing for `<stdin>`. */
void wh_source_module(const char *file, struct wh_str *to);

#endif
