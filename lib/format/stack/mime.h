/* SPDX-License-Identifier: Apache-2.0 */
/* How mail packs bytes into text: RFC 2045 (base64, quoted-printable), RFC 2047 (words of headers). Character sets are not converted. */
#ifndef WHORL_FORMAT_STACK_MIME_H
#define WHORL_FORMAT_STACK_MIME_H

#include "base/str.h"
#include "format/scan.h"

/* Appends what text says; what is no base64 is passed over, as the RFC has it. */
void wh_mime_base64(struct wh_span text, struct wh_str *out);
void wh_mime_quoted_printable(struct wh_span text, struct wh_str *out);
/* A header's value: unfolded, `=?utf-8?Q?…?=` decoded. */
void wh_mime_words(struct wh_span value, struct wh_str *out);

#endif
