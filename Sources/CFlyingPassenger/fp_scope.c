/* SPDX-License-Identifier: MIT */
#include "include/fp_scope.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-login.h>
#include <time.h>

#define CALL_LIMIT_MICROSECONDS (10u * 1000 * 1000)
#define DESTINATION "org.freedesktop.systemd1"
#define OBJECT "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"

/* The manager's own socket needs no message bus on the machine; root only. */
static int open_manager(sd_bus **bus) {
    int result = sd_bus_new(bus);
    if (result >= 0) result = sd_bus_set_address(*bus, "unix:path=/run/systemd/private");
    if (result >= 0) result = sd_bus_start(*bus);
    if (result < 0) {
        *bus = sd_bus_unref(*bus);
        result = sd_bus_open_system(bus);
    }
    if (result >= 0) sd_bus_set_method_call_timeout(*bus, CALL_LIMIT_MICROSECONDS);
    return result;
}

static int new_call(sd_bus *bus, sd_bus_message **message, const char *member) {
    return sd_bus_message_new_method_call(bus, message, DESTINATION, OBJECT, MANAGER, member);
}

/* The job that the waiting is for, and whether it is over. */
struct job {
    const char *path;
    bool is_over;
    bool is_done;
};

static int job_removed(sd_bus_message *message, void *context, sd_bus_error *error) {
    (void)error;
    struct job *job = context;
    uint32_t number;
    const char *path, *unit, *result;
    if (sd_bus_message_read(message, "uoss", &number, &path, &unit, &result) < 0) return 0;
    if (!job->path || strcmp(path, job->path) != 0) return 0;
    job->is_over = true;
    job->is_done = strcmp(result, "done") == 0;
    return 0;
}

static uint64_t now_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The signals of a connection come in order: that a job is over is never said before its path was. */
static int wait_for(sd_bus *bus, struct job *job) {
    uint64_t end = now_microseconds() + CALL_LIMIT_MICROSECONDS;
    while (!job->is_over) {
        int result = sd_bus_process(bus, NULL);
        if (result < 0) return result;
        if (result > 0) continue;
        uint64_t now = now_microseconds();
        if (now >= end) return -ETIMEDOUT;
        result = sd_bus_wait(bus, end - now);
        if (result < 0 && result != -EINTR) return result;
    }
    return job->is_done ? 0 : -ECANCELED;
}

static int append_limits(sd_bus_message *message, const struct fp_slice_limits *limits) {
    return sd_bus_message_append(message, "a(sv)", 4, "MemoryMax", "t", limits->memory_max, "MemoryHigh", "t",
                                 limits->memory_high, "MemorySwapMax", "t", limits->memory_swap_max, "TasksMax", "t",
                                 limits->tasks_max);
}

static int change_slice(sd_bus *bus, const char *slice, const struct fp_slice_limits *limits, sd_bus_error *error) {
    sd_bus_message *message = NULL;
    int result = new_call(bus, &message, "SetUnitProperties");
    if (result >= 0) result = sd_bus_message_append(message, "sb", slice, 1);
    if (result >= 0) result = append_limits(message, limits);
    if (result >= 0) result = sd_bus_call(bus, message, 0, error, NULL);
    sd_bus_message_unref(message);
    return result;
}

static int make_slice(sd_bus *bus, const char *slice, const struct fp_slice_limits *limits, sd_bus_error *error) {
    sd_bus_message *message = NULL;
    int result = new_call(bus, &message, "StartTransientUnit");
    if (result >= 0) result = sd_bus_message_append(message, "ss", slice, "fail");
    if (result >= 0) result = append_limits(message, limits);
    if (result >= 0) result = sd_bus_message_append(message, "a(sa(sv))", 0);
    if (result >= 0) result = sd_bus_call(bus, message, 0, error, NULL);
    sd_bus_message_unref(message);
    if (result >= 0 || !sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists")) return result;
    sd_bus_error_free(error);
    return change_slice(bus, slice, limits, error);
}

/* At a shutdown of the machine the daemon ends its processes in order, before systemd does: what comes before a unit is
   stopped after it. */
static int append_order(sd_bus_message *message) {
    char *unit = NULL;
    if (sd_pid_get_unit(0, &unit) < 0) return 0;
    int result = sd_bus_message_append(message, "(sv)", "Before", "as", 1, unit);
    free(unit);
    return result;
}

static int make_scope(sd_bus *bus, pid_t pid, const char *scope, const char *slice, struct job *job, sd_bus_error *error) {
    sd_bus_message *message = NULL, *reply = NULL;
    int result = new_call(bus, &message, "StartTransientUnit");
    if (result >= 0) result = sd_bus_message_append(message, "ss", scope, "fail");
    if (result >= 0) result = sd_bus_message_open_container(message, 'a', "(sv)");
    if (result >= 0)
        result = sd_bus_message_append(message, "(sv)(sv)(sv)(sv)", "PIDs", "au", 1, (uint32_t)pid, "Slice", "s", slice,
                                       "CollectMode", "s", "inactive-or-failed", "TasksMax", "t", UINT64_MAX);
    if (result >= 0) result = append_order(message);
    if (result >= 0) result = sd_bus_message_close_container(message);
    if (result >= 0) result = sd_bus_message_append(message, "a(sa(sv))", 0);
    if (result >= 0) result = sd_bus_call(bus, message, 0, error, &reply);
    if (result >= 0) result = sd_bus_message_read(reply, "o", &job->path);
    if (result >= 0) result = wait_for(bus, job);
    job->path = NULL;
    sd_bus_message_unref(reply);
    sd_bus_message_unref(message);
    return result;
}

int fp_start_scope(pid_t pid, const char *scope, const char *slice, const struct fp_slice_limits *limits, char *reason,
                   size_t reason_size) {
    sd_bus *bus = NULL;
    sd_bus_error error = SD_BUS_ERROR_NULL;
    struct job job = {0};
    int result = open_manager(&bus);
    if (result >= 0)
        result = sd_bus_match_signal(bus, NULL, DESTINATION, OBJECT, MANAGER, "JobRemoved", job_removed, &job);
    if (result >= 0) result = sd_bus_call_method(bus, DESTINATION, OBJECT, MANAGER, "Subscribe", &error, NULL, "");
    if (result >= 0) result = make_slice(bus, slice, limits, &error);
    if (result >= 0) result = make_scope(bus, pid, scope, slice, &job, &error);
    snprintf(reason, reason_size, "%s", error.message ? error.message : "");
    sd_bus_error_free(&error);
    sd_bus_flush_close_unref(bus);
    return result < 0 ? result : 0;
}

int fp_stop_unit(const char *unit) {
    sd_bus *bus = NULL;
    int result = open_manager(&bus);
    if (result >= 0)
        result = sd_bus_call_method(bus, DESTINATION, OBJECT, MANAGER, "StopUnit", NULL, NULL, "ss", unit, "fail");
    sd_bus_flush_close_unref(bus);
    return result < 0 ? result : 0;
}
