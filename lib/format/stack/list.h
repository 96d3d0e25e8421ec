/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of crash reports. To add one: a file beside this one, a line here, a line in list.c; docs/guide/add-a-format.md. */
#ifndef WHORL_FORMAT_STACK_LIST_H
#define WHORL_FORMAT_STACK_LIST_H

#include <whorl/format.h>

extern const struct wh_format wh_format_stack_neutral;
extern const struct wh_format wh_format_casrep;
extern const struct wh_format wh_format_gdb;
extern const struct wh_format wh_format_sanitizer;
extern const struct wh_format wh_format_valgrind;
extern const struct wh_format wh_format_kernel;
extern const struct wh_format wh_format_core;
extern const struct wh_format wh_format_minidump;
extern const struct wh_format wh_format_java;
extern const struct wh_format wh_format_python;
extern const struct wh_format wh_format_go;
extern const struct wh_format wh_format_rust;
extern const struct wh_format wh_format_ruby;
extern const struct wh_format wh_format_php;
extern const struct wh_format wh_format_dotnet;
extern const struct wh_format wh_format_javascript;
extern const struct wh_format wh_format_cdb;
extern const struct wh_format wh_format_ada;
extern const struct wh_format wh_format_backtrace;
extern const struct wh_format wh_format_clean;
extern const struct wh_format wh_format_crystal;
extern const struct wh_format wh_format_d;
extern const struct wh_format wh_format_elixir;
extern const struct wh_format wh_format_erlang;
extern const struct wh_format wh_format_haskell;
extern const struct wh_format wh_format_julia;
extern const struct wh_format wh_format_lua;
extern const struct wh_format wh_format_nim;
extern const struct wh_format wh_format_ocaml;
extern const struct wh_format wh_format_odin;
extern const struct wh_format wh_format_perl;
extern const struct wh_format wh_format_r;
extern const struct wh_format wh_format_smalltalk;
extern const struct wh_format wh_format_swift;
extern const struct wh_format wh_format_v;
extern const struct wh_format wh_format_zig;
extern const struct wh_format wh_format_mbox;
extern const struct wh_format wh_format_bugzilla;
extern const struct wh_format wh_format_jira;
extern const struct wh_format wh_format_prose;
extern const struct wh_format wh_format_generic;
extern const struct wh_format wh_format_tombstone;
extern const struct wh_format wh_format_logcat;
extern const struct wh_format wh_format_apple_crash;
extern const struct wh_format wh_format_ips;
extern const struct wh_format wh_format_minidump_json;
extern const struct wh_format wh_format_minidump_stackwalk;
extern const struct wh_format wh_format_socorro;
extern const struct wh_format wh_format_sentry;
extern const struct wh_format wh_format_satyr;
extern const struct wh_format wh_format_lldb;
extern const struct wh_format wh_format_eu_stack;
extern const struct wh_format wh_format_systemd_coredump;
extern const struct wh_format wh_format_hs_err;

extern const struct wh_format *const wh_stack_formats[]; /* NULL-terminated */

#endif
