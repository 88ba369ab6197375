/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"
#include "steps.h"

#define CLOSE_RANGE_CLOEXEC_FLAG (1u << 2)

static _Noreturn void fail_about(int descriptor, int code) {
    char subject[48];
    snprintf(subject, sizeof subject, "descriptor %d", descriptor);
    fail("descriptors", code, subject);
}

/* A close-on-exec duplicate above all targets. */
static int lift(int descriptor, int highest) {
    int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, highest + 1);
    if (lifted < 0) fail_about(descriptor, errno);
    return lifted;
}

/* Like lift, for a descriptor that is used by no other entry. */
static int move_up(int descriptor, int highest) {
    int lifted = lift(descriptor, highest);
    close(descriptor);
    return lifted;
}

static void close_above(int highest) {
    if (syscall(SYS_close_range, (unsigned)highest + 1, ~0u, CLOSE_RANGE_CLOEXEC_FLAG) == 0) return;
    if (errno != ENOSYS && errno != EINVAL) fail("descriptors", errno, "close_range");
    /* Kernels before 5.11. */
    long limit = sysconf(_SC_OPEN_MAX);
    for (long descriptor = highest + 1; descriptor < limit; descriptor++) fcntl((int)descriptor, F_SETFD, FD_CLOEXEC);
}

void place_descriptors(struct plan *plan) {
    int highest = STDERR_FILENO;
    for (size_t i = 0; i < plan->placement_count; i++)
        if (plan->placements[i].target > highest) highest = plan->placements[i].target;

    /* A target may be the number of another entry's source: first everything goes out of the way. */
    int sources[MAX_PLACEMENTS];
    for (size_t i = 0; i < plan->placement_count; i++) sources[i] = lift(plan->placements[i].source, highest);
    if (plan->program_kind == PROGRAM_DESCRIPTOR) plan->program_descriptor = lift(plan->program_descriptor, highest);
    if (plan->directory_kind == DIRECTORY_EXAMINED)
        plan->directory_descriptor = lift(plan->directory_descriptor, highest);
    set_report_descriptor(move_up(report_descriptor(), highest));

    for (int descriptor = STDERR_FILENO + 1; descriptor <= highest; descriptor++) close(descriptor);
    for (size_t i = 0; i < plan->placement_count; i++)
        if (dup2(sources[i], plan->placements[i].target) < 0) fail_about(plan->placements[i].target, errno);
    close_above(highest);
}
