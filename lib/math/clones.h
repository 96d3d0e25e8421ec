/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WH_CLONES before a function: it is compiled for newer processors of its kind, too, and the loader takes the best that runs here. For loops
 * over numbers only: sums may differ in the last bits from one kind of processor to another. Not under sanitizers, whose own set-up
 * comes after the loader's choice.
 */
#ifndef WHORL_MATH_CLONES_H
#define WHORL_MATH_CLONES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define WH_CLONES
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__x86_64__)
#undef WH_CLONES
#define WH_CLONES
#endif
#ifndef WH_CLONES
#ifdef __clang__
#define WH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else /* gcc at -O2 leaves loops alone whose length it does not know */
#define WH_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), optimize("O3")))
#endif
#endif

#endif
