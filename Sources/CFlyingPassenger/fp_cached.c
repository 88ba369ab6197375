/* SPDX-License-Identifier: MIT */
#include "include/fp_cached.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "include/fp_without.h"

/* Of Linux 5.12; older headers lack it. */
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

static int open_resolved(int directory, const char *path, struct open_how *how) {
    if (fp_is_without("openat2")) {
        errno = ENOSYS;
        return -1;
    }
    return (int)syscall(SYS_openat2, directory, path, how, sizeof *how);
}

int fp_open_cached(int directory, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_PATH | O_CLOEXEC), .resolve = RESOLVE_CACHED};
    return open_resolved(directory, path, &how);
}

int fp_open_cached_without_links(int directory, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_PATH | O_CLOEXEC),
                           .resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS};
    return open_resolved(directory, path, &how);
}

int fp_open_on_same_mount(int directory, const char *path, int flags) {
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_PATH | O_CLOEXEC),
                           .resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    return open_resolved(directory, path, &how);
}

int fp_cached_status(int directory, const char *name, struct fp_cached_status *status) {
    struct statx facts;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC | (*name ? 0 : AT_EMPTY_PATH);
    if (statx(directory, name, flags, STATX_TYPE | STATX_INO | STATX_MTIME, &facts) < 0) return -1;
    status->device = makedev(facts.stx_dev_major, facts.stx_dev_minor);
    status->inode = facts.stx_ino;
    status->modified_seconds = facts.stx_mtime.tv_sec;
    status->modified_nanoseconds = facts.stx_mtime.tv_nsec;
    status->is_link = S_ISLNK(facts.stx_mode);
    return 0;
}
