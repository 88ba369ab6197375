/* SPDX-License-Identifier: MIT */
#include "include/fp_processes.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

int fp_spawn(pid_t *pid, const char *path, char *const arguments[], char *const environment[], const int *inherited,
             size_t count) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int error = posix_spawnattr_init(&attributes);
    if (error != 0) return error;
    error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        posix_spawnattr_destroy(&attributes);
        return error;
    }
    sigset_t all;
    sigfillset(&all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &all);
    /* A dup2 onto itself only clears close-on-exec, and only in the child (glibc 2.29, POSIX.1-2024). */
    for (size_t i = 0; i < count && error == 0; i++)
        error = posix_spawn_file_actions_adddup2(&actions, inherited[i], inherited[i]);
    if (error == 0) error = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

int fp_open_process(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int fp_signal_process(int process, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
}

static int wait_for(idtype_t type, id_t id, int options, struct fp_exit *ended) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result;
    do {
        result = waitid(type, id, &info, WEXITED | options);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return -1;
    if (info.si_pid == 0) return 0;
    ended->pid = info.si_pid;
    ended->code = info.si_status;
    ended->signaled = info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED;
    ended->core_dumped = info.si_code == CLD_DUMPED;
    return 1;
}

int fp_wait_process(int process, bool block, bool peek, struct fp_exit *ended) {
    return wait_for((idtype_t)P_PIDFD, (id_t)process, (block ? 0 : WNOHANG) | (peek ? WNOWAIT : 0), ended);
}

int fp_wait_child(pid_t pid, bool peek, struct fp_exit *ended) {
    return wait_for(pid == 0 ? P_ALL : P_PID, (id_t)pid, WNOHANG | (peek ? WNOWAIT : 0), ended);
}

int fp_thread_count(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return -1;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

void fp_name_thread(const char *name) {
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(pthread_self(), cut);
}

void fp_block_all_signals(void) {
    sigset_t all;
    sigfillset(&all);
    /* Faults of this program itself must still kill it (and show the crash report of the Swift runtime). */
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGABRT);
    sigdelset(&all, SIGSYS);
    sigdelset(&all, SIGURG); /* ignored, unless this program interrupts its threads */
    pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void do_nothing(int number) { (void)number; }

int fp_prepare_interrupting(void) {
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART};
    return sigaction(SIGURG, &action, NULL);
}

int fp_interrupt_thread(int thread) { return (int)syscall(SYS_tgkill, getpid(), thread, SIGURG); }

long fp_thread_id(void) { return syscall(SYS_gettid); }

/* Such a value may be -1; neither call can fail for the calling thread. */
int fp_niceness(void) { return getpriority(PRIO_PROCESS, 0); }

int fp_set_niceness(int niceness) { return setpriority(PRIO_PROCESS, 0, niceness); }

int fp_set_group_niceness(pid_t group, int niceness) { return setpriority(PRIO_PGRP, (id_t)group, niceness); }

int fp_become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int fp_allow_tracing(bool allowed) { return prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0); }

char **fp_environment(void) { return environ; }

int fp_signal_descriptor(const int *signals, size_t count) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int fp_resource_number(const char *name) {
    static const struct {
        const char *name;
        int number;
    } table[] = {
        {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"core", RLIMIT_CORE},   {"as", RLIMIT_AS},
        {"fsize", RLIMIT_FSIZE},   {"cpu", RLIMIT_CPU},     {"stack", RLIMIT_STACK},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, name) == 0) return table[i].number;
    return -1;
}

/* RLIM_INFINITY is UINT64_MAX here already; the conversion only says so. */
_Static_assert((uint64_t)RLIM_INFINITY == UINT64_MAX, "unlimited");

int fp_get_limit(int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) < 0) return -1;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int fp_set_limit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    return setrlimit(resource, &limit);
}
