/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "CIdentity.h"

/* The plan as it comes from the launcher: fields that each end with a zero byte, a keyword followed by as many values
   as that keyword has. The first field names format and version, the last one is "end". All texts stay in the buffer
   that was read. The writer is LaunchPlan+Encoding.swift. */

enum { MAX_PLACEMENTS = 256, MAX_GROUPS = 65536, MAX_LIMITS = 16, MAX_PLAN_BYTES = 4 << 20 };

struct placement {
    int source;
    int target;
};

struct limit {
    int resource;
    struct rlimit value;
    const char *name;
};

/* A change of the environment once the login shell has had its say; `entry` is NAME=VALUE, or NAME to unset it. */
enum change_kind { CHANGE_SET, CHANGE_UNSET, CHANGE_APPEND };

struct change {
    enum change_kind kind;
    char *entry;
};

enum program_kind { PROGRAM_PATH, PROGRAM_DESCRIPTOR, PROGRAM_EARLY };
enum directory_kind { DIRECTORY_UNCHANGED, DIRECTORY_PATH, DIRECTORY_EXAMINED };

struct plan {
    bool new_session;
    bool no_new_privileges;
    bool sets_listen_pid;

    bool has_gate;
    int gate_descriptor; /* read before anything else is done */
    bool has_control_group;
    int control_group_descriptor; /* cgroup.procs of the group to enter */

    struct placement placements[MAX_PLACEMENTS];
    size_t placement_count;

    bool has_niceness;
    int niceness;
    bool has_autogroup;
    int autogroup; /* niceness of the new session, where the kernel shares by session first */

    bool has_oom_score;
    int oom_score;
    struct limit limits[MAX_LIMITS];
    size_t limit_count;
    bool has_umask;
    mode_t umask;

    bool has_identity;
    struct identity identity;

    enum directory_kind directory_kind;
    const char *directory; /* the path to enter, or to walk */
    int directory_descriptor;
    bool has_directory_owner;
    uid_t directory_owner;
    const char *startup_file; /* NULL: none */
    dev_t startup_device;
    ino_t startup_inode;
    uid_t startup_owner;

    enum program_kind program_kind;
    const char *program; /* NULL for PROGRAM_DESCRIPTOR */
    int program_descriptor;
    char **arguments;
    char **variables; /* until read_environment; from then on those of the program */

    char *login_shell; /* NULL: none is asked */
    struct change *changes;
    size_t change_count;
    const char *environment_file; /* NULL: none */
    char **overrides;
    size_t override_count;
    bool reports_environment;
};

/* Reads and closes the plan; ends the program with a report when it is not well formed. */
void read_plan(int descriptor, struct plan *plan);
