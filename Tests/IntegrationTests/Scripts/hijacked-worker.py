"""Plays a worker of the front that somebody has taken over: takes descriptors of the real one (pidfd_getfd(2)) and uses them.

hijacked-worker.py PID COMMAND [ARGUMENT]; says what it was able to do.
"""
import array
import ctypes
import fcntl
import os
import socket
import struct
import sys
import time

PIDFD_OPEN, PIDFD_GETFD = 434, 438
libc = ctypes.CDLL(None, use_errno=True)


def take(number):
    process = libc.syscall(PIDFD_OPEN, int(sys.argv[1]), 0)
    taken = libc.syscall(PIDFD_GETFD, process, number, 0)
    os.close(process)
    if taken < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return taken


def push(send, limit):
    """Calls `send` until its sum is `limit`, or the other side has had enough."""
    done = 0
    try:
        while done < limit:
            done += send()
    except OSError as error:
        print("stopped by", error.strerror)
    return done


def control():
    end = socket.socket(fileno=take(3))
    end.settimeout(5)
    return end


def descriptors():
    end = control()
    null = [os.open("/dev/null", os.O_RDONLY)] * 250
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", null))]

    def send():
        # Frames that the master of old times collected descriptors from.
        end.sendmsg([b"\0\0\0\1\0"], ancillary)
        return 250

    print("descriptors", push(send, 20_000))


def megabytes():
    end = control()
    head = struct.pack(">IB", 250 << 20, 17)
    block = head + b"x" * 1_000_000
    print("bytes", push(lambda: end.send(block), 600 << 20))


def garbage():
    end = control()
    print("bytes", push(lambda: end.send(os.urandom(65536)), 1 << 20))


def files():
    """What of the worker's descriptors is an ordinary file that can be changed."""
    folder = f"/proc/{sys.argv[1]}/fd"
    for number in sorted(os.listdir(folder), key=int):
        target = os.readlink(f"{folder}/{number}")
        if not target.startswith("/") or target.startswith("/dev/"):
            continue
        if fcntl.fcntl(take(int(number)), fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
            print("writable", target)


def forge():
    log = take(2)
    for change in (lambda: os.ftruncate(log, 0), lambda: os.lseek(log, 0, 0), lambda: os.pwrite(log, b"x", 0)):
        try:
            change()
            print("changed")
        except OSError:
            print("refused")
    os.write(log, b"E, [2030-01-31T18:05:09.095339 #1] ERROR -- : forged plain\n")
    os.write(log, b"<2>forged\x1b[2J\rE, [2030-01-31T18:05:09.095339 #1] ERROR -- : critical\n")
    os.write(log, b"<9>forged number\n<3>forged endless " + b"x" * 50_000 + b"\n<3>forged last\n")


def flood():
    log = take(2)
    os.set_blocking(log, False)
    lines = b"\n\n<3>f\n" * 500
    end = time.monotonic() + float(sys.argv[3])
    taken = 0
    while time.monotonic() < end:
        try:
            taken += os.write(log, lines)
        except BlockingIOError:
            time.sleep(0.001)
    print("bytes", taken)


def access(frames):
    pipe = take(4)
    print("bytes", push(lambda: os.write(pipe, frames), len(frames)))


def lines():
    text = b"forged \x1b[2J line\rof the access log"
    access(struct.pack(">II", 0, len(text)) + text)


def frames():
    access(struct.pack(">II", 7, 10) + b"x" * 10)


globals()[sys.argv[2]]()
