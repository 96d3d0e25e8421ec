/* SPDX-License-Identifier: Apache-2.0 */
/* From a function as printed with its types to its qualified name: C++, Rust, Go, D, Java, Objective-C and plain C alike. */
#ifndef WHORL_SYMBOL_SIGNATURE_H
#define WHORL_SYMBOL_SIGNATURE_H

#include <stddef.h>

#include "base/str.h"

/*
 * Appends the name less return type, parameters, template arguments, ABI tags, qualifiers, clone notes and the numbers of lambdas
 * and closures to `to`, which must be empty; nothing where nothing would be left. Time is linear in n, for any text.
 *
 *   void foo<int>(int) const                            foo
 *   (anonymous namespace)::A<int>::operator()(int)      (anonymous namespace)::A::operator()
 *   f(int)::{lambda(char)#1}::operator()(char) const    f::{lambda}::operator()
 *   <alloc::vec::Vec<T> as core::ops::Drop>::drop       <alloc::vec::Vec as core::ops::Drop>::drop
 *   main.(*T[...]).M(0xc000012345)                      main.(*T).M
 */
void wh_signature_strip(const char *text, size_t n, struct wh_str *to);

#endif
