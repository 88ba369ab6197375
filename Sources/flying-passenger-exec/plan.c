/* SPDX-License-Identifier: MIT */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

static const char format_name[] = "flying-passenger-exec 5";

struct reader {
    char *next;
    char *end;
};

static char *take_text(struct reader *reader) {
    char *text = reader->next;
    char *zero = memchr(text, 0, (size_t)(reader->end - text));
    if (!zero) fail("plan", EPROTO, "cut off");
    reader->next = zero + 1;
    return text;
}

/* A whole decimal number between the two bounds. */
static long long take_number(struct reader *reader, long long lowest, long long highest) {
    const char *text = take_text(reader);
    char *rest;
    errno = 0;
    long long value = strtoll(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != 0 || value < lowest || value > highest) fail("plan", ERANGE, text);
    return value;
}

static unsigned long long take_unsigned(struct reader *reader) {
    const char *text = take_text(reader);
    char *rest;
    errno = 0;
    unsigned long long value = strtoull(text, &rest, 10);
    if (errno != 0 || rest == text || *rest != 0 || *text == '-') fail("plan", ERANGE, text);
    return value;
}

/* (uid_t)-1 means "leave as it is" to the kernel, and is therefore no id. */
static uid_t take_id(struct reader *reader) { return (uid_t)take_number(reader, 0, UINT32_MAX - 1); }

static int take_descriptor(struct reader *reader) { return (int)take_number(reader, 0, INT_MAX); }

static void *allocate(size_t count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) fail("plan", ENOMEM, "");
    return memory;
}

/* Counts fields, so that argument vector and environment can be allocated before they are filled. */
static size_t field_count(const struct reader *reader) {
    size_t count = 0;
    for (const char *byte = reader->next; byte < reader->end; byte++) count += *byte == 0;
    return count;
}

static void take_placement(struct reader *reader, struct plan *plan) {
    if (plan->placement_count == MAX_PLACEMENTS) fail("plan", E2BIG, "descriptors");
    struct placement *placement = &plan->placements[plan->placement_count++];
    placement->source = take_descriptor(reader);
    placement->target = (int)take_number(reader, 0, 65535);
}

static void take_limit(struct reader *reader, struct plan *plan) {
    if (plan->limit_count == MAX_LIMITS) fail("plan", E2BIG, "limits");
    struct limit *limit = &plan->limits[plan->limit_count++];
    limit->resource = (int)take_number(reader, 0, RLIM_NLIMITS - 1);
    limit->value.rlim_cur = take_unsigned(reader);
    limit->value.rlim_max = take_unsigned(reader);
    limit->name = take_text(reader);
}

static void take_startup_file(struct reader *reader, struct plan *plan) {
    plan->startup_file = take_text(reader);
    plan->startup_device = take_unsigned(reader);
    plan->startup_inode = take_unsigned(reader);
    plan->startup_owner = take_id(reader);
}

static void take_change(struct reader *reader, struct plan *plan, enum change_kind kind) {
    plan->changes[plan->change_count++] = (struct change){.kind = kind, .entry = take_text(reader)};
}

