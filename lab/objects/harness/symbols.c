// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What is where, found out by the linker's first run; behind all code, so that the second moves nothing. */
#include "harness.h"

const struct symbol symbols[] = {
#include "symbols.h"
	{ 0, "", 0 },
};
