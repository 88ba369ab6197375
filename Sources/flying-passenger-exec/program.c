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
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "access.h"
#include "environment.h"
#include "report.h"
#include "steps.h"

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

void open_early_program(struct plan *plan) {
    if (plan->program_kind != PROGRAM_EARLY) return;
    plan->program_descriptor = open(plan->program, O_PATH | O_CLOEXEC);
    if (plan->program_descriptor < 0) fail("open-program", errno, plan->program);
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

/* A directory on the way to `wanted` is closed to this user. */
static _Noreturn void fail_at_directory(const char *directory, const char *wanted) {
    report_directory(directory);
    fail_with("program-directory", EACCES, directory, wanted);
}

/* A script that exists, but whose interpreter does not, is an ENOENT (or EACCES) of execve too: say which it was. */
static void check_interpreter(const char *path) {
    char line[256], place[PATH_MAX];
    const char *interpreter = access(path, X_OK) == 0 ? interpreter_of(path, line) : NULL;
    if (!interpreter) return;
    if (!follow(interpreter, place)) {
        if (errno == EACCES) fail_at_directory(place, interpreter);
        fail_with("interpreter", errno, interpreter, path);
    }
    if (access(interpreter, X_OK) != 0) fail_with("interpreter", errno, interpreter, path);
}

static _Noreturn void fail_to_execute(const char *path, int code) {
    char place[PATH_MAX];
    if (!follow(path, place)) {
        if (errno == EACCES) fail_at_directory(place, path);
        /* Not where the path itself leads: a link on it goes there, to nothing. */
        fail_with("program", code, path, strncmp(place, path, strlen(place)) == 0 ? "" : place);
    }
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) fail("program", EISDIR, path);
    if (code == ENOENT || code == EACCES) check_interpreter(path);
    /* It is there, and is no script: what is missing is what the kernel needs to run it. */
    if (code == ENOENT) fail_with("program", code, path, "no-loader");
    struct statvfs system;
    if (code == EACCES && statvfs(path, &system) == 0 && system.f_flag & ST_NOEXEC)
        fail_with("program", code, path, "noexec");
    fail("program", code, path);
}

static bool is_regular(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* The first directory of a search path that this user cannot enter, or NULL; `place` is its storage. */
static const char *closed_directory(const char *path, char place[PATH_MAX]) {
    for (const char *next = path;;) {
        char directory[PATH_MAX];
        size_t length = strcspn(next, ":");
        int count = snprintf(directory, sizeof directory, "%.*s", (int)length, next);
        if (count > 0 && (size_t)count < sizeof directory && !follow(directory, place) && errno == EACCES) return place;
        if (next[length] == 0) return NULL;
        next += length + 1;
    }
}

/* The rules of execvp, with the PATH of the new program: what cannot be executed is passed over, and remembered. */
static _Noreturn void search_and_execute(const struct plan *plan) {
    const char *path = environment_value(plan->variables, "PATH");
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
    char place[PATH_MAX];
    const char *closed = closed_directory(path, place);
    if (closed) report_directory(closed);
    fail_with("program", ENOENT, plan->program, closed ? closed : "");
}

_Noreturn void execute(const struct plan *plan) {
    report_step("execute");
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
