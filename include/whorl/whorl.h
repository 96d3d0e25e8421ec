/* SPDX-License-Identifier: Apache-2.0 */
/* The whole public API. */
#ifndef WHORL_WHORL_H
#define WHORL_WHORL_H

#include <whorl/emit.h>
#include <whorl/error.h>
#include <whorl/format.h>
#include <whorl/host.h>
#include <whorl/observation.h>
#include <whorl/param.h>
#include <whorl/sample.h>
#include <whorl/signal.h>
#include <whorl/verb.h>
#include <whorl/writer.h>

#endif
