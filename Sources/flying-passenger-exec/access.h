/* SPDX-License-Identifier: MIT */
#pragma once
#include <limits.h>
#include <stdbool.h>

/* Where a path leads, with the rights of this process. */

/* Follows `path` and every link in it, component by component, as the kernel would. Returns true when all of it can be
   reached, and if it is a directory, entered; `place` is then the path without links. Else errno says why not, and `place`
   is what stopped it: for EACCES the first directory that cannot be entered, else the component itself. */
bool follow(const char *path, char place[PATH_MAX]);
