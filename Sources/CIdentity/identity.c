/* SPDX-License-Identifier: MIT */
#include "include/CIdentity.h"

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

static bool failed(struct identity_failure *failure, const char *step, int code, const char *subject) {
    failure->step = step;
    failure->code = code;
    snprintf(failure->subject, sizeof failure->subject, "%s", subject);
    return false;
}

static bool failed_about(struct identity_failure *failure, const char *step, int code, unsigned id) {
    char subject[16];
    snprintf(subject, sizeof subject, "%u", id);
    return failed(failure, step, code, subject);
}

static int compare_groups(const void *left, const void *right) {
    gid_t a = *(const gid_t *)left, b = *(const gid_t *)right;
    return (a > b) - (a < b);
}

/* The kernel keeps the list sorted; both are compared sorted. */
static bool prove_groups(const struct identity *identity, struct identity_failure *failure) {
    int count = getgroups(0, NULL);
    if (count < 0) return failed(failure, "proof", errno, "getgroups");
    gid_t *now = calloc((size_t)count + 1, sizeof *now);
    if (!now) return failed(failure, "proof", ENOMEM, "");
    bool same = getgroups(count, now) == count && (size_t)count == identity->group_count;
    if (same && count > 0) {
        qsort(now, (size_t)count, sizeof *now, compare_groups);
        qsort(identity->groups, identity->group_count, sizeof *identity->groups, compare_groups);
        same = memcmp(now, identity->groups, (size_t)count * sizeof *now) == 0;
    }
    free(now);
    return same || failed(failure, "proof", 0, "groups differ");
}

static bool prove_ids(const struct identity *identity, struct identity_failure *failure) {
    uid_t user[3];
    gid_t group[3];
    if (getresuid(&user[0], &user[1], &user[2]) < 0 || getresgid(&group[0], &group[1], &group[2]) < 0)
        return failed(failure, "proof", errno, "getresuid");
    for (int i = 0; i < 3; i++) {
        if (user[i] != identity->uid) return failed(failure, "proof", 0, "user ids differ");
        if (group[i] != identity->gid) return failed(failure, "proof", 0, "group ids differ");
    }
    return true;
}

/* The inheritable and ambient sets survive a change of user; those of a root process that was given some must go too. */
static bool prove_no_capabilities(struct identity_failure *failure) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return failed(failure, "proof", errno, "ambient capabilities");
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
    memset(sets, 0, sizeof sets);
    if (syscall(SYS_capset, &header, sets) < 0) return failed(failure, "proof", errno, "capset");
    header.version = _LINUX_CAPABILITY_VERSION_3;
    if (syscall(SYS_capget, &header, sets) < 0) return failed(failure, "proof", errno, "capget");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (sets[i].effective || sets[i].permitted || sets[i].inheritable)
            return failed(failure, "proof", 0, "capabilities are left");
    return true;
}

/* Every way back to root must be closed: each of these calls has to fail. */
static bool prove_no_return(const struct identity *identity, struct identity_failure *failure) {
    const uid_t keep = (uid_t)-1;
    if (setuid(0) == 0 || setresuid(keep, 0, keep) == 0 || setresuid(0, keep, keep) == 0 ||
        setresuid(keep, keep, 0) == 0)
        return failed(failure, "proof", 0, "root could be regained");
    if (identity->gid != 0 && (setgid(0) == 0 || setresgid(keep, 0, keep) == 0))
        return failed(failure, "proof", 0, "the group of root could be regained");
    return true;
}

/* The session keyring outlives every change of user: what root keeps in it could be read. The fresh one is made before the
   drop, so that it does not count for the user, who may have few. Without key management, or where it is forbidden, there is
   nothing to read either. */
static bool leave_keyring(struct identity_failure *failure) {
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0) return true;
    return errno == ENOSYS || errno == EPERM || errno == EACCES || failed(failure, "keyring", errno, "");
}

static bool drop(const struct identity *identity, struct identity_failure *failure) {
    if (setgroups(identity->group_count, identity->groups) < 0)
        return failed_about(failure, "groups", errno, identity->uid);
    if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
        return failed_about(failure, "group", errno, identity->gid);
    if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
        return failed_about(failure, "user", errno, identity->uid);
    return true;
}

bool take_identity(const struct identity *identity, struct identity_failure *failure) {
    if (identity->uid == 0) return failed(failure, "user", EPERM, "0");
    return leave_keyring(failure) && drop(identity, failure) && prove_no_capabilities(failure) &&
           prove_groups(identity, failure) && prove_no_return(identity, failure) && prove_ids(identity, failure);
}
