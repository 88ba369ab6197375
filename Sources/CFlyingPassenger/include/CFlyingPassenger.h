/* SPDX-License-Identifier: MIT */
#pragma once

/* Headers that Swift's Glibc module leaves out; their plain functions are called from Swift directly. */
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>

#include "fp_cached.h"
#include "fp_daemonize.h"
#include "fp_descriptors.h"
#include "fp_diagnosis.h"
#include "fp_files.h"
#include "fp_identity.h"
#include "fp_processes.h"
#include "fp_scope.h"
#include "fp_sockets.h"
#include "fp_without.h"
#include "fp_work.h"
