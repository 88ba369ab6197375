/* SPDX-License-Identifier: MIT */
#pragma once
#include "plan.h"

/* The steps, in the order of main.c. Each ends the program with a report when it fails. */

/* Until the launcher has put this process where it belongs. */
void wait_at_gate(const struct plan *plan);
/* Before the rights to do so are dropped. */
void enter_control_group(const struct plan *plan);
/* Moves every descriptor to its number and lets exec close all others above 2. */
void place_descriptors(struct plan *plan);
/* After its session has begun: how much of the processors it gets beside others. */
void set_priority(const struct plan *plan);
void set_oom_score(const struct plan *plan);
void set_limits(const struct plan *plan);
/* Tells the launcher what limits the program has. */
void report_limits(void);
/* Needs the rights of the caller: the new user may not be able to reach the program. */
void open_early_program(struct plan *plan);
void enter_directory(const struct plan *plan);
/* The variables of the program in their layers: those of the plan, of the login shell, the plan's changes, those of the
   environment file, the overrides; and LISTEN_PID. */
void read_environment(struct plan *plan);
_Noreturn void execute(const struct plan *plan);
