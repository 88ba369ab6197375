/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"
#include "steps.h"

static _Noreturn void fail_about(const char *step, int code, unsigned id) {
    char subject[16];
    snprintf(subject, sizeof subject, "%u", id);
    fail(step, code, subject);
}

static int compare_groups(const void *left, const void *right) {
    gid_t a = *(const gid_t *)left, b = *(const gid_t *)right;
    return (a > b) - (a < b);
}

/* The kernel keeps the list sorted; both are compared sorted. */
static void prove_groups(const struct plan *plan) {
    int count = getgroups(0, NULL);
    if (count < 0) fail("proof", errno, "getgroups");
    gid_t *now = calloc((size_t)count + 1, sizeof *now);
    if (!now) fail("proof", ENOMEM, "");
    if (getgroups(count, now) != count || (size_t)count != plan->group_count) fail("proof", 0, "groups differ");
    qsort(now, (size_t)count, sizeof *now, compare_groups);
    qsort(plan->groups, plan->group_count, sizeof *plan->groups, compare_groups);
    if (count > 0 && memcmp(now, plan->groups, (size_t)count * sizeof *now) != 0) fail("proof", 0, "groups differ");
    free(now);
}

static void prove_ids(const struct plan *plan) {
    uid_t user[3];
    gid_t group[3];
    if (getresuid(&user[0], &user[1], &user[2]) < 0 || getresgid(&group[0], &group[1], &group[2]) < 0)
        fail("proof", errno, "getresuid");
    for (int i = 0; i < 3; i++) {
        if (user[i] != plan->uid) fail("proof", 0, "user ids differ");
        if (group[i] != plan->gid) fail("proof", 0, "group ids differ");
    }
}

/* The inheritable and ambient sets survive a change of user; those of a root process that was given some must go too. */
static void prove_no_capabilities(void) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        fail("proof", errno, "ambient capabilities");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    memset(sets, 0, sizeof sets);
    if (syscall(SYS_capset, &header, sets) < 0) fail("proof", errno, "capset");
    header.version = _LINUX_CAPABILITY_VERSION_3;
    if (syscall(SYS_capget, &header, sets) < 0) fail("proof", errno, "capget");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (sets[i].effective || sets[i].permitted || sets[i].inheritable) fail("proof", 0, "capabilities are left");
}

/* Every way back to root must be closed: each of these calls has to fail. */
static void prove_no_return(const struct plan *plan) {
    const uid_t keep = (uid_t)-1;
    if (setuid(0) == 0 || setresuid(keep, 0, keep) == 0 || setresuid(0, keep, keep) == 0 ||
        setresuid(keep, keep, 0) == 0)
        fail("proof", 0, "root could be regained");
    if (plan->gid != 0 && (setgid(0) == 0 || setresgid(keep, 0, keep) == 0))
        fail("proof", 0, "the group of root could be regained");
}

/* The session keyring outlives every change of user: what root keeps in it could be read. The fresh one is made before the
   drop, so that it does not count for the user, who may have few. Without key management, or where it is forbidden, there is
   nothing to read either. */
static void leave_keyring(void) {
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM && errno != EACCES)
        fail("keyring", errno, "");
}

void change_identity(const struct plan *plan) {
    if (!plan->has_identity) return;
    if (plan->uid == 0) fail("user", EPERM, "0");
    leave_keyring();
    if (setgroups(plan->group_count, plan->groups) < 0) fail_about("groups", errno, plan->uid);
    if (setresgid(plan->gid, plan->gid, plan->gid) < 0) fail_about("group", errno, plan->gid);
    if (setresuid(plan->uid, plan->uid, plan->uid) < 0) fail_about("user", errno, plan->uid);
    prove_no_capabilities();
    prove_groups(plan);
    prove_no_return(plan);
    prove_ids(plan);
}
