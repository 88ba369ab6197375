/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Looks at files that never wait for a file system which does not answer. */

struct fp_cached_status {
    uint64_t device;
    uint64_t inode;
    /* Last change of the content since 1970, as the owner of the file may have set it. */
    int64_t modified_seconds;
    uint32_t modified_nanoseconds;
    bool is_link;
};

/* O_PATH by what the kernel has in its caches (openat2, RESOLVE_CACHED); EAGAIN when it would have to ask a file
   system or to note a link's use, EINVAL before Linux 5.12. O_PATH and O_CLOEXEC are added. */
int fp_open_cached(int directory, const char *path, int flags);
/* The same, and ELOOP where the path has a link. */
int fp_open_cached_without_links(int directory, const char *path, int flags);
/* O_PATH of what lies below a directory on the same mount and is reached without links: EXDEV and ELOOP otherwise. */
int fp_open_on_same_mount(int directory, const char *path, int flags);
/* What the kernel knows of a file (AT_STATX_DONT_SYNC), or of the directory itself where name is "". */
int fp_cached_status(int directory, const char *name, struct fp_cached_status *status);
