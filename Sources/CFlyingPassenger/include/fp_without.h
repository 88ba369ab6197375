/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

/* Whether something of newer kernels (a system call, a file) is to be done without, as on an older one or in a sandbox: the
   environment variable FLYING_PASSENGER_WITHOUT holds their names, separated by commas, since its start. For tests of what is done instead. */
bool fp_is_without(const char *name);
/* Whether a name is one of those that commas separate. */
bool fp_is_listed(const char *names, const char *name);
