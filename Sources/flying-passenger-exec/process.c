/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "report.h"
#include "steps.h"

/* Only ever to less, which needs no rights; nothing of it is worth a failed start. */
void set_priority(const struct plan *plan) {
    if (plan->has_niceness) setpriority(PRIO_PROCESS, 0, plan->niceness);
    /* Without a session of its own it would be that of the launcher. */
    if (!plan->has_autogroup || !plan->new_session) return;
    int file = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
    if (file < 0) return; /* a kernel without autogroups, or no /proc, as in a chroot */
    dprintf(file, "%d", plan->autogroup);
    close(file);
}

void set_oom_score(const struct plan *plan) {
    if (!plan->has_oom_score) return;
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    if (file < 0 && errno == ENOENT) return; /* no /proc, as in a chroot: nothing can be done about it */
    if (file < 0) fail("oom-score", errno, "");
    char text[16];
    ssize_t length = read(file, text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    int now = 0;
    /* Lowering needs rights that an unprivileged caller does not have, and need not have when nothing changes. */
    if (sscanf(text, "%d", &now) == 1 && now == plan->oom_score) {
        close(file);
        return;
    }
    int count = snprintf(text, sizeof text, "%d", plan->oom_score);
    if (pwrite(file, text, (size_t)count, 0) < 0) fail("oom-score", errno, text);
    close(file);
}

void set_limits(const struct plan *plan) {
    for (size_t i = 0; i < plan->limit_count; i++) {
        const struct limit *limit = &plan->limits[i];
        if (setrlimit((__rlimit_resource_t)limit->resource, &limit->value) < 0) fail("limits", errno, limit->name);
    }
}

void report_limits(void) {
    static const struct {
        const char *name;
        int resource;
    } reported[] = {
        {"open files", RLIMIT_NOFILE}, {"processes", RLIMIT_NPROC}, {"address space", RLIMIT_AS},
        {"data size", RLIMIT_DATA},    {"stack size", RLIMIT_STACK}, {"locked memory", RLIMIT_MEMLOCK},
        {"file size", RLIMIT_FSIZE},   {"core size", RLIMIT_CORE},  {"CPU seconds", RLIMIT_CPU},
    };
    for (size_t i = 0; i < sizeof reported / sizeof *reported; i++) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)reported[i].resource, &limit) < 0) continue;
        report_limit(reported[i].name, limit.rlim_cur, limit.rlim_max);
    }
}
