/* SPDX-License-Identifier: MIT */
#include "include/fp_without.h"

#include <stdlib.h>
#include <string.h>

/* Looked up before main, where there is one thread: afterwards it is asked for with each look at a restart file, and getenv
   compares with every variable of the environment. A copy, because a title of the process may be written over those. */
static const char *missing;

__attribute__((constructor)) static void look_up(void) {
    const char *names = getenv("FLYING_PASSENGER_WITHOUT");
    if (names && *names) missing = strdup(names);
}

bool fp_is_without(const char *name) { return missing && fp_is_listed(missing, name); }

bool fp_is_listed(const char *names, const char *name) {
    size_t length = strlen(name);
    while (*names) {
        size_t end = strcspn(names, ",");
        if (length > 0 && end == length && strncmp(names, name, length) == 0) return true;
        names += end + (names[end] == ',');
    }
    return false;
}
