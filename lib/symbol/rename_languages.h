/* SPDX-License-Identifier: Apache-2.0 */
/* Renamings of smaller languages, as of those in rename_script.h; and names that only look as if they had a signature. */
#ifndef WHORL_SYMBOL_RENAME_LANGUAGES_H
#define WHORL_SYMBOL_RENAME_LANGUAGES_H

#include "symbol/rename_script.h"

/* Crystal's symbols: `*Shape#area<Int32>:Int32` is `Shape#area`. */
wh_rename_fn wh_rename_crystal;
/* Numbers that every build has others of: Zig's `f__anon_123` is `f__anon`, Erlang's `shop__escript__17__9__4:main/1` `shop:main/1`. */
wh_rename_fn wh_rename_numbered;

/* Whether the name has no signature to strip, whatever its blanks and brackets look like: Smalltalk's `Array(Object)>>at:`,
 * `main chunk`, `top-level scope`. */
bool wh_name_whole(const char *name, size_t n);

#endif
