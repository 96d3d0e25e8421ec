/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/minidump_annotations.h"

#include "format/scan.h"
#include "format/stack/report.h"

enum {
	MOST = 64,             /* annotations kept */
	MOST_LOOKED_AT = 4096, /* of one list, and modules */
	NAME_LONGEST = 64,
	TYPE_STRING = 1,
	INFO_SIZE = 52,
	MODULE_INFO_SIZE = 20,  /* of version 1 as it was at first; `annotation_objects` came later */
	MODULE_INFO_OBJECTS = 28,
	LINK_SIZE = 12,
	OBJECT_SIZE = 12,
};

struct annotations {
	const struct wh_minidump *m;
	struct wh_stack_builder *b;
	size_t kept;
	bool named[4]; /* ours were said by */
};

/* A length and so many bytes: MinidumpUTF8String, MinidumpByteArray. */
static struct wh_span counted(const struct wh_minidump *m, uint32_t offset)
{
	struct wh_bytes length = wh_md_at(m, offset, 4);
	struct wh_bytes bytes = length.data ? wh_md_at(m, (uint64_t)offset + 4, wh_md_u32(length.data)) : (struct wh_bytes){ NULL, 0 };
	return wh_md_until_zero(bytes);
}

static bool is_plain(struct wh_span name)
{
	for (const char *p = name.p; p < name.end; p++)
		if (!wh_is_digit(*p) && !wh_is_alpha(*p) && !strchr("_-.:", *p))
			return false;
	return name.p < name.end && wh_span_size(name) <= NAME_LONGEST;
}

static bool same(struct wh_span name, const char *text)
{
	return wh_span_size(name) == strlen(text) && !memcmp(name.p, text, strlen(text));
}

/* Members of a neutral record that are no attributes. */
static bool is_reserved(struct wh_span name)
{
	static const char *const reserved[] = { "id", "time", "label", "format", "thread", "threads", "frames", "crash_type", "crash_state" };
	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (same(name, reserved[i]))
			return true;
	return false;
}

static bool is_set(const struct annotations *a, struct wh_span name)
{
	const struct wh_observation *o = &a->b->observation;
	for (size_t i = 0; i < o->n_attributes; i++)
		if (same(name, o->attributes[i].name))
			return true;
	return false;
}

static void keep(struct annotations *a, struct wh_span name, struct wh_span value)
{
	/* Electron knows the names of its programs, which call themselves all `Electron` in `prod` */
	static const char *const ours[][2] = { { "_productName", "app" }, { "prod", "app" }, { "_version", "version" }, { "ver", "version" } };
	if (!is_plain(name) || !wh_span_size(value))
		return;
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		if (same(name, ours[i][0])) {
			/* the program's own come before those of its modules */
			if (!a->named[i] && (i % 2 == 0 || !a->named[i - 1]))
				wh_stack_message(a->b, ours[i][1], value);
			a->named[i] = true;
			return;
		}
	static const char platform[] = "platform";
	if (same(name, "plat"))
		name = (struct wh_span){ platform, platform + sizeof platform - 1 };
	if (a->kept == MOST || is_reserved(name) || is_set(a, name))
		return;
	const char *copy = wh_stack_builder_copy(a->b, name.p, wh_span_size(name));
	if (copy)
		wh_stack_message(a->b, copy, value);
	a->kept++;
}

/* MinidumpSimpleStringDictionary */
static void take_dictionary(struct annotations *a, struct wh_bytes dictionary)
{
	size_t n;
	struct wh_bytes entries = wh_md_list(dictionary, 8, &n);
	n = n < MOST_LOOKED_AT ? n : MOST_LOOKED_AT;
	for (size_t i = 0; i < n; i++)
		keep(a, counted(a->m, wh_md_u32(entries.data + 8 * i)), counted(a->m, wh_md_u32(entries.data + 8 * i + 4)));
}

/* MinidumpAnnotationList: those that are strings. */
static void take_objects(struct annotations *a, struct wh_bytes list)
{
	size_t n;
	struct wh_bytes entries = wh_md_list(list, OBJECT_SIZE, &n);
	n = n < MOST_LOOKED_AT ? n : MOST_LOOKED_AT;
	for (size_t i = 0; i < n; i++) {
		const char *p = entries.data + OBJECT_SIZE * i;
		if (wh_md_u16(p + 4) == TYPE_STRING)
			keep(a, counted(a->m, wh_md_u32(p)), counted(a->m, wh_md_u32(p + 8)));
	}
}

/* MinidumpRVAList of strings without names: what libraries say before they abort. The first stands for the message. */
static void take_list(struct annotations *a, struct wh_bytes list)
{
	static const char name[] = "message";
	size_t n;
	struct wh_bytes entries = wh_md_list(list, 4, &n);
	if (n && !is_set(a, (struct wh_span){ name, name + sizeof name - 1 }))
		wh_stack_message(a->b, name, counted(a->m, wh_md_u32(entries.data)));
}

static void take_modules(struct annotations *a, struct wh_bytes list)
{
	size_t n;
	struct wh_bytes links = wh_md_list(list, LINK_SIZE, &n);
	n = n < MOST_LOOKED_AT ? n : MOST_LOOKED_AT;
	for (size_t i = 0; i < n && a->kept < MOST; i++) {
		struct wh_bytes info = wh_md_location(a->m, links.data + LINK_SIZE * i + 4);
		if (info.size < MODULE_INFO_SIZE)
			continue;
		take_list(a, wh_md_location(a->m, info.data + 4));
		take_dictionary(a, wh_md_location(a->m, info.data + 12));
		if (info.size >= MODULE_INFO_OBJECTS)
			take_objects(a, wh_md_location(a->m, info.data + 20));
	}
}

void wh_md_annotations(const struct wh_minidump *m, struct wh_stack_builder *b)
{
	struct annotations a = { .m = m, .b = b };
	struct wh_bytes info = m->streams[WH_MD_CRASHPAD];
	if (info.size < INFO_SIZE)
		return;
	/* version, two GUIDs, then where the program's annotations and those of modules are */
	take_dictionary(&a, wh_md_location(m, info.data + 36));
	take_modules(&a, wh_md_location(m, info.data + 44));
}
