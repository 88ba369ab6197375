/* SPDX-License-Identifier: MIT */
#include "fp_work.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* More threads than a core ever has: 512 for files, 512 for starts, and a dozen. */
enum { SLOTS = 1536 };

/* A slot is free, or of a thread that works on nothing, or on the subject with this number. */
static const uint32_t FREE = 0, IDLE = UINT32_MAX;

struct board {
    /* What the thread that faulted worked on: 0 as long as none did. */
    _Atomic uint32_t culprit;
    _Atomic uint32_t slots[SLOTS];
    struct fp_work_held held[FP_WORK_HELD];
    uint8_t texts[FP_WORK_SUBJECTS][FP_WORK_TEXT];
};

static struct board *board;
static pthread_key_t slot_key;
static bool has_key;
static _Thread_local _Atomic uint32_t *slot;
/* A thread of this process writes to the board: it stays mapped. */
static _Atomic bool is_claimed;

static void give_back(void *given) { atomic_store((_Atomic uint32_t *)given, FREE); }

static int map(int descriptor) {
    void *memory = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) return -1;
    if (!has_key) has_key = pthread_key_create(&slot_key, give_back) == 0;
    if (board && !atomic_load(&is_claimed)) munmap(board, sizeof *board);
    board = memory;
    return 0;
}

int fp_work_make(void) {
    int descriptor = memfd_create("work", MFD_CLOEXEC);
    if (descriptor < 0) return -1;
    if (ftruncate(descriptor, sizeof(struct board)) == 0 && map(descriptor) == 0) return descriptor;
    close(descriptor);
    return -1;
}

static const int faults[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT};
enum { FAULTS = sizeof faults / sizeof *faults };

/* What was in force before: the Swift runtime's report of a crash, or nothing. */
static struct sigaction before[FAULTS];

/* Runs on the thread that faulted. Whoever handled faults before has its say, then the default action ends the process: that
   must not be left to the fault to happen once more, since a signal that somebody sent does not. */
static void note_fault(int number, siginfo_t *info, void *context) {
    uint32_t subject = slot ? atomic_load(slot) : IDLE;
    atomic_store(&board->culprit, subject);
    for (size_t i = 0; i < FAULTS; i++) {
        if (faults[i] != number) continue;
        if (before[i].sa_flags & SA_SIGINFO)
            before[i].sa_sigaction(number, info, context);
        else if (before[i].sa_handler != SIG_DFL && before[i].sa_handler != SIG_IGN)
            before[i].sa_handler(number);
    }
    signal(number, SIG_DFL);
    raise(number);
}

int fp_work_adopt(int descriptor) {
    if (map(descriptor) < 0) return -1;
    struct sigaction action = {.sa_sigaction = note_fault, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};
    for (size_t i = 0; i < FAULTS; i++) {
        struct sigaction now;
        if (sigaction(faults[i], NULL, &now) < 0) continue;
        if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == note_fault) continue;
        before[i] = now;
        sigaction(faults[i], &action, NULL);
    }
    return 0;
}

void fp_work_name(uint32_t number, const uint8_t *text) {
    if (board && number >= 1 && number <= FP_WORK_SUBJECTS) memcpy(board->texts[number - 1], text, FP_WORK_TEXT);
}

static void claim(void) {
    for (size_t i = 0; i < SLOTS; i++) {
        uint32_t expected = FREE;
        if (!atomic_compare_exchange_strong(&board->slots[i], &expected, IDLE)) continue;
        atomic_store(&is_claimed, true);
        slot = &board->slots[i];
        pthread_setspecific(slot_key, (void *)slot);
        return;
    }
}

uint32_t fp_work_begin(uint32_t number) {
    if (!slot && board && has_key) claim();
    if (!slot) return IDLE;
    uint32_t before = atomic_load_explicit(slot, memory_order_relaxed);
    /* Work without a subject within other work is that of the other. */
    if (number != 0) atomic_store_explicit(slot, number, memory_order_relaxed);
    return before;
}

void fp_work_end(uint32_t before) {
    if (slot) atomic_store_explicit(slot, before, memory_order_relaxed);
}

/* A thread without room on its stack dies without a note; then the only one that was at work is meant, if there is one. */
static uint32_t only_subject(void) {
    uint32_t found = FREE;
    for (size_t i = 0; i < SLOTS; i++) {
        uint32_t subject = atomic_load(&board->slots[i]);
        if (subject == FREE || subject == IDLE || subject == found) continue;
        if (found != FREE) return FREE;
        found = subject;
    }
    return found;
}

bool fp_work_culprit(uint8_t *text) {
    if (!board) return false;
    uint32_t subject = atomic_load(&board->culprit);
    if (subject == 0) subject = only_subject();
    if (subject < 1 || subject > FP_WORK_SUBJECTS) return false;
    memcpy(text, board->texts[subject - 1], FP_WORK_TEXT);
    return true;
}

void fp_work_set_held(uint32_t index, const struct fp_work_held *held) {
    if (board && index < FP_WORK_HELD) board->held[index] = *held;
}

struct fp_work_held fp_work_held_at(uint32_t index) {
    return board && index < FP_WORK_HELD ? board->held[index] : (struct fp_work_held){0};
}

void fp_work_lift(uint32_t index) {
    if (board && index < FP_WORK_HELD) board->held[index].is_lifted = 1;
}
