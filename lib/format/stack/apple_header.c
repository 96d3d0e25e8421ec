/* SPDX-License-Identifier: Apache-2.0 */
/* The head of Apple's reports, and its values as attributes. */
#include "format/stack/apple.h"

#include <stddef.h>

#include "format/stack/fault.h"
#include "format/stack/report.h"
#include "format/stack/said_time.h"

enum { LONGEST = 16 * 1024 };

#define KEY(name, member) { name, offsetof(struct wh_apple_head, member) + 1 }

/* Of all versions since CrashReporter's first; where two mean the same, both are there. */
static const struct {
	const char *name;
	size_t member; /* its offset + 1; 0: known, not kept */
} keys[] = {
	KEY("Process", process), KEY("Command", command), KEY("Identifier", identifier), KEY("Version", version),
	KEY("Code Type", code_type), KEY("Architecture", code_type), KEY("OS Version", os), KEY("Date/Time", date),
	KEY("Hardware Model", hardware), KEY("Hardware model", hardware), KEY("Incident Identifier", incident),
	KEY("Exception Type", type), KEY("Exception", type), KEY("Exception Codes", codes), KEY("Codes", codes),
	KEY("Exception Subtype", subtype), KEY("Exception Note", note), KEY("Exception Message", message),
	KEY("Termination Reason", termination), KEY("Termination Signal", termination), KEY("Event", event),
	KEY("Crashed Thread", crashed), KEY("Triggered by Thread", crashed), KEY("Highlighted by Thread", crashed),
	KEY("Highlighted Thread", crashed), KEY("Thread", crashed), { "Path", 0 }, { "CrashReporter Key", 0 }, { "Beta Identifier", 0 },
	{ "Parent Process", 0 }, { "Parent", 0 }, { "Host Name", 0 }, { "Host", 0 }, { "PID", 0 }, { "Role", 0 }, { "Responsible", 0 },
	{ "User ID", 0 }, { "Coalition", 0 }, { "Launch Time", 0 }, { "Report Version", 0 }, { "Anonymous UUID", 0 },
	{ "Time Awake Since Boot", 0 }, { "System Integrity Protection", 0 }, { "Interval Since Last Report", 0 },
	{ "Sleep/Wake UUID", 0 }, { "Bridge OS Version", 0 }, { "Release Type", 0 }, { "Baseband Version", 0 }, { "Analysis Tool", 0 },
	{ "Framework Version", 0 }, { "Terminating Process", 0 },
};

_Static_assert(sizeof keys / sizeof *keys <= 64, "a bit for each in wh_apple_head.seen");

bool wh_apple_head_line(struct wh_apple_head *head, struct wh_span line)
{
	struct wh_span s = wh_scan_trim(line);
	const char *colon = wh_span_size(s) && wh_span_size(s) < LONGEST ? memchr(s.p, ':', wh_span_size(s)) : NULL;
	if (!colon)
		return false;
	struct wh_span key = wh_scan_trim((struct wh_span){ s.p, colon }); /* MacRuby's and old ones have a blank before the colon */
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		if (wh_span_size(key) != strlen(keys[i].name) || memcmp(key.p, keys[i].name, wh_span_size(key)))
			continue;
		struct wh_span *value = keys[i].member ? (struct wh_span *)((char *)head + keys[i].member - 1) : NULL;
		if (value && !value->p)
			*value = wh_scan_trim((struct wh_span){ colon + 1, s.end });
		head->n += !(head->seen >> i & 1);
		head->seen |= UINT64_C(1) << i;
		return true;
	}
	return false;
}

bool wh_apple_head_crashed(const struct wh_apple_head *head, uint64_t *number)
{
	struct wh_span s = head->crashed;
	return s.p && wh_scan_decimal(&s, number);
}

struct wh_span wh_apple_process(struct wh_span s)
{
	const char *open = wh_scan_last(s, " [");
	if (open && s.end[-1] == ']')
		s.end = open;
	return wh_scan_trim(s);
}

