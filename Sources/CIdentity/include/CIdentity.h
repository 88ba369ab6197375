/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The one place where root is given up: by flying-passenger-exec for applications, by a worker of front-proxy for itself. */

struct identity {
    uid_t uid; /* never 0 */
    gid_t gid;
    gid_t *groups; /* exactly these supplementary groups; sorted in place */
    size_t group_count;
};

struct identity_failure {
    const char *step; /* "keyring", "groups", "group", "user" or "proof" */
    int code;         /* an errno, 0 where no call failed */
    char subject[64];
};

/* Groups, then group, then user, and the proof that there is no way back. Call it while the process has one thread. After
   false the process may be half of each, and must end. */
bool take_identity(const struct identity *identity, struct identity_failure *failure);
