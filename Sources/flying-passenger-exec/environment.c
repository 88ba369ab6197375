/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "steps.h"

static size_t name_length(const char *entry) { return strcspn(entry, "="); }

static bool has_name(const char *entry, const char *name, size_t length) {
    return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

const char *environment_value(char *const *entries, const char *name) {
    size_t length = strlen(name);
    for (; *entries; entries++)
        if (has_name(*entries, name, length)) return *entries + length + 1;
    return NULL;
}

static void make_room(struct environment *environment) {
    if (environment->count + 2 <= environment->capacity) return;
    environment->capacity = 2 * environment->capacity + 64;
    environment->entries = realloc(environment->entries, environment->capacity * sizeof *environment->entries);
    if (!environment->entries) fail("plan", ENOMEM, "");
}

void environment_set(struct environment *environment, char *entry) {
    size_t length = name_length(entry);
    for (size_t i = 0; i < environment->count; i++) {
        if (!has_name(environment->entries[i], entry, length)) continue;
        environment->entries[i] = entry;
        return;
    }
    make_room(environment);
    environment->entries[environment->count++] = entry;
    environment->entries[environment->count] = NULL;
}

void environment_unset(struct environment *environment, const char *name) {
    size_t length = strlen(name), kept = 0;
    for (size_t i = 0; i < environment->count; i++)
        if (!has_name(environment->entries[i], name, length)) environment->entries[kept++] = environment->entries[i];
    environment->count = kept;
    environment->entries[kept] = NULL;
}

/* Whether one of the parts between colons is `part`. */
static bool holds_part(const char *list, const char *part) {
    size_t length = strlen(part);
    for (;; list++) {
        size_t next = strcspn(list, ":");
        if (next == length && strncmp(list, part, length) == 0) return true;
        list += next;
        if (*list == 0) return false;
    }
}

/* Adds a directory to a list such as NODE_PATH, behind what is there. */
static void append(struct environment *environment, char *entry) {
    size_t length = name_length(entry);
    char *name = strndup(entry, length);
    if (!name) fail("plan", ENOMEM, "");
    const char *now = environment_value(environment->entries, name);
    const char *part = entry + length + 1;
    char *joined = entry;
    if (now && *now && holds_part(now, part)) return;
    if (now && *now && asprintf(&joined, "%s=%s:%s", name, now, part) < 0) fail("plan", ENOMEM, "");
    environment_set(environment, joined);
}

static void apply(struct environment *environment, const struct change *change) {
    switch (change->kind) {
    case CHANGE_SET: environment_set(environment, change->entry); break;
    case CHANGE_UNSET: environment_unset(environment, change->entry); break;
    case CHANGE_APPEND: append(environment, change->entry); break;
    }
}

/* LISTEN_PID can only be known here; sd_listen_fds compares it with the PID of the program. */
static void set_listen_pid(struct environment *environment) {
    static char text[32];
    snprintf(text, sizeof text, "LISTEN_PID=%d", (int)getpid());
    environment_set(environment, text);
}

void read_environment(struct plan *plan) {
    struct environment environment = {0};
    make_room(&environment);
    environment.entries[0] = NULL;
    for (char **entry = plan->variables; *entry; entry++) environment_set(&environment, *entry);
    if (plan->login_shell) take_login_shell(plan, &environment);
    for (size_t i = 0; i < plan->change_count; i++) apply(&environment, &plan->changes[i]);
    if (plan->environment_file) take_environment_file(plan->environment_file, &environment);
    for (size_t i = 0; i < plan->override_count; i++) environment_set(&environment, plan->overrides[i]);
    if (plan->sets_listen_pid) set_listen_pid(&environment);
    plan->variables = environment.entries;
    if (plan->reports_environment) report_variables(plan->variables);
}
