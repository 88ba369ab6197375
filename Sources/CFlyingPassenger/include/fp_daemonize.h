/* SPDX-License-Identifier: MIT */
#pragma once

/* Goes to the background: forks twice with a new session in between, standard input from /dev/null.
   Returns in the background process only, with the write end of the pipe that the starting process reads: "OK\n" makes
   that one exit 0; any other text is printed on its standard error, and it exits 1, also at end of file without text.
   -1 and errno in the starting process when nothing has happened yet; EDEADLK when it has more than one thread
   (a forked copy would inherit their locks in any state). */
int fp_daemonize(void);
