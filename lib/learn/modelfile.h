/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model file: `whorlmdl`, a version, a JSON header, then the state (weights, arrays) compressed with zstd, then a checksum of all
 * before it. A model is a pure function of its header and state: writing what was read gives the same bytes.
 */
#ifndef WHORL_LEARN_MODELFILE_H
#define WHORL_LEARN_MODELFILE_H

#include <whorl/error.h>
#include <whorl/observation.h>

#include "base/str.h"

int wh_modelfile_write(struct wh_str *out, struct wh_bytes header, struct wh_bytes state, struct wh_err *) WH_NODISCARD;
/* header points into file; state is appended to *state. WH_E_FORMAT: not a model, of another version, truncated, or altered. */
int wh_modelfile_read(struct wh_bytes file, struct wh_bytes *header, struct wh_str *state, struct wh_err *) WH_NODISCARD;

#endif
