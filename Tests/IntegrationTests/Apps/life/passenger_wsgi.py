"""Does to its own processes and output what applications do that daemons dislike."""

import ctypes
import os
import re
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.abspath(__file__))

if os.path.exists(f"{ROOT}/slow-start"):
    print("loading", os.getpid(), file=sys.stderr, flush=True)
    time.sleep(60)


def weights():
    """What its threads and its session get of the processors beside others (fields of proc(5), sched(7))."""
    threads = []
    for number in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{number}/stat") as file:
            threads.append(file.read().rpartition(")")[2].split()[16])
    try:
        with open("/proc/self/autogroup") as file:
            session = file.read().split()[2]
    except FileNotFoundError:
        session = "none"
    return f"{','.join(threads)} {session}"


threading.Thread(target=threading.Event().wait, daemon=True).start()
AT_START = weights()
# A start that is as slow as one that others keep from a processor.
while os.path.exists(f"{ROOT}/starved-start") and weights() == AT_START:
    time.sleep(0.01)


def daemonize(arguments):
    """Starts a program as daemons start themselves; its PID."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open("/dev/null", os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(null, number)
            os.write(writer, b"%d" % os.getpid())
            os.closerange(3, 256)
            os.execvp(arguments[0], arguments)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    pid = int(os.read(reader, 32))
    os.close(reader)
    return pid


def leave(number):
    """Leaves so many programs behind at once, each in a session of its own."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os.closerange(3, 256)
        for _ in range(number):
            subprocess.Popen(
                ["sleep", "1000"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        os._exit(0)
    os.waitpid(child, 0)


def lose_first_thread():
    """Goes on in a thread of its own, without the one that the kernel shows the state of."""
    threading.Thread(target=threading.Event().wait).start()
    # exit(2) ends the calling thread only; 60 is its number on x86-64, 93 elsewhere.
    ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)


def write(data):
    while data:
        data = data[os.write(2, data):]


def page(path, number):
    if path == "/sleep":
        time.sleep(number / 1000)
    elif path == "/exit":
        os._exit(7)
    elif path == "/weights":
        return f"at start: {AT_START}\nnow: {weights()}"
    elif path == "/child":
        return subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL).pid
    elif path == "/daemon":
        return daemonize(["sleep", "1000"])
    elif path == "/orphans":
        for _ in range(number):
            daemonize(["true"])
    elif path == "/leave":
        leave(number)
    elif path == "/headless":
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() > 0:
                os._exit(0)
            os.write(writer, b"%d" % os.getpid())
            os.closerange(0, 256)
            lose_first_thread()
        return int(os.read(reader, 32))
    elif path == "/storm":
        # Starts programs that start programs, and never waits for the second ones.
        return daemonize(["sh", "-c", "while :; do (true &); (true &); sleep 0.005; done"])
    elif path == "/lines":
        # Numbered, with a length that tells a cut one.
        write(b"".join(b"<%08d %s>\n" % (line, b"x" * (line % 90)) for line in range(number, number + 200)))
    elif path == "/flood":
        block = (b"flood " + b"x" * 93 + b"\n") * 1000
        for _ in range(number):
            write(block)
    elif path == "/endless":
        for _ in range(number):
            write(b"e" * 65536)
        write(b"\n")
    elif path == "/odd":
        write(b"odd \xff\xfe\x80 bytes\n")
    elif path == "/last-words":
        write(b"last words without a line end")
        os._exit(0)
    return os.getpid()


def application(environ, start_response):
    match = re.search(r"=(\d+)", environ["QUERY_STRING"])
    text = page(environ["PATH_INFO"], int(match.group(1)) if match else 0)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{text}\n".encode()]
