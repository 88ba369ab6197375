/* SPDX-License-Identifier: MIT */

/* flying-passenger-exec PLAN REPORT: turns into the program that a plan describes.

   Both arguments are descriptor numbers: a file with the plan (plan.h) and the pipe for the report (report.h). It is
   started by the launcher with all signals blocked, no environment, and exactly the descriptors that it needs. It has
   one thread, so that everything a fork of the daemon must not do is safe here. Never PDEATHSIG: it is bound to a
   thread of the parent, and would forbid that another core takes the process over. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "CIdentity.h"
#include "report.h"
#include "steps.h"

static const char usage[] = "flying-passenger-exec is started by flying-passenger and front-proxy, not by hand.\n";

/* An open descriptor by its number; -1 for anything else. */
static int inherited_descriptor(const char *text) {
    char *rest;
    errno = 0;
    long number = strtol(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != 0 || number < 0 || number > 0x7fffffff) return -1;
    return fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0 ? -1 : (int)number;
}

/* Even an ignored signal stays ignored over exec; handlers do not. */
static void reset_signals(void) {
    struct sigaction standard;
    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP) continue;
        if (sigaction(signal, &standard, NULL) == 0) continue;
        if (errno != EINVAL) fail("signals", errno, "");
        /* One of the two that the C library keeps for itself; posix_spawn has set them to be ignored. A structure of
           zeros means the default for the kernel, whatever its layout. */
        char zeros[64] = {0};
        syscall(SYS_rt_sigaction, signal, zeros, NULL, 8);
    }
}

static void start_session(const struct plan *plan) {
    if (plan->new_session && setsid() < 0) fail("session", errno, "");
}

static void change_identity(const struct plan *plan) {
    if (!plan->has_identity) return;
    struct identity_failure failure;
    if (!take_identity(&plan->identity, &failure)) fail(failure.step, failure.code, failure.subject);
}

static void forbid_new_privileges(const struct plan *plan) {
    if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) fail("no-new-privileges", errno, "");
}

int main(int argc, char **argv) {
    static struct plan plan;
    int plan_file = argc == 3 ? inherited_descriptor(argv[1]) : -1;
    int report = argc == 3 ? inherited_descriptor(argv[2]) : -1;
    if (plan_file < 0 || report < 0) {
        fputs(usage, stderr);
        return 1;
    }
    open_report(report);
    read_plan(plan_file, &plan);

    reset_signals();
    start_session(&plan);
    set_priority(&plan);
    wait_at_gate(&plan);
    enter_control_group(&plan);
    place_descriptors(&plan);
    report_step("switch-user");
    set_oom_score(&plan);
    set_limits(&plan);
    if (plan.has_umask) umask(plan.umask);
    open_early_program(&plan);
    change_identity(&plan);
    forbid_new_privileges(&plan);
    report_limits();
    report_step("working-directory");
    enter_directory(&plan);
    read_environment(&plan);
    execute(&plan);
}

/* SwiftPM puts the Swift library into every executable's link line. This section is read by the toolchain's own linker
   step, which so gets its option in front of that library instead of behind it: it is then left out when unused. */
__attribute__((section(".swift1_autolink_entries"), used)) static const char linker_option[] = "-Wl,--as-needed";
