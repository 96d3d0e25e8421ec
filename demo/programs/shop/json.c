/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "shop.h"

static struct json *json_value(const char **p);

static void blanks(const char **p)
{
	while (isspace((unsigned char)**p))
		++*p;
}

static char *json_string(const char **p)
{
	const char *begin = ++*p;
	while (**p && **p != '"')
		++*p;
	char *text = strndup(begin, (size_t)(*p - begin));
	*p += **p == '"';
	return text;
}

/* The fault: as deep as the text says. */
static void json_members(struct json *value, const char **p, char end)
{
	struct json **last = &value->child;
	for (++*p, blanks(p); **p && **p != end; blanks(p)) {
		char *key = NULL;
		if (end == '}') {
			key = **p == '"' ? json_string(p) : NULL;
			blanks(p);
			*p += **p == ':';
		}
		*last = json_value(p);
		if (!*last)
			return;
		(*last)->key = key;
		last = &(*last)->next;
		blanks(p);
		*p += **p == ',';
	}
	*p += **p == end;
}

static struct json *json_array(struct json *value, const char **p)
{
	char depth[256]; /* a frame of a size that real parsers have */
	memset(depth, 0, sizeof depth);
	value->type = JSON_ARRAY;
	json_members(value, p, ']');
	value->number = depth[7];
	return value;
}

static struct json *json_object(struct json *value, const char **p)
{
	char depth[256];
	memset(depth, 0, sizeof depth);
	value->type = JSON_OBJECT;
	json_members(value, p, '}');
	value->number = depth[7];
	return value;
}

static struct json *json_value(const char **p)
{
	blanks(p);
	if (!**p)
		return NULL;
	struct json *value = calloc(1, sizeof *value);
	if (**p == '[')
		return json_array(value, p);
	if (**p == '{')
		return json_object(value, p);
	if (**p == '"') {
		value->type = JSON_STRING;
		value->text = json_string(p);
		return value;
	}
	char *end;
	value->type = JSON_NUMBER;
	value->number = strtod(*p, &end);
	*p = end > *p ? end : *p + 1;
	return value;
}

struct json *json_parse(const char *text)
{
	return json_value(&text);
}

const char *json_text(const struct json *object, const char *key)
{
	for (const struct json *member = object ? object->child : NULL; member; member = member->next)
		if (member->key && !strcmp(member->key, key))
			return member->text;
	return NULL;
}
