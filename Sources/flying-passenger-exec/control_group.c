/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "report.h"
#include "steps.h"

/* The descriptor is an open cgroup.procs: "0" means the process that writes it. Whatever it starts from now on, it starts in
   there, and as another user it gets no way out. */
void enter_control_group(const struct plan *plan) {
    if (!plan->has_control_group) return;
    ssize_t count;
    do {
        count = write(plan->control_group_descriptor, "0", 1);
    } while (count < 0 && errno == EINTR);
    if (count != 1) fail("control-group", count < 0 ? errno : EIO, "");
    close(plan->control_group_descriptor);
}

/* One byte opens it; an end of file means that the launcher has changed its mind, or is gone. */
void wait_at_gate(const struct plan *plan) {
    if (!plan->has_gate) return;
    char byte;
    ssize_t count;
    do {
        count = read(plan->gate_descriptor, &byte, 1);
    } while (count < 0 && errno == EINTR);
    if (count != 1) fail("gate", count < 0 ? errno : ECANCELED, "");
    close(plan->gate_descriptor);
}
