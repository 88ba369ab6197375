#!/usr/bin/python3
"""A FUSE file system that shows a directory and stops answering on command.

    hanging-fs.py SOURCE MOUNTPOINT PIDFILE [hang | swallow]

Speaks the kernel's protocol (fuse.h) on /dev/fuse itself. Writes its PID to PIDFILE once it is mounted; "hang": never
answers anything but the mount; "swallow": the same, but takes the requests, so that not even SIGKILL ends who waits
for one. SIGUSR1: takes no further request, as a server that is gone; SIGUSR2: goes on.
"""

import ctypes
import errno
import os
import select
import signal
import stat
import struct
import sys

(LOOKUP, FORGET, GETATTR, READLINK, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS,
 INTERRUPT, DESTROY, BATCH_FORGET) = (1, 2, 3, 5, 14, 15, 17, 18, 25, 26, 27, 28, 29, 34, 36, 38, 42)
SILENT = {FORGET, INTERRUPT, BATCH_FORGET}
MS_NOSUID_NODEV = 6

source, mountpoint, pid_file = sys.argv[1:4]
hanging = False
nodes = {1: source}
numbers = {source: 1}


def number(path):
    if path not in numbers:
        numbers[path] = len(numbers) + 1
        nodes[numbers[path]] = path
    return numbers[path]


def attributes(path):
    facts = os.lstat(path)
    times = [facts.st_atime_ns, facts.st_mtime_ns, facts.st_ctime_ns]
    return struct.pack(
        "<6Q10I",
        number(path), facts.st_size, facts.st_blocks, *(time // 10**9 for time in times),
        *(time % 10**9 for time in times),
        facts.st_mode, facts.st_nlink, facts.st_uid, facts.st_gid, facts.st_rdev, 4096, 0,
    )


def entries(path, offset, size):
    answer = b""
    names = [".", ".."] + sorted(os.listdir(path))
    for index in range(offset, len(names)):
        name = names[index].encode()
        entry = struct.pack("<QQII", index + 1, index + 1, len(name), 0) + name
        entry += b"\0" * (-len(entry) % 8)
        if len(answer) + len(entry) > size:
            break
        answer += entry
    return answer


def answer(operation, node, body):
    path = nodes.get(node, source)
    if operation == INIT:
        # Version 7.31, with the flags and sizes that the kernel uses without being asked for more.
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, 0)
    if operation == LOOKUP:
        child = os.path.join(path, body.rstrip(b"\0").decode())
        # Nothing may be cached: each look asks again.
        return struct.pack("<QQQQII", number(child), 0, 0, 0, 0, 0) + attributes(child)
    if operation == GETATTR:
        return struct.pack("<QII", 0, 0, 0) + attributes(path)
    if operation == READLINK:
        return os.readlink(path).encode()
    if operation in (OPEN, OPENDIR):
        return struct.pack("<QII", 0, 0, 0)
    if operation in (READ, READDIR):
        _, offset, size = struct.unpack_from("<QQI", body)
        if operation == READDIR:
            return entries(path, offset, size)
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)
    if operation == STATFS:
        return struct.pack("<5Q4I24x", 1000, 1000, 1000, 1000, 1000, 4096, 255, 4096, 0)
    if operation in (RELEASE, RELEASEDIR, FLUSH, ACCESS, DESTROY):
        return b""
    raise OSError(errno.ENOSYS, "")


def set_hanging(value):
    global hanging
    hanging = value


def serve(device):
    while True:
        if hanging or not select.select([device], [], [], 0.02)[0]:
            signal.sigtimedwait([], 0.02) if hanging else None
            continue
        try:
            request = os.read(device, 1 << 20)
        except OSError as error:
            if error.errno == errno.ENODEV:
                return
            continue
        length, operation, unique, node = struct.unpack_from("<IIQQ", request)
        if operation in SILENT or (operation != INIT and sys.argv[4:] == ["swallow"]):
            continue
        try:
            failure, data = 0, answer(operation, node, request[40:length])
        except OSError as error:
            failure, data = -error.errno, b""
        try:
            os.write(device, struct.pack("<IiQ", 16 + len(data), failure, unique) + data)
        except OSError as error:
            # ENOENT: whoever asked has been interrupted.
            if error.errno != errno.ENOENT:
                raise
        if operation == INIT:
            if sys.argv[4:] == ["hang"]:
                set_hanging(True)
            with open(pid_file + ".new", "w") as file:
                file.write(f"{os.getpid()}\n")
            os.rename(pid_file + ".new", pid_file)


def main():
    signal.signal(signal.SIGUSR1, lambda *_: set_hanging(True))
    signal.signal(signal.SIGUSR2, lambda *_: set_hanging(False))
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    mode = stat.S_IFMT(os.stat(source).st_mode)
    options = f"fd={device},rootmode={mode:o},user_id=0,group_id=0,allow_other"
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"hanging-fs", mountpoint.encode(), b"fuse", MS_NOSUID_NODEV, options.encode()) != 0:
        sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
    serve(device)


main()
