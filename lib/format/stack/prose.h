/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports inside what people wrote: mails, bug reports, issues, pages. A document says who it is (its id, its time, its attributes);
 * texts of it are given one after the other; whatever reader knows what stands in them reads it, and what it finds is handed over
 * with the document's word beside its own.
 */
#ifndef WHORL_FORMAT_STACK_PROSE_H
#define WHORL_FORMAT_STACK_PROSE_H

#include <whorl/format.h>

#include "base/map.h"
#include "base/str.h"
#include "format/scan.h"

#define WH_PROSE_ATTRIBUTES 12
#define WH_PROSE_LARGEST ((size_t)64 << 20) /* of one text; longer ones are cut */

enum wh_prose_markup {
	WH_PROSE_PLAIN, /* also Markdown */
	WH_PROSE_HTML,
	WH_PROSE_WIKI, /* Jira's: {code}, {noformat} */
	WH_PROSE_FILE, /* an attachment: nobody wrote it */
};

struct wh_prose {
	struct wh_reader *reader;
	const char *kind;  /* "mbox": the attribute found_in */
	const char *named; /* what a document is called in messages: "bug 7" */
	struct wh_str name;
	/* of the document at hand */
	struct wh_str id, label;
	struct {
		const char *name;
		struct wh_str value;
	} attributes[WH_PROSE_ATTRIBUTES];
	size_t n_attributes;
	int64_t time_ns;
	bool has_time;
	size_t reports;    /* found in it */
	size_t number;     /* of the document in the file */
	struct wh_map seen; /* stacks of the whole file by their hash: number of the document that had it last */
	/* of the text at hand */
	bool is_quoted;
	struct wh_str text, piece, whole;
};

/* kind is static. */
void wh_prose_open(struct wh_prose *, struct wh_reader *, const char *kind);
void wh_prose_release(struct wh_prose *);

/* Begins a document, and forgets the one before. */
void wh_prose_begin(struct wh_prose *);
/* What reports in it are called that bring no id: the second `ID#2`. Empty: the reader's caller names them. */
void wh_prose_id(struct wh_prose *, struct wh_span id);
void wh_prose_label(struct wh_prose *, struct wh_span label);
/* An attribute (name is static) that reports get unless they say so themselves; blanks trimmed, the first line, no empty ones. A
 * second value replaces the first. */
void wh_prose_attribute(struct wh_prose *, const char *name, struct wh_span value);
/* When it was written: ISO 8601, or RFC 5322's `Thu, 8 Feb 2024 21:07:27 +0000`; anything else is no time. */
void wh_prose_time(struct wh_prose *, struct wh_span text);

/* Reads what reports there are in a text of the document, whose first line is line of the reader's text. A report that the document
 * has already is passed over, as is one that was seen anywhere in the file and is quoted here. Errors are the reader's. */
int wh_prose_read(struct wh_prose *, struct wh_span text, enum wh_prose_markup, size_t line, struct wh_err *) WH_NODISCARD;
/* Ends the document: without any report it is skipped. */
int wh_prose_end(struct wh_prose *, size_t line, struct wh_err *) WH_NODISCARD;

/* How sure the surest of the readers of reports is of a text; markup is looked through. */
int wh_prose_detect(struct wh_span text, enum wh_prose_markup);
/* Whether its pieces are of different readers, so that none of them should read it alone. */
bool wh_prose_is_mixed(struct wh_span text, enum wh_prose_markup);

/* ---- text without its markup (prose_markup.c): what was preformatted stands between lines of ``` ---- */

void wh_prose_plain_html(struct wh_span html, struct wh_str *out);
void wh_prose_plain_wiki(struct wh_span wiki, struct wh_str *out);
/* Appends text with XML's and HTML's character references (&lt; &#39;) replaced. */
void wh_prose_unescape(struct wh_span text, struct wh_str *out);

#endif
