/* SPDX-License-Identifier: MIT */
#include "fuzzed_helper.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The helper's own sources, in a process that does not end with them: what they allocate is given back here, and a
   failure returns to the caller. */

static void *blocks[256];
static size_t block_count;

static void *keep(void *block) {
    if (block_count < sizeof blocks / sizeof *blocks) blocks[block_count++] = block;
    return block;
}

static void *kept_realloc(void *old, size_t size) {
    for (size_t i = 0; old && i < block_count; i++)
        if (blocks[i] == old) blocks[i] = NULL;
    return keep(realloc(old, size));
}

static jmp_buf refusal;

#define malloc(size) keep(malloc(size))
#define realloc(old, size) kept_realloc(old, size)
#include "../../../Sources/flying-passenger-exec/environment.c"
#include "../../../Sources/flying-passenger-exec/environment_file.c"
#undef malloc
#undef realloc

void report_step(const char *name) { (void)name; }
void report_directory(const char *path) { (void)path; }
void report_variables(char *const *variables) { (void)variables; }
void take_login_shell(const struct plan *plan, struct environment *environment) { (void)plan, (void)environment; }
bool follow(const char *path, char place[PATH_MAX]) { return (void)path, (void)place, true; }
void fail(const char *step, int code, const char *subject) { fail_with(step, code, subject, ""); }

void fail_with(const char *step, int code, const char *subject, const char *detail) {
    (void)step, (void)code, (void)subject, (void)detail;
    longjmp(refusal, 1);
}

int fuzzed_environment_file(const void *bytes, size_t count, void (*see)(const char *, void *), void *context) {
    /* Changed after setjmp, read after longjmp. */
    static struct environment environment;
    static int file;
    char path[64];
    environment = (struct environment){0};
    block_count = 0;
    file = memfd_create("environment", MFD_CLOEXEC);
    if (file < 0) abort();
    if (write(file, bytes, count) != (ssize_t)count) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int result = -1;
    if (setjmp(refusal) == 0) {
        take_environment_file(path, &environment);
        for (size_t i = 0; i < environment.count; i++) see(environment.entries[i], context);
        result = (int)environment.count;
    }
    for (size_t i = 0; i < block_count; i++) free(blocks[i]);
    close(file);
    return result;
}
