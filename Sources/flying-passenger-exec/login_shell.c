/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.h"
#include "plan.h"
#include "report.h"

/* The shell says what environment a login would have by becoming env(1). Its profile files may print, hang, end it, start
   programs that go on, or execute something else: what counts is that it ended well and what came through descriptor 3.
   All of it happens as the app's user, in its process group, within the start timeout of whoever launched this. */

enum { ENVIRONMENT_DESCRIPTOR = 3, MAX_ENVIRONMENT_BYTES = 128 * 1024 };

static char command[] = "exec /usr/bin/env -0 >&3";

static void close_from(unsigned first) {
    if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
    long limit = sysconf(_SC_OPEN_MAX);
    for (long descriptor = first; descriptor < limit; descriptor++) close((int)descriptor);
}

/* In the child: nothing but the usual three descriptors and the one for the answer. */
static _Noreturn void become_shell(char *shell, char **variables, int answer) {
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0) _exit(126);
    if (answer == ENVIRONMENT_DESCRIPTOR) fcntl(answer, F_SETFD, 0);
    else if (dup2(answer, ENVIRONMENT_DESCRIPTOR) < 0) _exit(126);
    close_from(ENVIRONMENT_DESCRIPTOR + 1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    char *arguments[] = {shell, "-l", "-c", command, NULL};
    execve(shell, arguments, variables);
    _exit(126);
}

/* Reads what is there; false at the end of file. */
static bool drain(int input, char *bytes, size_t *count, const char *shell) {
    for (;;) {
        /* One byte more than allowed, to see that there is more. */
        ssize_t length = read(input, bytes + *count, MAX_ENVIRONMENT_BYTES + 1 - *count);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return errno == EAGAIN;
        if (length == 0) return false;
        *count += (size_t)length;
        if (*count > MAX_ENVIRONMENT_BYTES) fail_with("login-shell", 0, shell, "too-much");
    }
}

/* Until the shell has ended: a program that it left behind may hold the pipe open for ever. */
static size_t collect(pid_t child, int input, char *bytes, const char *shell) {
    int process = (int)syscall(SYS_pidfd_open, child, 0);
    if (process < 0) fail("login-shell", errno, shell);
    struct pollfd watched[] = {{.fd = input, .events = POLLIN}, {.fd = process, .events = POLLIN}};
    size_t count = 0;
    for (bool has_ended = false; !has_ended;) {
        if (poll(watched, 2, -1) < 0) {
            if (errno == EINTR) continue;
            fail("login-shell", errno, shell);
        }
        has_ended = watched[1].revents != 0;
        if (watched[0].fd >= 0 && !drain(input, bytes, &count, shell)) watched[0].fd = -1;
    }
    close(process);
    return count;
}

/* What describes the shell's own run, and nothing of the user's. */
static bool is_of_shell(const char *entry) {
    return strncmp(entry, "_=", 2) == 0 || strncmp(entry, "SHLVL=", 6) == 0 || strncmp(entry, "OLDPWD=", 7) == 0;
}

/* Entries that each end with a zero byte; whatever else came is left out. */
static void take_entries(char *bytes, size_t count, struct environment *environment) {
    environment->count = 0;
    environment->entries[0] = NULL;
    for (char *end, *entry = bytes; (end = memchr(entry, 0, (size_t)(bytes + count - entry))); entry = end + 1) {
        const char *equals = strchr(entry, '=');
        if (equals && equals != entry && !is_of_shell(entry)) environment_set(environment, entry);
    }
}

static void check_end(pid_t child, const char *shell) {
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail("login-shell", errno, shell);
    char how[32];
    if (WIFSIGNALED(status)) snprintf(how, sizeof how, "signaled %d", WTERMSIG(status));
    else snprintf(how, sizeof how, "exited %d", WEXITSTATUS(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_with("login-shell", 0, shell, how);
}

void take_login_shell(const struct plan *plan, struct environment *environment) {
    report_step("shell-environment");
    char *shell = plan->login_shell;
    if (access(shell, X_OK) < 0) fail("login-shell", errno, shell);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) fail("login-shell", errno, shell);
    pid_t child = fork();
    if (child < 0) fail("login-shell", errno, shell);
    if (child == 0) become_shell(shell, environment->entries, ends[1]);
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    /* Kept: the entries stay in it. */
    char *bytes = malloc(MAX_ENVIRONMENT_BYTES + 1);
    if (!bytes) fail("login-shell", ENOMEM, shell);
    size_t count = collect(child, ends[0], bytes, shell);
    close(ends[0]);
    check_end(child, shell);
    take_entries(bytes, count, environment);
    if (environment->count == 0) fail_with("login-shell", 0, shell, "nothing");
}
