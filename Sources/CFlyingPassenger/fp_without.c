/* SPDX-License-Identifier: MIT */
#include "include/fp_without.h"

#include <stdlib.h>
#include <string.h>

bool fp_is_without(const char *name) {
    const char *names = getenv("FLYING_PASSENGER_WITHOUT");
    return names && fp_is_listed(names, name);
}

bool fp_is_listed(const char *names, const char *name) {
    size_t length = strlen(name);
    while (*names) {
        size_t end = strcspn(names, ",");
        if (length > 0 && end == length && strncmp(names, name, length) == 0) return true;
        names += end + (names[end] == ',');
    }
    return false;
}
