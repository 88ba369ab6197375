/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Limits of a slice; UINT64_MAX is "none". */
struct fp_slice_limits {
    uint64_t memory_max;
    uint64_t memory_high;
    uint64_t memory_swap_max;
    uint64_t tasks_max;
};

/* Asks the systemd that runs this machine for a transient slice with these limits, or for these limits of the one that is
   there, and for a transient scope in it that holds the process. Returns once the process is in the scope: 0, or a
   negative error number; `reason` then says more, if anything is known. Blocks, as often as it asks, for 10 s at most. */
int fp_start_scope(pid_t pid, const char *scope, const char *slice, const struct fp_slice_limits *limits, char *reason,
                   size_t reason_size);
/* Stops a unit, such as a slice with all its scopes, without waiting for the end of that. */
int fp_stop_unit(const char *unit);
