/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char format_name[] = "flying-passenger-exec 5";

/* Of all variables together, so that the steps after them have room in the pipe even if nobody has read yet. */
enum { MAX_VARIABLES_BYTES = 40 * 1024, MAX_VARIABLE_BYTES = 2048, MAX_TEXT_BYTES = 1024 };

/* How long what must arrive waits for room, in milliseconds. */
enum { PATIENCE = 1000 };

static int report = -1;

/* Whole records; a write of this size to a pipe is done whole or not at all. */
static char waiting[PIPE_BUF];
static size_t waiting_count;

int report_descriptor(void) { return report; }

void set_report_descriptor(int descriptor) { report = descriptor; }

/* What cannot be written within the time is left out: the launcher may be gone, or slow. */
static bool flush(int milliseconds) {
    bool is_written = true;
    while (waiting_count > 0) {
        ssize_t written = write(report, waiting, waiting_count);
        if (written >= 0) break;
        if (errno == EINTR) continue;
        struct pollfd room = {.fd = report, .events = POLLOUT};
        if (errno == EAGAIN && poll(&room, 1, milliseconds) > 0) continue;
        is_written = false;
        break;
    }
    waiting_count = 0;
    return is_written;
}

static bool make_room(size_t count) { return waiting_count + count <= sizeof waiting || flush(0); }

static void add_bytes(const char *bytes, size_t count) {
    memcpy(waiting + waiting_count, bytes, count);
    waiting_count += count;
}

/* For records that have been given room; the text is cut at `limit`. */
static void add(const char *text, size_t limit) {
    add_bytes(text, strnlen(text, limit));
    waiting[waiting_count++] = 0;
}

void open_report(int descriptor) {
    report = descriptor;
    int flags = fcntl(report, F_GETFL);
    if (flags >= 0) fcntl(report, F_SETFL, flags | O_NONBLOCK);
    add(format_name, sizeof format_name);
}

void report_step(const char *name) {
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    char nanoseconds[32];
    snprintf(nanoseconds, sizeof nanoseconds, "%llu",
             (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec);
    if (waiting_count + 128 > sizeof waiting) flush(PATIENCE);
    add("step", 32);
    add(name, 64);
    add(nanoseconds, 31);
    flush(PATIENCE);
}

void report_limit(const char *name, unsigned long long soft, unsigned long long hard) {
    char number[32];
    make_room(256);
    add("limit", 32);
    add(name, 64);
    snprintf(number, sizeof number, "%llu", soft);
    add(number, 31);
    snprintf(number, sizeof number, "%llu", hard);
    add(number, 31);
}

static bool report_variable(const char *variable) {
    static const char mark[] = " [cut]";
    size_t length = strlen(variable);
    bool is_cut = length > MAX_VARIABLE_BYTES;
    if (is_cut) length = MAX_VARIABLE_BYTES;
    if (!make_room(length + 64)) return false;
    add("variable", 32);
    add_bytes(variable, length);
    if (is_cut) add_bytes(mark, sizeof mark - 1);
    waiting[waiting_count++] = 0;
    return true;
}

void report_variables(char *const *variables) {
    size_t total = 0;
    for (; *variables; variables++) {
        total += strnlen(*variables, MAX_VARIABLE_BYTES) + 32;
        if (total > MAX_VARIABLES_BYTES || !report_variable(*variables)) return;
    }
}

void report_directory(const char *path) {
    struct stat status;
    if (stat(path, &status) < 0) return;
    /* Here a database of accounts may take its time, as nowhere in the daemon. */
    const struct passwd *owner = getpwuid(status.st_uid);
    char number[32];
    make_room(256);
    add("directory", 32);
    snprintf(number, sizeof number, "%u", (unsigned)status.st_uid);
    add(number, 31);
    snprintf(number, sizeof number, "%u", (unsigned)status.st_gid);
    add(number, 31);
    snprintf(number, sizeof number, "%u", (unsigned)status.st_mode & 07777);
    add(number, 31);
    add(owner ? owner->pw_name : "", 64);
}

void fail_with(const char *step, int code, const char *subject, const char *detail) {
    char number[16];
    snprintf(number, sizeof number, "%d", code);
    /* What is said before it, such as the facts of a directory, must arrive too. */
    if (waiting_count + 2 * MAX_TEXT_BYTES + 256 > sizeof waiting) flush(PATIENCE);
    add("failed", 32);
    add(step, 64);
    add(number, 15);
    add(subject, MAX_TEXT_BYTES);
    add(detail, MAX_TEXT_BYTES);
    flush(PATIENCE);
    _exit(127);
}

void fail(const char *step, int code, const char *subject) { fail_with(step, code, subject, ""); }
