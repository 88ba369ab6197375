/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How a child ended: `code` is its exit status, or the signal's number when `signaled`. */
struct fp_exit {
    pid_t pid;
    int code;
    bool signaled;
    bool core_dumped;
};

/* posix_spawn with default dispositions and all signals blocked (the spawned helper unblocks them right before it
   executes the program). The `inherited` descriptors keep their numbers and lose close-on-exec in the child only.
   Returns 0 or an error number; errno is not used. */
int fp_spawn(pid_t *pid, const char *path, char *const arguments[], char *const environment[], const int *inherited,
             size_t count);

/* These return -1 and set errno when they fail. */
int fp_open_process(pid_t pid);
int fp_signal_process(int process, int signal);

/* 1: has ended, `*ended` is filled in; 0: still runs (only with `peek` or without `block`). `peek` leaves the zombie. */
int fp_wait_process(int process, bool block, bool peek, struct fp_exit *ended);
/* The same for the child `pid`, or for any child when it is 0. Never blocks. */
int fp_wait_child(pid_t pid, bool peek, struct fp_exit *ended);

/* Number of threads of this process, from /proc; -1 when that cannot be read. */
int fp_thread_count(void);
/* Name of the calling thread as ps and top show it; cut to 15 bytes. */
void fp_name_thread(const char *name);
/* Of the calling thread; all but faults and the one that interrupts threads. */
void fp_block_all_signals(void);
/* Makes a thread return from a wait that a signal ends; one that was in another system call goes on with it. */
int fp_prepare_interrupting(void);
int fp_interrupt_thread(int thread);
long fp_thread_id(void);

/* Of the calling thread: on Linux each has its own. */
int fp_niceness(void);
int fp_set_niceness(int niceness);
/* Of all threads of all processes of a process group. */
int fp_set_group_niceness(pid_t group, int niceness);

int fp_become_subreaper(void);
int fp_allow_tracing(bool allowed);
/* The environment of this process, ended by NULL. */
char **fp_environment(void);
/* A signalfd that does not block for these signals. */
int fp_signal_descriptor(const int *signals, size_t count);

/* Number of a limit by its name as in limits.conf(5); -1 for an unknown one. UINT64_MAX is "unlimited". */
int fp_resource_number(const char *name);
int fp_get_limit(int resource, uint64_t *soft, uint64_t *hard);
int fp_set_limit(int resource, uint64_t soft, uint64_t hard);
