/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "report.h"
#include "steps.h"

/* Ends with the first directory on the way that cannot be entered, or does not exist. */
static void check_way(const char *path) {
    char place[PATH_MAX];
    if (follow(path, place)) return;
    int code = errno;
    if (code == EACCES) report_directory(place);
    fail("enter-directory", code, place);
}

/* Says what keeps this user from a startup file that exists: a directory, or what the link leads to. */
static _Noreturn void fail_to_read(const char *path, int code) {
    char place[PATH_MAX];
    struct stat file;
    bool is_link = lstat(path, &file) == 0 && S_ISLNK(file.st_mode);
    if (!follow(path, place) && errno == EACCES) {
        report_directory(place);
        fail_with("read-startup-file", EACCES, path, place);
    }
    fail_with("read-startup-file", code, path, is_link ? place : "");
}

/* One directory in another one, for looks only; a link is an ELOOP. */
static int open_entry(int directory, const char *name) {
    int opened = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat entry;
    if (opened < 0 && errno == ENOTDIR && fstatat(directory, name, &entry, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(entry.st_mode))
        errno = ELOOP;
    return opened;
}

/* The directory part of the startup file, without following a link in any component. */
static int open_parent(int directory, const char *path, const char **name) {
    int opened = openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0) fail("startup-file", errno, path);
    const char *rest = path;
    for (const char *slash; (slash = strchr(rest, '/')); rest = slash + 1) {
        char *component = strndup(rest, (size_t)(slash - rest));
        if (!component) fail("startup-file", ENOMEM, path);
        bool leads_up = strcmp(component, "..") == 0;
        int next = leads_up ? -1 : open_entry(opened, *component ? component : ".");
        if (next < 0 && !leads_up && errno == EACCES) fail_to_read(path, errno);
        if (next < 0) fail("startup-file", leads_up ? EXDEV : errno, path);
        free(component);
        close(opened);
        opened = next;
    }
    *name = rest;
    return opened;
}

static void check_startup_file(const struct plan *plan) {
    const char *name;
    int parent = open_parent(plan->directory_descriptor, plan->startup_file, &name);
    struct stat file;
    if (fstatat(parent, name, &file, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == EACCES) fail_to_read(plan->startup_file, errno);
        fail("startup-file", errno, plan->startup_file);
    }
    if (file.st_dev != plan->startup_device || file.st_ino != plan->startup_inode)
        fail("startup-file", ESTALE, plan->startup_file);
    if (file.st_uid != plan->startup_owner) fail("startup-file", EPERM, plan->startup_file);
    /* Real and effective ids are the same by now; a link may be followed, with the rights of the new user. */
    if (faccessat(parent, name, R_OK, 0) < 0) fail_to_read(plan->startup_file, errno);
    close(parent);
}

static void enter_examined(const struct plan *plan) {
    struct stat examined;
    if (fstat(plan->directory_descriptor, &examined) < 0) fail("working-directory", errno, plan->directory);
    if (plan->has_directory_owner && examined.st_uid != plan->directory_owner)
        fail("startup-file", EPERM, plan->directory);
    /* The walk is for the diagnosis: where it ends up does not matter, since the path may lead elsewhere by now. */
    check_way(plan->directory);
    if (fchdir(plan->directory_descriptor) < 0) fail("enter-directory", errno, plan->directory);
    if (plan->startup_file) check_startup_file(plan);
}

void enter_directory(const struct plan *plan) {
    switch (plan->directory_kind) {
    case DIRECTORY_UNCHANGED: return;
    case DIRECTORY_EXAMINED: enter_examined(plan); return;
    case DIRECTORY_PATH: break;
    }
    if (chdir(plan->directory) == 0) return;
    int code = errno;
    check_way(plan->directory);
    /* Reached step by step, but not at once: only a path that changes meanwhile does that. */
    fail("working-directory", code, plan->directory);
}
