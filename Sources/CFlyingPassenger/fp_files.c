/* SPDX-License-Identifier: MIT */
#include "include/fp_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "include/fp_without.h"

_Static_assert(FP_RESOLVE_NO_SYMLINKS == RESOLVE_NO_SYMLINKS && FP_RESOLVE_BENEATH == RESOLVE_BENEATH &&
                   FP_RESOLVE_NO_MAGICLINKS == RESOLVE_NO_MAGICLINKS,
               "values of linux/openat2.h");

int fp_open_resolved(int directory, const char *path, int flags, mode_t mode, uint64_t resolve) {
    if (fp_is_without("openat2")) {
        errno = ENOSYS;
        return -1;
    }
    struct open_how how = {
        .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .mode = flags & O_CREAT ? mode : 0, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int fp_open(int directory, const char *path, int flags, mode_t mode) {
    return openat(directory, path, flags | O_CLOEXEC, mode);
}

int fp_lock_exclusively(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

int fp_open_flag_path(void) { return O_PATH; }

int fp_open_flag_unnamed(void) { return O_TMPFILE; }

int fp_random(void *bytes, size_t length) {
    if (length > 256) {
        errno = EINVAL;
        return -1;
    }
    return getrandom(bytes, length, 0) == (ssize_t)length ? 0 : -1;
}

int fp_rename_exclusively(const char *from, const char *to) {
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
}

int64_t fp_file_system_type(int descriptor) {
    struct statfs facts;
    return fstatfs(descriptor, &facts) < 0 ? -1 : (int64_t)(uint32_t)facts.f_type;
}

ssize_t fp_access_list(int descriptor, void *bytes, size_t size) {
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    ssize_t count = getxattr(name, "system.posix_acl_access", bytes, size);
    return count < 0 && (errno == ENODATA || errno == EOPNOTSUPP) ? 0 : count;
}

ssize_t fp_send_file(int socket, int file, off_t *offset, size_t count) {
    return sendfile(socket, file, offset, count);
}

int fp_free_blocks(const char *path, uint64_t *blocks, uint64_t *block_bytes) {
    struct statvfs facts;
    if (statvfs(path, &facts) < 0) return -1;
    *blocks = facts.f_bavail;
    *block_bytes = facts.f_frsize;
    return 0;
}
