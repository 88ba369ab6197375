/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>

/* Whether newer system calls are to be done without, as on an older kernel or in a sandbox: the environment variable
   FLYING_PASSENGER_WITHOUT holds their names, separated by commas. For tests of what is done instead. */
bool fp_is_without(const char *call);
