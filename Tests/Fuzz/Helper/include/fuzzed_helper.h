/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>

/* Reads `bytes` as an environment file, as flying-passenger-exec does after the drop. Returns how many variables it has,
   or -1 when it was refused. Calls `see` with each variable. */
int fuzzed_environment_file(const void *bytes, size_t count, void (*see)(const char *entry, void *context), void *context);
