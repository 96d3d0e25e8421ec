/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/xml.h"

#include <expat.h>

enum { CHUNK = 1 << 20 };

struct parsing {
	XML_Parser parser;
	const struct wh_xml *calls;
	struct wh_str text;
	size_t line; /* where text began */
	int code;
	struct wh_err *err;
};

static void stop(struct parsing *p, int code)
{
	if (code == WH_OK || p->code != WH_OK)
		return;
	p->code = code;
	XML_StopParser(p->parser, XML_FALSE);
}

static void begin(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct parsing *p = user;
	wh_str_clear(&p->text);
	p->line = XML_GetCurrentLineNumber(p->parser);
	stop(p, p->calls->begin(p->calls->user, name, (const char *const *)attributes, p->line, p->err));
}

static void end(void *user, const XML_Char *name)
{
	struct parsing *p = user;
	struct wh_span text = { p->text.n ? p->text.data : "", p->text.n ? p->text.data + p->text.n : "" };
	if (p->text.failed)
		stop(p, wh_err_set(p->err, WH_E_NOMEM, "out of memory"));
	else
		stop(p, p->calls->end(p->calls->user, name, text, p->line, p->err));
	wh_str_clear(&p->text);
}

static void characters(void *user, const XML_Char *text, int n)
{
	struct parsing *p = user;
	if (p->text.n < WH_XML_LARGEST)
		wh_str_add(&p->text, text, (size_t)n);
}

const char *wh_xml_attribute(const char *const *attributes, const char *name)
{
	for (; *attributes; attributes += 2)
		if (!strcmp(attributes[0], name))
			return attributes[1];
	return NULL;
}

int wh_xml_read(struct wh_span text, const struct wh_xml *calls, size_t *line, struct wh_err *err)
{
	struct parsing p = { .parser = XML_ParserCreate(NULL), .calls = calls, .err = err };
	if (!p.parser)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	XML_SetUserData(p.parser, &p);
	XML_SetElementHandler(p.parser, begin, end);
	XML_SetCharacterDataHandler(p.parser, characters);
	enum XML_Status status = XML_STATUS_OK;
	bool last = false;
	while (status == XML_STATUS_OK && !last) {
		size_t n = wh_span_size(text) < CHUNK ? wh_span_size(text) : CHUNK;
		last = n == wh_span_size(text);
		status = XML_Parse(p.parser, text.p, (int)n, last);
		text.p += n;
	}
	*line = XML_GetCurrentLineNumber(p.parser);
	enum XML_Error error = XML_GetErrorCode(p.parser);
	if (p.code == WH_OK && status != XML_STATUS_OK)
		p.code = error == XML_ERROR_NO_MEMORY ? wh_err_set(err, WH_E_NOMEM, "out of memory")
						      : wh_err_set(err, WH_E_FORMAT, "XML: %s", XML_ErrorString(error));
	XML_ParserFree(p.parser);
	wh_str_release(&p.text);
	return p.code;
}
