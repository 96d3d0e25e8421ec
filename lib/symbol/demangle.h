/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mangled names made readable: C++ (Itanium), Rust (legacy and v0), D; and the plain part of MSVC's. libiberty does the work.
 * Safe for hostile names: bounded in length, depth and size of the result.
 */
#ifndef WHORL_SYMBOL_DEMANGLE_H
#define WHORL_SYMBOL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define WH_DEMANGLE_MOST ((size_t)4096)          /* longer names stay as they are */
#define WH_DEMANGLED_MOST ((size_t)256 * 1024) /* names that grow beyond it, too */

/* Appends the readable name with its parameters to `to`, less suffixes like .isra.0 and @@GLIBCXX_3.4; false, and nothing
 * appended, where name is not mangled or cannot be read. Out of memory sticks in `to`. */
bool wh_demangle(const char *name, size_t n, struct wh_str *to);

#endif
