/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whorl/param.h>

size_t wh_params_count(const struct wh_param *params)
{
	size_t n = 0;
	while (params && params[n].name)
		n++;
	return n;
}

static bool is_string(enum wh_param_type type)
{
	return type == WH_PARAM_STRING || type == WH_PARAM_CHOICE || type == WH_PARAM_PATH;
}

static int keep_string(union wh_value *value, const char *text, struct wh_err *err)
{
	char *copy = text ? strdup(text) : NULL;
	if (text && !copy)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	free((char *)value->string);
	value->string = copy;
	return WH_OK;
}

int wh_values_init(struct wh_values *values, const struct wh_param *params, struct wh_err *err)
{
	size_t n = wh_params_count(params);
	*values = (struct wh_values){ params, n, NULL, NULL };
	if (!n)
		return WH_OK;
	values->value = calloc(n, sizeof *values->value);
	values->given = calloc(n, sizeof *values->given);
	int code = values->value && values->given ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; code == WH_OK && i < n; i++)
		if (params[i].initial) {
			code = wh_values_set(values, params[i].name, params[i].initial, err);
			values->given[i] = false;
		}
	if (code != WH_OK)
		wh_values_release(values);
	return code;
}

int wh_values_copy(struct wh_values *values, const struct wh_values *from, struct wh_err *err)
{
	WH_TRY(wh_values_init(values, from->params, err));
	int code = WH_OK;
	for (size_t i = 0; code == WH_OK && i < from->n; i++) {
		if (is_string(from->params[i].type))
			code = keep_string(&values->value[i], from->value[i].string, err);
		else
			values->value[i] = from->value[i];
		values->given[i] = from->given[i];
	}
	if (code != WH_OK)
		wh_values_release(values);
	return code;
}

void wh_values_release(struct wh_values *values)
{
	for (size_t i = 0; values->value && i < values->n; i++)
		if (is_string(values->params[i].type))
			free((char *)values->value[i].string);
	free(values->value);
	free(values->given);
	*values = (struct wh_values){ 0 };
}

int wh_values_find(const struct wh_values *values, const char *name)
{
	for (size_t i = 0; i < values->n; i++)
		if (!strcmp(values->params[i].name, name))
			return (int)i;
	return -1;
}

static bool is_choice(const char *choices, const char *text)
{
	size_t n = strlen(text);
	for (const char *c = strchr(text, '|') ? NULL : choices; c; c = strchr(c, '|')) {
		c += *c == '|';
		if (!strncmp(c, text, n) && (c[n] == '|' || !c[n]))
			return true;
	}
	return false;
}

static int out_of_bounds(const struct wh_param *param, const char *text, struct wh_err *err)
{
	return wh_err_set(err, WH_E_USAGE, "--%s: %s is not between %g and %g", param->name, text, param->lo, param->hi);
}

static bool within(const struct wh_param *param, double value)
{
	return (param->lo == 0 && param->hi == 0) || (value >= param->lo && value <= param->hi);
}

int wh_values_set(struct wh_values *values, const char *name, const char *text, struct wh_err *err)
{
	int row = wh_values_find(values, name);
	if (row < 0)
		return wh_err_set(err, WH_E_USAGE, "no parameter is called %s", name);
	const struct wh_param *param = &values->params[row];
	union wh_value *value = &values->value[row];
	char *end;
	errno = 0;
	switch (param->type) {
	case WH_PARAM_FLAG:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return wh_err_set(err, WH_E_USAGE, "--%s takes no value (true and false are understood): %s", name, text);
		value->flag = !strcmp(text, "true");
		break;
	case WH_PARAM_INT: {
		long long integer = strtoll(text, &end, 0);
		if (end == text || *end || errno)
			return wh_err_set(err, WH_E_USAGE, "--%s: not a whole number: %s", name, text);
		if (!within(param, (double)integer))
			return out_of_bounds(param, text, err);
		value->integer = integer;
		break;
	}
	case WH_PARAM_REAL: {
		double real = strtod(text, &end);
		if (end == text || *end || !isfinite(real))
			return wh_err_set(err, WH_E_USAGE, "--%s: not a number: %s", name, text);
		if (!within(param, real))
			return out_of_bounds(param, text, err);
		value->real = real;
		break;
	}
	case WH_PARAM_CHOICE:
		if (!is_choice(param->choices, text))
			return wh_err_set(err, WH_E_USAGE, "--%s: %s is none of %s", name, text, param->choices);
		WH_TRY(keep_string(value, text, err));
		break;
	case WH_PARAM_STRING:
	case WH_PARAM_PATH:
		WH_TRY(keep_string(value, text, err));
		break;
	}
	values->given[row] = true;
	return WH_OK;
}

static const union wh_value *value_of(const struct wh_values *values, const char *name, bool type_is_right(enum wh_param_type))
{
	int row = wh_values_find(values, name);
	assert(row >= 0 && type_is_right(values->params[row].type));
	(void)type_is_right;
	return &values->value[row];
}

static bool is_flag(enum wh_param_type type) { return type == WH_PARAM_FLAG; }
static bool is_int(enum wh_param_type type) { return type == WH_PARAM_INT; }
static bool is_real(enum wh_param_type type) { return type == WH_PARAM_REAL; }

bool wh_values_flag(const struct wh_values *values, const char *name) { return value_of(values, name, is_flag)->flag; }
int64_t wh_values_int(const struct wh_values *values, const char *name) { return value_of(values, name, is_int)->integer; }
double wh_values_real(const struct wh_values *values, const char *name) { return value_of(values, name, is_real)->real; }
const char *wh_values_string(const struct wh_values *values, const char *name)
{
	return value_of(values, name, is_string)->string;
}

bool wh_values_given(const struct wh_values *values, const char *name)
{
	int row = wh_values_find(values, name);
	return row >= 0 && values->given[row];
}

const char *wh_values_text(const struct wh_values *values, size_t row, char *buffer, size_t size)
{
	const union wh_value *value = &values->value[row];
	switch (values->params[row].type) {
	case WH_PARAM_FLAG:
		return value->flag ? "true" : "false";
	case WH_PARAM_INT:
		snprintf(buffer, size, "%lld", (long long)value->integer);
		return buffer;
	case WH_PARAM_REAL:
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(buffer, size, "%.*g", digits, value->real);
			if (strtod(buffer, NULL) == value->real)
				break;
		}
		return buffer;
	default:
		return value->string;
	}
}
