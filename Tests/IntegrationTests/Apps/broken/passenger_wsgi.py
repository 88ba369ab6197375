"""Answers until it is asked for something that no application should do; the path says what."""
import ctypes
import os
import resource
import signal
import socket
import stat
import sys
import time

MIB = 1024 * 1024


def sockets():
    """Descriptors of the connections that the front keeps to this process."""
    found = []
    for number in range(5, 64):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                found.append(number)
        except OSError:
            pass
    return found


def flood(mebibytes):
    line = b"0123456789abcdef" * 64 + b"\n"
    block = line * (MIB // len(line))
    for _ in range(mebibytes):
        os.write(1, block)


def endless_line(mebibytes):
    for _ in range(mebibytes):
        os.write(2, b"x" * MIB)


def strange_bytes(_):
    os.write(2, b"\xff\xfe\x80 no UTF-8 \xc3\n\x00\x1b[2J\x07 control characters\n" + bytes(range(256)) + b"\n")


def talk_nonsense(_):
    os.set_blocking(4, False)
    for block in (b"\xff\x00" * 30000, b"step nowhere begin\n" * 5000, b"x" * 200000, b"\n" * 100000):
        try:
            os.write(4, block)
        except BlockingIOError:
            pass


def close_output(_):
    os.close(1)
    os.close(2)


def close_everything(_):
    os.closerange(0, 64)


def answer_garbage(_):
    for number in sockets():
        os.write(number, b"\x16\x03\x01 this is no HTTP\r\n\r\n" * 3)
    os._exit(0)


def exhaust_memory(_):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 64 * MIB, resource.RLIM_INFINITY))
    return bytearray(1024 * MIB)


def leave_child(_):
    """In the same process group, with every descriptor of the application."""
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        os._exit(0)


def leave_daemon(seconds):
    """In a session of its own, with the output pipe and the control channel."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(seconds)
        os._exit(0)
    os.wait()


def bomb(limit):
    resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))
    if os.fork() == 0:
        while True:
            try:
                os.fork()
            except OSError:
                pass


DEEDS = {
    "/flood": flood,
    "/endless-line": endless_line,
    "/strange-bytes": strange_bytes,
    "/nonsense": talk_nonsense,
    "/close-output": close_output,
    "/close-control": lambda _: os.close(4),
    "/close-listener": lambda _: os.close(3),
    "/close-everything": close_everything,
    "/garbage": answer_garbage,
    "/exhaust": exhaust_memory,
    "/child": leave_child,
    "/daemon": leave_daemon,
    "/bomb": bomb,
    "/exit": os._exit,
    "/crash": lambda _: ctypes.string_at(0),
    "/kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "/stop": lambda _: os.kill(os.getpid(), signal.SIGSTOP),
}


def half_an_answer():
    yield b"the first half\n" * 100
    yield b"and then\n"
    os._exit(3)


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/half":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "100000")])
        return half_an_answer()
    if path == "/long-head":
        start_response("200 OK", [("X-Long", "x" * MIB)])
        return [b"never seen\n"]
    if path in DEEDS:
        DEEDS[path](int(environ["QUERY_STRING"] or 0))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()}\n".encode()]