void wh_apple_exception(struct wh_stack_builder *b, struct wh_span type)
{
	const char *open = wh_scan_find(type, " (");
	struct wh_span name = { type.p, open ? open : type.end }, signal = name;
	if (open)
		signal = wh_scan_until((struct wh_span){ open + 2, type.end }, ")");
	wh_stack_message(b, "reason", name);
	if (wh_scan_has(signal, "SIG"))
		wh_stack_message(b, "signal", signal);
}

bool wh_apple_address(struct wh_stack_builder *b, struct wh_span codes, uint64_t *address)
{
	struct wh_span at;
	if (!wh_scan_after(codes, " at ", &at) || !wh_scan_hex(&at, address))
		return false;
	char *text = wh_arena_printf(b->arena, "0x%llx", (unsigned long long)*address);
	b->failed |= !text;
	if (text)
		wh_stack_builder_attribute(b, "address", text, strlen(text));
	return true;
}

bool wh_apple_uncaught(struct wh_stack_builder *b, struct wh_span text)
{
	struct wh_span name, reason;
	if (!wh_scan_after(text, "uncaught exception '", &name))
		return false;
	struct wh_span rest = name;
	name = wh_scan_until(name, "'\n");
	wh_stack_message(b, "reason", name);
	if (wh_scan_after(rest, "reason: '", &reason)) {
		reason = wh_scan_until(reason, "\n");
		if (wh_span_size(reason) && reason.end[-1] == '\'')
			reason.end--;
		wh_stack_message(b, "message", reason);
	}
	return true;
}

const char *wh_apple_uuid(struct wh_stack_builder *b, struct wh_span uuid)
{
	char text[64];
	size_t n = 0;
	bool any = false;
	for (const char *p = uuid.p; p < uuid.end && n < sizeof text; p++) {
		if (*p == '-')
			continue;
		char c = *p >= 'A' && *p <= 'Z' ? (char)(*p | 32) : *p;
		if (!wh_is_digit(c) && !(c >= 'a' && c <= 'f'))
			return NULL;
		any |= c != '0';
		text[n++] = c;
	}
	return any ? wh_stack_builder_copy(b, text, n) : NULL;
}

/* `1.2 (34)`; `??? (???)` says nothing. */
static void set_version(struct wh_stack_builder *b, struct wh_span version)
{
	if (!wh_scan_has(version, "???"))
		wh_stack_message(b, "version", version);
}

void wh_apple_head_set(const struct wh_apple_head *head, struct wh_span information, struct wh_stack_builder *b)
{
	struct wh_span app = wh_span_size(head->process) ? head->process : head->command;
	uint64_t address = 0;
	wh_stack_message(b, "app", wh_apple_process(wh_span_size(app) ? app : head->identifier));
	set_version(b, head->version);
	wh_fault_platform(b, head->os, head->code_type);
	wh_stack_message(b, "hardware", head->hardware);
	if (!wh_scan_find(head->incident, "TODO")) /* PLCrashReporter's */
		wh_stack_message(b, "incident", head->incident);
	wh_said_time(&b->observation, head->date);
	if (wh_span_size(head->type))
		wh_apple_exception(b, head->type);
	else
		wh_stack_message(b, "reason", head->event); /* of a hang: `hang`, `cpu usage` */
	wh_stack_message(b, "termination", head->termination);
	bool has = wh_apple_address(b, head->subtype, &address) || wh_apple_address(b, head->codes, &address);
	wh_fault_type(b, head->type, has, address);
	const struct wh_span messages[] = { information, head->message, head->subtype, head->codes };
	for (size_t i = sizeof messages / sizeof *messages; i-- > 0;)
		if (wh_span_size(messages[i]) && !wh_scan_has(messages[i], "0x")) /* mere numbers tell nobody anything */
			wh_stack_message(b, "message", messages[i]);
	wh_apple_uncaught(b, information);
}
