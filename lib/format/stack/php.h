/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of PHP's reports is made of: lines (php_line.c), reports (php.c). */
#ifndef WHORL_FORMAT_STACK_PHP_H
#define WHORL_FORMAT_STACK_PHP_H

#include <whorl/format.h>

#include "format/scan.h"

struct wh_php_place {
	struct wh_span file;
	uint32_t line;
};

/* A function and where it was called from (not where it went wrong: that the frame above it, or the error, says). */
struct wh_php_call {
	struct wh_span function;
	struct wh_php_place from; /* empty: from code that is no PHP */
	uint64_t number;
};

/* `#1 /x.php(3): A->f('x')`, `#2 [internal function]: f()`, `#3 {main}`; `#0  f() called at [/x.php:3]`, as PHP before 8.1 printed
 * backtraces. */
bool wh_php_call_line(struct wh_span line, struct wh_php_call *call);
/* Xdebug's `PHP   2. f($a = 1) /x.php:3`, `    0.0006     393440   2. f() /x.php:3`: outermost first. */
bool wh_php_xdebug_line(struct wh_span line, struct wh_php_call *call);
/* Symfony's `A->f() at /x.php:3`, ` () at /x.php:3`. */
bool wh_php_symfony_line(struct wh_span line, struct wh_php_call *call);

enum wh_php_kind {
	WH_PHP_ERROR,    /* `PHP Fatal error:  … in /x.php on line 3`, with the words of its level; what made the script end */
	WH_PHP_WARNING,  /* what did not */
	WH_PHP_UNCAUGHT, /* `…Uncaught A: message in /x.php:3` */
	WH_PHP_NEXT,     /* `Next A: message in /x.php:3`: what wraps the one above */
	WH_PHP_OBJECT,   /* Monolog's `[object] (A(code: 0): message at /x.php:3)` */
	WH_PHP_PREVIOUS, /* the same behind `[previous exception] `: what the one above wraps */
	WH_PHP_LOGGED,   /* `A: message in /x.php:3` */
};

/* What a line that names an error says. */
struct wh_php_head {
	enum wh_php_kind kind;
	struct wh_span class, code, message; /* class: the level's words where there is no exception */
	struct wh_php_place place;           /* empty where the message goes on */
	bool logged;                         /* says `PHP `: the log's copy of what may stand on the page, too */
};

bool wh_php_head_line(struct wh_span line, struct wh_php_head *head);
/* The class that s begins with, `A\B: message in /x.php:3`; false where it begins with none. */
bool wh_php_class_take(struct wh_span s, struct wh_php_head *head);
/* Takes ` in /x.php:3`, ` in /x.php on line 3`, ` at /x.php:3)` off the end of s. */
bool wh_php_place_take(struct wh_span *s, struct wh_php_place *place);

#endif
