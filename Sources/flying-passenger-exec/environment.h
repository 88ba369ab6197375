/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* A growing list of NAME=VALUE entries with a NULL behind the last; entries are kept by reference. */
struct environment {
    char **entries;
    size_t count;
    size_t capacity;
};

/* The value behind NAME= in a vector with a NULL at its end, or NULL. */
const char *environment_value(char *const *entries, const char *name);
/* Takes the place of the entry of the same name, else is added. */
void environment_set(struct environment *environment, char *entry);
void environment_unset(struct environment *environment, const char *name);

struct plan;
/* Replaces `environment` by what the login shell of the plan makes of it; ends this program when it makes nothing. */
void take_login_shell(const struct plan *plan, struct environment *environment);
/* Adds the lines of the file; ends this program when it cannot be read, or a line is not right. */
void take_environment_file(const char *path, struct environment *environment);
