/* SPDX-License-Identifier: MIT */
#include "include/fp_descriptors.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int fp_pipe(int ends[2], bool nonblocking) {
    return pipe2(ends, O_CLOEXEC | (nonblocking ? O_NONBLOCK : 0));
}

int fp_duplicate(int descriptor, int lowest) { return fcntl(descriptor, F_DUPFD_CLOEXEC, lowest); }

int fp_set_nonblocking(int descriptor, bool on) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    int wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
    return wanted == flags ? 0 : fcntl(descriptor, F_SETFL, wanted);
}

int fp_set_close_on_exec(int descriptor, bool on) { return fcntl(descriptor, F_SETFD, on ? FD_CLOEXEC : 0); }

int fp_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int fp_readable_bytes(int descriptor) {
    int count = 0;
    return ioctl(descriptor, FIONREAD, &count) < 0 ? -1 : count;
}

const char *fp_error_name(int code) { return strerrorname_np(code); }

const char *fp_error_text(int code) { return strerrordesc_np(code); }
