"""The application of a hostile tenant: each path is one way to be a bad neighbour."""

import mmap
import os
import sys
import time

# What it takes itself is not what is measured: without cgroups a tenant's own processor time is not bounded.
# Where the kernel shares it by session first (sched(7), autogroup), the session has a priority as well.
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
while os.path.exists("/proc/self/autogroup"):
    try:
        with open("/proc/self/autogroup", "w") as autogroup:
            autogroup.write("19")
        break
    except BlockingIOError:
        # The kernel lets all users together do this ten times a second.
        time.sleep(0.05)


def flood(seconds=1.0):
    """As much output as anybody reads."""
    block = b"x" * 100 + b"\n"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        os.write(2, block * 300)


def forge():
    """Output that would rule a terminal, or look like lines of somebody else."""
    for line in (b"\x1b[2J\x1b]0;owned\x07", b"\r2030-01-01T00:00:00Z error: the machine is down", b"\xc2\x9b31m",
                 b"\xe2\x80\xaereversed", b"\xff\xfe\x00", b"y" * 200_000):
        os.write(2, line + b"\n")


def orphans(count=200):
    """Processes that left their parents, session and group."""
    for _ in range(count):
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
                time.sleep(5)
            os._exit(0)
        os.wait()


def zero(gibibytes=8):
    """Address space that is expensive to measure: every page of it is the page of zeros."""
    size = gibibytes << 30
    area = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
    for offset in range(0, size, 4096 * 64):
        area[offset]
    KEPT.append(area)
    del KEPT[:-2]


KEPT = []
WAYS = {"/flood": flood, "/forge": forge, "/orphans": orphans, "/zero": zero, "/exit": lambda: os._exit(1)}


def application(environ, start_response):
    WAYS.get(environ["PATH_INFO"], lambda: None)()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"tenant\n"]
