/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int report = -1;

void set_report(int descriptor) { report = descriptor; }

int report_descriptor(void) { return report; }

static void write_all(const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t written = write(report, bytes, length);
        if (written < 0 && errno != EINTR) return;
        if (written > 0) bytes += written, length -= (size_t)written;
    }
}

void fail(const char *step, int code, const char *subject) {
    char text[4096];
    /* The zero bytes in between end the fields; a subject that is too long is cut. */
    int length = snprintf(text, sizeof text, "%s%c%d%c%.*s", step, 0, code, 0, (int)sizeof text - 100, subject);
    if (length > 0) write_all(text, (size_t)length + 1);
    _exit(127);
}

void announce_exec(void) { write_all("+", 1); }
