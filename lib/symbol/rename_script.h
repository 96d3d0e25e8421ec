/* SPDX-License-Identifier: Apache-2.0 */
/* Renamings of languages whose run time prints names of its own making; rename.h says what a renaming is. */
#ifndef WHORL_SYMBOL_RENAME_SCRIPT_H
#define WHORL_SYMBOL_RENAME_SCRIPT_H

#include "symbol/rename.h"

typedef bool wh_rename_fn(const struct wh_str *from, enum wh_language, struct wh_str *to);

/* `async*f`, `setTimeout handler*later/tick<` are `f`, `tick`; `f/<`, `global code` are `<anonymous>`. */
wh_rename_fn wh_rename_javascript;
/* `P.<Main>d__5.MoveNext`, an async method's state machine, is `P.Main`; `P.<>c.<Main>b__0_1`, a lambda, is `P.<Main>b__`;
 * `P.<M>g__Local|0_0` is `P.<M>g__Local`; `N.Outer+Inner.M` is `N.Outer.Inner.M`. */
wh_rename_fn wh_rename_dotnet;
/* `rescue in block (2 levels) in f` is `f`. */
wh_rename_fn wh_rename_ruby;
/* `A\{closure}`, `{closure:A\B::f():12}` are `{closure}`; `class@anonymous…` is `{class}`. */
wh_rename_fn wh_rename_php;
/* Kotlin/Native's `kfun:a.B#f(kotlin.Int){}kotlin.Int` is `a.B.f`. */
wh_rename_fn wh_rename_kotlin;
/* Numbers of Clojure's (`n$f__12`, `n$eval12`), Groovy's (`S$_run_closure1`) and Scala's (`O.f$1`, `delayedEndpoint$O$1`) making. */
wh_rename_fn wh_rename_jvm_language;

#endif
