/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    FP_RESOLVE_NO_MAGICLINKS = 0x02,
    FP_RESOLVE_NO_SYMLINKS = 0x04,
    FP_RESOLVE_BENEATH = 0x08,
};

/* openat2; O_CLOEXEC is added. -1 and errno (ELOOP for a link met under NO_SYMLINKS, EXDEV for an escape). */
int fp_open_resolved(int directory, const char *path, int flags, mode_t mode, uint64_t resolve);
/* openat without the variable argument list; O_CLOEXEC is added. */
int fp_open(int directory, const char *path, int flags, mode_t mode);
/* A flock that does not wait; EWOULDBLOCK when somebody else holds it. */
int fp_lock_exclusively(int descriptor);
/* O_PATH and O_TMPFILE, which Swift's Glibc module hides. */
int fp_open_flag_path(void);
int fp_open_flag_unnamed(void);
/* Random bytes of the kernel; at most 256 at a time, which never comes short. */
int fp_random(void *bytes, size_t length);
/* The kind of file system (statfs), a number that is never negative; -1 and errno. */
int64_t fp_file_system_type(int descriptor);
/* The access list of what a descriptor stands for (`system.posix_acl_access`), O_PATH included, by its name below /proc:
   bytes of it, 0 when it has none. */
ssize_t fp_access_list(int descriptor, void *bytes, size_t size);
/* rename that fails with EEXIST instead of replacing. */
int fp_rename_exclusively(const char *from, const char *to);
/* sendfile(2). */
ssize_t fp_send_file(int socket, int file, off_t *offset, size_t count);
/* What users without privileges may still write there (statvfs(3)); -1 and errno. */
int fp_free_blocks(const char *path, uint64_t *blocks, uint64_t *block_bytes);
