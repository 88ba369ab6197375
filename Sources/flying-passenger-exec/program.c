/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"
#include "steps.h"

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

void open_early_program(struct plan *plan) {
    if (plan->program_kind != PROGRAM_EARLY) return;
    plan->program_descriptor = open(plan->program, O_PATH | O_CLOEXEC);
    if (plan->program_descriptor < 0) fail("open-program", errno, plan->program);
}

static const char *variable(const struct plan *plan, const char *name) {
    size_t length = strlen(name);
    for (char **entry = plan->variables; *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') return *entry + length + 1;
    return NULL;
}

/* LISTEN_PID can only be known here; sd_listen_fds compares it with the PID of the program. */
static void set_listen_pid(const struct plan *plan) {
    static char text[32];
    snprintf(text, sizeof text, "LISTEN_PID=%d", (int)getpid());
    char **entry = plan->variables;
    while (*entry && strncmp(*entry, "LISTEN_PID=", 11) != 0) entry++;
    *entry = text; /* the vector has room for one more */
}

/* The interpreter named in the first line of a script, or NULL; `line` is its storage. */
static const char *interpreter_of(const char *path, char line[256]) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return NULL;
    ssize_t length = read(file, line, 255);
    close(file);
    if (length < 3 || line[0] != '#' || line[1] != '!') return NULL;
    line[length] = 0;
    char *start = line + 2 + strspn(line + 2, " \t");
    start[strcspn(start, " \t\n")] = 0;
    return *start ? start : NULL;
}

/* A script that exists, but whose interpreter does not, is an ENOENT (or EACCES) of execve too: say which it was. */
static _Noreturn void fail_to_execute(const char *path, int code) {
    char line[256];
    const char *interpreter = code == ENOENT || code == EACCES ? interpreter_of(path, line) : NULL;
    if (interpreter && access(path, X_OK) == 0 && access(interpreter, X_OK) != 0)
        fail("interpreter", errno, interpreter);
    fail("program", code, path);
}

static bool is_regular(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The rules of execvp, with the PATH of the new program: what cannot be executed is passed over, and remembered. */
static _Noreturn void search_and_execute(const struct plan *plan) {
    const char *path = variable(plan, "PATH");
    if (!path) path = default_path;
    char candidate[PATH_MAX], refused[PATH_MAX] = "";
    for (const char *next = path;;) {
        size_t length = strcspn(next, ":");
        int count = snprintf(candidate, sizeof candidate, "%.*s%s%s", (int)length, next, length ? "/" : "./",
                             plan->program);
        if (count > 0 && (size_t)count < sizeof candidate && is_regular(candidate)) {
            execve(candidate, plan->arguments, plan->variables);
            if (errno != EACCES) fail_to_execute(candidate, errno);
            if (!*refused) strcpy(refused, candidate);
        }
        if (next[length] == 0) break;
        next += length + 1;
    }
    if (*refused) fail_to_execute(refused, EACCES);
    fail("program", ENOENT, plan->program);
}

_Noreturn void execute(const struct plan *plan) {
    if (plan->sets_listen_pid) set_listen_pid(plan);
    announce_exec();
    /* Blocked since the launch: what came meanwhile takes effect now. */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (plan->program_kind == PROGRAM_PATH) {
        if (!*plan->program) fail("program", ENOENT, "");
        if (!strchr(plan->program, '/')) search_and_execute(plan);
        execve(plan->program, plan->arguments, plan->variables);
        fail_to_execute(plan->program, errno);
    }
    syscall(SYS_execveat, plan->program_descriptor, "", plan->arguments, plan->variables, AT_EMPTY_PATH);
    fail("program", errno, plan->program ? plan->program : plan->arguments[0]);
}
