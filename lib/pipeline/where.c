/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/where.h"

#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "base/vec.h"

struct condition {
	const char *name, *value; /* in `text` */
	bool differs;
};

struct wh_where {
	char *text;
	struct WH_VEC(struct condition) conditions;
	int64_t since_ns, until_ns;
};

int wh_where_time(const char *text, int64_t now_ns, int64_t *time_ns)
{
	static const struct {
		char letter;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	long long n = strtoll(text, &end, 10);
	for (size_t i = 0; end != text && end[0] && !end[1] && i < sizeof units / sizeof *units; i++)
		if (end[0] == units[i].letter && n >= 0 && n < 1000000) {
			int64_t ago = n * units[i].seconds; /* longer than there were times: all of them */
			*time_ns = ago < now_ns / 1000000000 ? now_ns - ago * 1000000000 : 0;
			return 0;
		}
	return wh_time_parse(text, strlen(text), time_ns);
}

static int parse_condition(struct wh_where *where, char *text, int64_t now_ns, struct wh_err *err)
{
	char *equals = strchr(text, '=');
	if (!equals || equals == text || (equals == text + 1 && *text == '!'))
		return wh_err_set(err, WH_E_USAGE, "--where %s: not NAME=VALUE or NAME!=VALUE", text);
	struct condition condition = { text, equals + 1, equals[-1] == '!' };
	equals[condition.differs ? -1 : 0] = '\0';
	bool since = !strcmp(condition.name, "since"), until = !strcmp(condition.name, "until");
	if (!since && !until)
		return wh_vec_push(&where->conditions, condition) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	if (condition.differs || wh_where_time(condition.value, now_ns, since ? &where->since_ns : &where->until_ns))
		return wh_err_set(err, WH_E_USAGE, "--where %s=%s: not a time such as 2026-11-20, 2026-11-20T10:00:00Z or 24h", condition.name,
				  condition.value);
	return WH_OK;
}

int wh_where_parse(struct wh_where **result, const char *text, int64_t now_ns, struct wh_err *err)
{
	*result = NULL;
	if (!text)
		return WH_OK;
	struct wh_where *where = calloc(1, sizeof *where);
	if (where)
		where->text = strdup(text);
	int code = where && where->text ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		where->since_ns = INT64_MIN;
		where->until_ns = INT64_MAX;
	}
	char *rest = NULL;
	for (char *part = code == WH_OK ? strtok_r(where->text, ",", &rest) : NULL; part && code == WH_OK; part = strtok_r(NULL, ",", &rest))
		code = parse_condition(where, part, now_ns, err);
	if (code == WH_OK)
		*result = where;
	else
		wh_where_free(where);
	return code;
}

void wh_where_free(struct wh_where *where)
{
	if (!where)
		return;
	free(where->text);
	wh_vec_release(&where->conditions);
	free(where);
}

static const char *said(const struct wh_signal *signal, const struct wh_observation *o, const char *name)
{
	if (!strcmp(name, "label"))
		return o->label;
	if (!strcmp(name, "format"))
		return o->format;
	return signal->attribute ? signal->attribute(o, name) : wh_observation_attribute(o, name);
}

bool wh_where_match(const struct wh_where *where, const struct wh_signal *signal, const struct wh_observation *o)
{
	if (!where)
		return true;
	bool timed = where->since_ns != INT64_MIN || where->until_ns != INT64_MAX;
	if (timed && (!o->has_time || o->time_ns < where->since_ns || o->time_ns >= where->until_ns))
		return false;
	for (size_t i = 0; i < where->conditions.n; i++) {
		const struct condition *condition = &where->conditions.data[i];
		const char *value = said(signal, o, condition->name);
		if (strcmp(value ? value : "", condition->value) == 0 ? condition->differs : !condition->differs)
			return false;
	}
	return true;
}
