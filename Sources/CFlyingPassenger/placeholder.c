/* SPDX-License-Identifier: MIT */
#include "CFlyingPassenger.h"
int fp_placeholder(void) { return 0; }
