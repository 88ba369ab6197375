/* SPDX-License-Identifier: MIT */
#include "include/fp_without.h"

#include <stdlib.h>
#include <string.h>

bool fp_is_without(const char *call) {
    const char *names = getenv("FLYING_PASSENGER_WITHOUT");
    size_t length = strlen(call);
    while (names && *names) {
        size_t end = strcspn(names, ",");
        if (end == length && strncmp(names, call, length) == 0) return true;
        names += end + (names[end] == ',');
    }
    return false;
}
