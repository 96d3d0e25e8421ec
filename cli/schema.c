/* SPDX-License-Identifier: Apache-2.0 */
#include "schema.h"

#include <stdlib.h>
#include <string.h>

#include <whorl/writer.h>

#include "options.h"
#include "output.h"

static int write_out(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return cli_output_write(data, n, err);
}

static const char *type_name(enum wh_param_type type)
{
	return type == WH_PARAM_FLAG ? "boolean" : type == WH_PARAM_INT ? "integer" : type == WH_PARAM_REAL ? "number" : "string";
}

static void emit_default(struct wh_emit *e, const struct wh_param *param)
{
	if (param->type == WH_PARAM_FLAG)
		wh_emit_boolean(e, "default", param->initial && !strcmp(param->initial, "true"));
	else if (param->initial && param->type == WH_PARAM_INT)
		wh_emit_integer(e, "default", strtoll(param->initial, NULL, 0));
	else if (param->initial && param->type == WH_PARAM_REAL)
		wh_emit_real(e, "default", strtod(param->initial, NULL));
	else
		wh_emit_string(e, "default", param->initial);
}

static void emit_choices(struct wh_emit *e, const char *choices)
{
	wh_emit_array(e, "enum");
	for (const char *c = choices; c && *c;) {
		size_t n = strcspn(c, "|");
		wh_emit_bytes(e, NULL, c, n);
		c += n + (c[n] == '|');
	}
	wh_emit_end(e);
}

static void emit_param(struct wh_emit *e, const struct wh_param *param)
{
	bool number = param->type == WH_PARAM_INT || param->type == WH_PARAM_REAL;
	wh_emit_object(e, param->name);
	wh_emit_string(e, "type", type_name(param->type));
	wh_emit_string(e, "description", param->help);
	emit_default(e, param);
	if (number && (param->lo != 0 || param->hi != 0)) {
		wh_emit_real(e, "minimum", param->lo);
		wh_emit_real(e, "maximum", param->hi);
	}
	if (param->type == WH_PARAM_CHOICE)
		emit_choices(e, param->choices);
	if (param->source)
		wh_emit_string(e, "$comment", param->source);
	wh_emit_end(e);
}

static void emit_params(struct wh_emit *e, const struct wh_param *params)
{
	for (; params && params->name; params++)
		emit_param(e, params);
}

/* Methods differ in what they take: one alternative for each, told by the option that chooses it. */
static void emit_methods(struct wh_emit *e, const struct wh_signal *signal)
{
	wh_emit_array(e, "oneOf");
	for (const struct wh_method *const *method = signal->methods; *method; method++) {
		wh_emit_object(e, NULL);
		wh_emit_string(e, "title", (*method)->name);
		wh_emit_string(e, "description", (*method)->summary);
		wh_emit_object(e, "properties");
		wh_emit_object(e, signal->method_noun);
		wh_emit_string(e, "const", (*method)->name);
		wh_emit_end(e);
		emit_params(e, (*method)->params);
		wh_emit_end(e);
		if (method != signal->methods) { /* the first is taken where none is named */
			wh_emit_array(e, "required");
			wh_emit_string(e, NULL, signal->method_noun);
			wh_emit_end(e);
		}
		wh_emit_end(e);
	}
	wh_emit_end(e);
}

int cli_schema(const struct wh_signal *signal, const struct wh_verb *verb, struct wh_err *err)
{
	struct wh_emit *e = wh_writer_json_new((struct wh_sink){ write_out, NULL }, false);
	struct cli_set set;
	if (!e)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	cli_set_init(&set, signal, verb, NULL);
	wh_emit_object(e, NULL);
	wh_emit_string(e, "$schema", "https://json-schema.org/draft/2020-12/schema");
	wh_emit_format(e, "title", "whorl %s %s", signal->noun, wh_verb_name(signal, verb));
	wh_emit_string(e, "description", verb->summary);
	wh_emit_string(e, "type", "object");
	wh_emit_object(e, "properties");
	for (size_t i = 0; i < set.n; i++)
		if (set.section[i].params != cli_globals && set.section[i].params != set.choice)
			emit_params(e, set.section[i].params);
	wh_emit_end(e);
	if (verb->flags & WH_VERB_METHOD && signal->methods)
		emit_methods(e, signal);
	wh_emit_end(e);
	int code = wh_emit_close(e, err);
	wh_writer_json_free(e);
	return code;
}
