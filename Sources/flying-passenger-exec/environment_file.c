/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "environment.h"
#include "report.h"

/* Lines of NAME=VALUE, with `#` for remarks, `export` in front if somebody likes, and values in quotes or without. Nothing
   is expanded. Read with the rights of the app's user. */

enum { MAX_FILE_BYTES = 64 * 1024 };

static _Noreturn void fail_at_line(const char *path, int line, const char *reason) {
    char detail[128];
    snprintf(detail, sizeof detail, "%d %s", line, reason);
    fail_with("environment-file", 0, path, detail);
}

static _Noreturn void fail_to_open(const char *path, int code) {
    char place[PATH_MAX];
    if (!follow(path, place) && errno == EACCES) {
        report_directory(place);
        fail_with("environment-file", EACCES, path, place);
    }
    fail("environment-file", code, path);
}

/* The whole file, with a zero byte behind it. */
static char *load(const char *path, size_t *length) {
    /* Opening a FIFO must not wait for its writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) fail_to_open(path, errno);
    struct stat status;
    if (fstat(file, &status) < 0) fail("environment-file", errno, path);
    if (!S_ISREG(status.st_mode)) fail_with("environment-file", 0, path, "no-file");
    char *bytes = malloc(MAX_FILE_BYTES + 2);
    if (!bytes) fail("environment-file", ENOMEM, path);
    size_t count = 0;
    for (;;) {
        ssize_t read_count = read(file, bytes + count, MAX_FILE_BYTES + 1 - count);
        if (read_count < 0 && errno == EINTR) continue;
        if (read_count < 0) fail("environment-file", errno, path);
        if (read_count == 0) break;
        count += (size_t)read_count;
        if (count > MAX_FILE_BYTES) fail_with("environment-file", 0, path, "too-long");
    }
    close(file);
    bytes[count] = 0;
    *length = count;
    return bytes;
}

static char *skip_blanks(char *text) { return text + strspn(text, " \t"); }

static bool ends_here(char *text) {
    text = skip_blanks(text);
    return *text == 0 || *text == '#';
}

/* The character that a backslash and `letter` stand for in double quotes; -1 when they stand for themselves. */
static int escaped(char letter) {
    switch (letter) {
    case 'n': return '\n';
    case 't': return '\t';
    case '"':
    case '\\':
    case '$':
    case '`': return letter;
    default: return -1;
    }
}

/* Takes the quotes off in place; returns what is wrong, or NULL. */
static const char *unquote(char *value) {
    char quote = *value, *to = value, *from = value + 1;
    while (*from && *from != quote) {
        int letter = quote == '"' && *from == '\\' ? escaped(from[1]) : -1;
        if (letter >= 0) from++;
        *to++ = letter >= 0 ? (char)letter : *from;
        from++;
    }
    if (!*from) return "a quote without end";
    if (!ends_here(from + 1)) return "something behind the closing quote";
    *to = 0;
    return NULL;
}

/* Cuts off a remark, which needs a blank in front of it, and blanks at the end. */
static void trim(char *value) {
    for (char *mark = value; (mark = strchr(mark, '#')); mark++) {
        if (mark == value || (mark[-1] != ' ' && mark[-1] != '\t')) continue;
        *mark = 0;
        break;
    }
    for (size_t length = strlen(value); length > 0 && strchr(" \t", value[length - 1]); length--) value[length - 1] = 0;
}

/* Adds the variable of one line, if it has one; returns what is wrong, or NULL. */
static const char *take_line(char *line, struct environment *environment) {
    if (ends_here(line)) return NULL;
    char *name = skip_blanks(line);
    if (strncmp(name, "export", 6) == 0 && (name[6] == ' ' || name[6] == '\t')) name = skip_blanks(name + 6);
    char *end = name;
    while (isalnum((unsigned char)*end) || *end == '_') end++;
    if (*end != '=') return strchr(name, '=') ? "the name is not made of letters, digits and _" : "there is no =";
    if (end == name) return "there is no name in front of =";
    if (isdigit((unsigned char)*name)) return "the name begins with a digit";
    char *value = end + 1;
    if ((*value == ' ' || *value == '\t') && !ends_here(value)) return "there is a blank behind =";
    if (*value == '"' || *value == '\'') {
        const char *problem = unquote(value);
        if (problem) return problem;
    } else {
        trim(value);
    }
    environment_set(environment, name);
    return NULL;
}

void take_environment_file(const char *path, struct environment *environment) {
    report_step("environment-file");
    size_t length;
    char *next = load(path, &length), *bytes_end = next + length;
    if (strncmp(next, "\xEF\xBB\xBF", 3) == 0) next += 3;
    for (int number = 1; next < bytes_end; number++) {
        char *end = memchr(next, '\n', (size_t)(bytes_end - next));
        if (!end) end = bytes_end;
        if (memchr(next, 0, (size_t)(end - next))) fail_at_line(path, number, "it holds a zero byte");
        *end = 0;
        if (end > next && end[-1] == '\r') end[-1] = 0;
        const char *problem = take_line(next, environment);
        if (problem) fail_at_line(path, number, problem);
        next = end + 1;
    }
}
