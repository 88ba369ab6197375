/* SPDX-License-Identifier: MIT */
#include <systemd/sd-daemon.h>
