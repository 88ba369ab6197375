/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The entry that libFuzzer's main calls for each input; FUZZ_TARGET names what reads it. C, because SwiftPM wants a main
   of every Swift program, and the sanitizer brings its own. */

/* Of FuzzTargets; ends the program when the target found something. */
void flying_passenger_fuzz(const char *target, const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static const char *target;
    if (!target && !(target = getenv("FUZZ_TARGET"))) target = "";
    flying_passenger_fuzz(target, bytes, count);
    return 0;
}
