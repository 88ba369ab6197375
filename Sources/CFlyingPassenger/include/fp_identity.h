/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* As whom the calling thread, and no other one, looks at files (setfsuid(2)). Both return -1 and set errno; the raw system
   calls are used, because those of the C library would change all threads. */

/* Takes the identity of a user, whose groups are `groups`; on failure nothing has changed. Only root may. */
int fp_take_file_identity(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count);
/* Back to root, without supplementary groups but `groups`. */
int fp_return_file_identity(const uint32_t *groups, size_t count);
