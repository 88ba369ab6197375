/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All of these return -1 and set errno when they fail; what they open is close-on-exec. */

int fp_pipe(int ends[2], bool nonblocking);
/* A duplicate that is close-on-exec and has at least the number `lowest`. */
int fp_duplicate(int descriptor, int lowest);
int fp_set_nonblocking(int descriptor, bool on);
int fp_set_close_on_exec(int descriptor, bool on);
/* An anonymous file in memory. */
int fp_memory_file(const char *name);
/* Bytes waiting to be read (FIONREAD). */
int fp_readable_bytes(int descriptor);

/* "ENOENT" and "No such file or directory"; NULL for an unknown number. Static text, any thread. */
const char *fp_error_name(int code);
const char *fp_error_text(int code);