/* Handles one keyword with its values; false at the end of the plan. */
static bool take_item(struct reader *reader, struct plan *plan, size_t *argument_count, size_t *variable_count) {
    const char *keyword = take_text(reader);
#define IS(word) (strcmp(keyword, word) == 0)
    if (IS("end")) return false;
    if (IS("argument")) plan->arguments[(*argument_count)++] = take_text(reader);
    else if (IS("variable")) plan->variables[(*variable_count)++] = take_text(reader);
    else if (IS("login-shell")) plan->login_shell = take_text(reader);
    else if (IS("set")) take_change(reader, plan, CHANGE_SET);
    else if (IS("unset")) take_change(reader, plan, CHANGE_UNSET);
    else if (IS("append")) take_change(reader, plan, CHANGE_APPEND);
    else if (IS("environment-file")) plan->environment_file = take_text(reader);
    else if (IS("override")) plan->overrides[plan->override_count++] = take_text(reader);
    else if (IS("report-environment")) plan->reports_environment = true;
    else if (IS("descriptor")) take_placement(reader, plan);
    else if (IS("session")) plan->new_session = true;
    else if (IS("no-new-privileges")) plan->no_new_privileges = true;
    else if (IS("listen-pid")) plan->sets_listen_pid = true;
    else if (IS("control-group")) {
        plan->has_control_group = true;
        plan->control_group_descriptor = take_descriptor(reader);
    } else if (IS("gate")) {
        plan->has_gate = true;
        plan->gate_descriptor = take_descriptor(reader);
    } else if (IS("limit")) take_limit(reader, plan);
    else if (IS("oom-score")) {
        plan->has_oom_score = true;
        plan->oom_score = (int)take_number(reader, -1000, 1000);
    } else if (IS("niceness")) {
        plan->has_niceness = true;
        plan->niceness = (int)take_number(reader, -20, 19);
    } else if (IS("autogroup")) {
        plan->has_autogroup = true;
        plan->autogroup = (int)take_number(reader, -20, 19);
    } else if (IS("umask")) {
        plan->has_umask = true;
        plan->umask = (mode_t)take_number(reader, 0, 0777);
    } else if (IS("identity")) {
        plan->has_identity = true;
        plan->identity.uid = take_id(reader);
        plan->identity.gid = take_id(reader);
    } else if (IS("group")) {
        if (plan->identity.group_count == MAX_GROUPS) fail("plan", E2BIG, "groups");
        plan->identity.groups[plan->identity.group_count++] = take_id(reader);
    } else if (IS("directory")) {
        plan->directory_kind = DIRECTORY_PATH;
        plan->directory = take_text(reader);
    } else if (IS("examined-directory")) {
        plan->directory_kind = DIRECTORY_EXAMINED;
        plan->directory_descriptor = take_descriptor(reader);
        plan->directory = take_text(reader);
    } else if (IS("directory-owner")) {
        plan->has_directory_owner = true;
        plan->directory_owner = take_id(reader);
    } else if (IS("startup-file")) take_startup_file(reader, plan);
    else if (IS("program") || IS("early-program")) {
        plan->program_kind = IS("program") ? PROGRAM_PATH : PROGRAM_EARLY;
        plan->program = take_text(reader);
    } else if (IS("open-program")) {
        plan->program_kind = PROGRAM_DESCRIPTOR;
        plan->program_descriptor = take_descriptor(reader);
        plan->program = NULL;
    } else fail("plan", EPROTO, keyword);
#undef IS
    return true;
}

/* The whole plan, from the start of its file. */
static struct reader load(int descriptor) {
    struct stat status;
    if (fstat(descriptor, &status) < 0) fail("plan", errno, "");
    if (status.st_size <= 0 || status.st_size > MAX_PLAN_BYTES) fail("plan", EFBIG, "");
    size_t length = (size_t)status.st_size;
    char *bytes = allocate(length, 1);
    for (size_t done = 0; done < length;) {
        ssize_t count = pread(descriptor, bytes + done, length - done, (off_t)done);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) fail("plan", count < 0 ? errno : EPROTO, "cut off");
        done += (size_t)count;
    }
    close(descriptor);
    return (struct reader){.next = bytes, .end = bytes + length};
}

void read_plan(int descriptor, struct plan *plan) {
    struct reader reader = load(descriptor);
    const char *format = take_text(&reader);
    if (strcmp(format, format_name) != 0) fail("plan", EPROTO, "flying-passenger-exec is of another version");
    size_t fields = field_count(&reader);
    plan->arguments = allocate(fields + 2, sizeof *plan->arguments);
    plan->variables = allocate(fields + 1, sizeof *plan->variables);
    plan->changes = allocate(fields + 1, sizeof *plan->changes);
    plan->overrides = allocate(fields + 1, sizeof *plan->overrides);
    plan->identity.groups = allocate(fields + 1, sizeof *plan->identity.groups);
    size_t argument_count = 0, variable_count = 0;
    while (take_item(&reader, plan, &argument_count, &variable_count)) continue;
    if (!plan->program && plan->program_kind != PROGRAM_DESCRIPTOR) fail("plan", EPROTO, "no program");
    if (argument_count == 0) fail("plan", EPROTO, "no arguments");
}
