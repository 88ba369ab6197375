/* SPDX-License-Identifier: MIT */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A board in shared memory on which the threads of a process note what they work on, so that a second process can read
   after the death of the first what the thread that died was at. One board per process; a subject is named by a number
   with a text of fixed size behind it. */

enum { FP_WORK_TEXT = 128, FP_WORK_SUBJECTS = 16384, FP_WORK_HELD = 64 };

/* A subject that is not to be touched before its time; the moment is one of CLOCK_MONOTONIC. */
struct fp_work_held {
    uint8_t text[FP_WORK_TEXT];
    uint64_t until;
    uint32_t crashes;
    /* Set by the process that has the board: it may be touched again. */
    uint32_t is_lifted;
};

/* A new board, which becomes that of this process; the descriptor is for another one. -1 and errno. */
int fp_work_make(void);
/* Takes over a board that another process made; threads that fault from now on note it. 0, or -1 and errno. */
int fp_work_adopt(int descriptor);

/* `number` is from 1 to FP_WORK_SUBJECTS. */
void fp_work_name(uint32_t number, const uint8_t *text);

/* Two stores, no system call but at a thread's first. Returns what the thread worked on before, for fp_work_end. */
uint32_t fp_work_begin(uint32_t number);
void fp_work_end(uint32_t before);

/* What the process that had the board worked on where it died; `text` is filled then. */
bool fp_work_culprit(uint8_t *text);

/* The list of those held; it has FP_WORK_HELD places, and ends where `until` is 0. */
void fp_work_set_held(uint32_t index, const struct fp_work_held *held);
struct fp_work_held fp_work_held_at(uint32_t index);
void fp_work_lift(uint32_t index);
