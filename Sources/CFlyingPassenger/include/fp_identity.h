/* SPDX-License-Identifier: MIT */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* As whom the calling thread, and no other one, looks at files (setfsuid(2)). The raw system calls are used, because those of
   the C library would change all threads. */

/* Takes the identity of a user, whose groups are `groups`; only root may. -1 and errno if that failed, perhaps halfway: to be
   followed by the other one in any case. */
int fp_take_file_identity(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t count);
/* Back to root, without supplementary groups but `groups`. */
void fp_return_file_identity(const uint32_t *groups, size_t count);
