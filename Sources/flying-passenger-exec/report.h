/* SPDX-License-Identifier: MIT */
#pragma once

/* What the launcher hears on the close-on-exec pipe, as it happens: records of fields that each end with a zero byte, a
   keyword followed by as many values as that keyword has. The first field names format and version. End of file follows
   when the program was executed. The reader is LaunchRecords.swift.

       step       NAME NANOSECONDS             a step begins; "execute" is said right before the program is executed
       limit      NAME SOFT HARD               resource limits of the program
       variable   NAME=VALUE                   its environment, if the plan asks for that; cut when it is too long
       directory  OWNER GROUP MODE             facts about the subject of the failure that follows
       failed     STEP ERRNO SUBJECT DETAIL    the last record

   Variables wait for no reader; steps and failures do, for a moment. */

void open_report(int descriptor);
int report_descriptor(void);
/* The same pipe under another number. */
void set_report_descriptor(int descriptor);

void report_step(const char *name);
void report_limit(const char *name, unsigned long long soft, unsigned long long hard);
/* All of `variables`, as far as there is room. */
void report_variables(char *const *variables);
/* To be followed by a failure whose subject is this directory. */
void report_directory(const char *path);

/* Ends this program. `code` is an errno value, or 0; `subject` names what the step was about, `detail` the rest. */
_Noreturn void fail(const char *step, int code, const char *subject);
_Noreturn void fail_with(const char *step, int code, const char *subject, const char *detail);
