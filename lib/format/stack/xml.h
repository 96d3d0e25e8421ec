/* SPDX-License-Identifier: Apache-2.0 */
/* Documents in XML, element by element (expat: no external entities, and an end to internal ones). */
#ifndef WHORL_FORMAT_STACK_XML_H
#define WHORL_FORMAT_STACK_XML_H

#include <whorl/error.h>

#include "format/scan.h"

#define WH_XML_LARGEST ((size_t)64 << 20) /* of an element's text; what is beyond is dropped */

struct wh_xml {
	void *user;
	/* attributes: name, value, …, NULL */
	int (*begin)(void *user, const char *name, const char *const *attributes, size_t line, struct wh_err *);
	/* text: what stands directly before the end tag, behind the last tag; line: where it began. May be changed by nobody. */
	int (*end)(void *user, const char *name, struct wh_span text, size_t line, struct wh_err *);
};

/* The value of an attribute, or NULL. */
const char *wh_xml_attribute(const char *const *attributes, const char *name);

/* Reads text to its end. WH_E_FORMAT, with the line in *line and the reason in err, where it is not well-formed: what came before has
 * been told. Else errors are those of the calls, and WH_E_NOMEM. */
int wh_xml_read(struct wh_span text, const struct wh_xml *, size_t *line, struct wh_err *) WH_NODISCARD;

#endif
