/* SPDX-License-Identifier: MIT */
#include "include/fp_daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/fp_processes.h"

static void write_all(int descriptor, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno != EINTR) return;
        if (written > 0) bytes += written, length -= (size_t)written;
    }
}

/* The starting process: stays until the background process has said how it went. */
static _Noreturn void await_verdict(int verdict, pid_t child) {
    char text[8192];
    size_t length = 0;
    while (length < sizeof text) {
        ssize_t count = read(verdict, text + length, sizeof text - length);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        length += (size_t)count;
        if (length >= 3 && memcmp(text, "OK\n", 3) == 0) break;
    }
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
    if (length >= 3 && memcmp(text, "OK\n", 3) == 0) _exit(0);
    static const char silent[] = "The background process ended before it was ready; see its log file.\n";
    if (length == 0)
        write_all(STDERR_FILENO, silent, sizeof silent - 1);
    else
        write_all(STDERR_FILENO, text, length);
    _exit(1);
}

int fp_daemonize(void) {
    int threads = fp_thread_count();
    if (threads != 1) {
        if (threads > 1) errno = EDEADLK;
        return -1;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return -1;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        close(null);
        return -1;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        int code = errno;
        close(null);
        close(ends[0]);
        close(ends[1]);
        errno = code;
        return -1;
    }
    if (child > 0) {
        close(ends[1]);
        await_verdict(ends[0], child);
    }
    close(ends[0]);
    setsid();
    pid_t grandchild = fork();
    if (grandchild < 0) {
        static const char message[] = "Cannot go to the background: fork failed.\n";
        write_all(ends[1], message, sizeof message - 1);
    }
    if (grandchild != 0) _exit(grandchild < 0);
    if (null == STDIN_FILENO)
        fcntl(null, F_SETFD, 0);
    else
        dup2(null, STDIN_FILENO);
    if (null > STDERR_FILENO) close(null);
    return ends[1];
}
