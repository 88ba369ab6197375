/* SPDX-License-Identifier: MIT */
#pragma once
int fp_placeholder(void);
