/* SPDX-License-Identifier: MIT */
#pragma once

/* What the launcher hears on the close-on-exec pipe: nothing but "+" and end of file when the program was executed,
   else step, error number and subject. */

void set_report(int descriptor);
int report_descriptor(void);
/* Ends this program. `code` is an errno value, or 0; `subject` names what the step was about. */
_Noreturn void fail(const char *step, int code, const char *subject);
/* Said right before the program is executed. */
void announce_exec(void);
