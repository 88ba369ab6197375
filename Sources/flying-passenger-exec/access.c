/* SPDX-License-Identifier: MIT */
#include "access.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 };

/* What was followed so far: `done` is free of links and exists, `rest` is still to come. */
struct way {
    char *done;
    char rest[2 * PATH_MAX];
    int links;
};

static bool stop(int code) {
    errno = code;
    return false;
}

/* For system calls: the root is written as nothing, so that components can be appended. */
static const char *named(const char *path) { return *path ? path : "/"; }

static void leave_component(char *path) {
    char *slash = strrchr(path, '/');
    *(slash ? slash : path) = 0;
}

/* Puts the target of the link `way->done` in front of what is still to come. */
static bool take_link(struct way *way) {
    char target[PATH_MAX];
    if (++way->links > MAX_LINKS) return stop(ELOOP);
    ssize_t length = readlink(way->done, target, sizeof target - 1);
    if (length < 0) return false;
    size_t rest = strlen(way->rest);
    if ((size_t)length + 1 + rest >= sizeof way->rest) return stop(ENAMETOOLONG);
    memmove(way->rest + length + 1, way->rest, rest + 1);
    memcpy(way->rest, target, (size_t)length);
    way->rest[length] = '/';
    if (target[0] == '/') *way->done = 0;
    else leave_component(way->done);
    return true;
}

/* Takes the component `name`, which is the last one of `way->rest` when that is empty now. */
static bool take_component(struct way *way, const char *name, size_t length) {
    if (access(named(way->done), X_OK) < 0) return false;
    if (length == 1 && *name == '.') return true;
    if (length == 2 && name[0] == '.' && name[1] == '.') {
        leave_component(way->done);
        return true;
    }
    size_t before = strlen(way->done);
    if (before + 1 + length + 1 > PATH_MAX) return stop(ENAMETOOLONG);
    way->done[before] = '/';
    memcpy(way->done + before + 1, name, length);
    way->done[before + 1 + length] = 0;
    struct stat status;
    if (lstat(way->done, &status) < 0) return false;
    if (S_ISLNK(status.st_mode)) return take_link(way);
    bool is_last = way->rest[strspn(way->rest, "/")] == 0;
    if (S_ISDIR(status.st_mode)) return !is_last || access(way->done, X_OK) == 0;
    return is_last || stop(ENOTDIR);
}

bool follow(const char *path, char place[PATH_MAX]) {
    struct way way = {.done = place, .links = 0};
    *place = 0;
    if (*path != '/' && !getcwd(place, PATH_MAX)) return false;
    if (strcmp(place, "/") == 0) *place = 0;
    if (strlen(path) >= sizeof way.rest) return stop(ENAMETOOLONG);
    strcpy(way.rest, path);
    for (;;) {
        char name[NAME_MAX + 1];
        size_t start = strspn(way.rest, "/");
        size_t length = strcspn(way.rest + start, "/");
        if (length == 0) break;
        if (length > NAME_MAX) return stop(ENAMETOOLONG);
        memcpy(name, way.rest + start, length);
        memmove(way.rest, way.rest + start + length, strlen(way.rest + start + length) + 1);
        if (!take_component(&way, name, length)) {
            int code = errno;
            if (!*place) strcpy(place, "/");
            return stop(code);
        }
    }
    if (!*place) strcpy(place, "/");
    return true;
}
