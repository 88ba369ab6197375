/* SPDX-License-Identifier: MIT */
#include "include/fp_identity.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

void fp_return_file_identity(const uint32_t *groups, size_t count) {
    syscall(SYS_setfsuid, 0);
    syscall(SYS_setfsgid, 0);
    syscall(SYS_setgroups, count, groups);
}

int fp_take_file_identity(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count) {
    if (syscall(SYS_setgroups, count, groups) < 0) return -1;
    /* These two answer with the id before and have no other way to fail than to leave it as it is. */
    syscall(SYS_setfsgid, gid);
    syscall(SYS_setfsuid, uid);
    if ((uint32_t)syscall(SYS_setfsgid, -1) == gid && (uint32_t)syscall(SYS_setfsuid, -1) == uid) return 0;
    errno = EPERM;
    return -1;
}
