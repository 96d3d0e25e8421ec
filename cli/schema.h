/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of a verb as a JSON Schema, from the tables: for programs that call whorl, and for whatever checks a request. */
#ifndef WHORL_CLI_SCHEMA_H
#define WHORL_CLI_SCHEMA_H

#include <whorl/verb.h>

/* Writes the schema of `NOUN VERB` to standard output: an object with a property for each option, under every method. */
int cli_schema(const struct wh_signal *, const struct wh_verb *, struct wh_err *) WH_NODISCARD;

#endif
