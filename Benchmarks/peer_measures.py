"""What `peers` measures of a lane: each function makes one round and returns its figures, by "case: figure, unit"."""

import os
import socket
import subprocess
import time

from stacks import cpu_nanoseconds, load, memory_kilobytes, wait_until

MEBIBYTE = 1024 * 1024
LARGE = 100
# Seconds after which a kept connection counts as silent.
SILENCE = 10


def under_load(lane, name, connections, seconds, path="/", script=None, unit="requests/s", scale=1):
    """One run of wrk, with the processor time of layer and application."""
    processes = lane.processes()
    before = [cpu_nanoseconds(pids) for pids in processes]
    requests, failed, median, p99 = load(lane.port, connections, seconds, path, script)
    if failed:
        print(f"  {lane.title}, {name}: {failed} of {requests} requests failed", flush=True)
    if not requests:
        return {}
    layer, application = (
        (cpu_nanoseconds(pids) - start) / 1000 / requests for pids, start in zip(processes, before)
    )
    return {
        f"{name}: {unit}": requests / seconds * scale, f"{name}: layer, µs": layer, f"{name}: app, µs": application,
        f"{name}: p50, ms": median, f"{name}: p99, ms": p99, **({f"{name}: failed": failed} if failed else {}),
    }


def hello(lane, options):
    figures = {}
    for connections in options.connections:
        figures |= under_load(lane, f"hello {connections}", connections, options.seconds)
    return figures


def medium(lane, options):
    return under_load(lane, "10 KiB 32", 32, options.seconds, "/bytes/10240")


def static(lane, options):
    return under_load(lane, "static file 32", 32, options.seconds, "/static.bin") if lane.static else {}


def bodies(lane, options):
    figures = {}
    for name, path, script in (("down", f"/bytes/{MEBIBYTE}", None), ("up", "/upload", options.upload)):
        figures |= {
            key: value
            for key, value in under_load(lane, f"1 MiB {name}", 4, options.seconds, path, script, unit="MiB/s").items()
            if "p50" not in key
        }
    figures |= transfer(lane, f"{LARGE} MiB down", f"/bytes/{LARGE * MEBIBYTE}")
    return figures | transfer(lane, f"{LARGE} MiB up", "/upload", "-H", "Expect:", "--data-binary", f"@{options.large}")


def transfer(lane, name, path, *arguments):
    """One large body by curl."""
    processes = lane.processes()
    before = [cpu_nanoseconds(pids) for pids in processes]
    began = time.monotonic()
    result = subprocess.run(
        ["curl", "-s", "--noproxy", "*", "--max-time", "60", "-w", "%{stderr}%{http_code} %{size_download}", *arguments,
         f"http://127.0.0.1:{lane.port}{path}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )
    seconds = time.monotonic() - began
    expected = len(f"{LARGE * MEBIBYTE}\n") if arguments else LARGE * MEBIBYTE
    if result.stderr != f"200 {expected}":
        print(f"  {lane.title}, {name}: failed with {result.stderr}", flush=True)
        return {}
    layer, application = ((cpu_nanoseconds(pids) - start) / 1e6 for pids, start in zip(processes, before))
    return {f"{name}: MiB/s": LARGE / seconds, f"{name}: layer, ms": layer, f"{name}: app, ms": application}


def start(lane, options):
    """A cold start of everything, until the first answer, and what it then holds; nothing else is up, so nothing is shared."""
    figures = {"cold start: ms": lane.begin()}
    lane.settle()
    layer, application = lane.processes()
    for kind, suffix in (("Pss", "MiB"), ("Pss_Anon", "MiB without program pages")):
        figures[f"memory when idle: layer, {suffix}"] = memory_kilobytes(layer, kind) / 1024
        figures[f"memory when idle: app, {suffix}"] = memory_kilobytes(application, kind) / 1024
    lane.stop()
    return figures


def restart(lane, options):
    """From the order to the first answer of a new process of the application."""
    if not lane.restart:
        return {}
    lane.settle()
    before = set(lane.processes()[1])
    began = time.monotonic()
    lane.restart()

    def replaced():
        answer = lane.fetch("/pid")
        return answer and int(answer) not in before

    wait_until(replaced, f"a new process of {lane.title}", 60, pause=0.002)
    figures = {"restart: ms": (time.monotonic() - began) * 1000}
    lane.settle()
    return figures


def idle(lane, options):
    """Connections that had one answer and are kept: proportional memory of the layer for each."""
    if not lane.holds:
        return {}
    pids = lane.processes()[0]
    before = memory_kilobytes(pids)
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    held = []
    try:
        for _ in range(options.idle):
            connection = socket.create_connection(("127.0.0.1", lane.port), 10)
            held.append(connection)
            connection.sendall(request)
            if not connection.recv(4096).startswith(b"HTTP/1.1 200"):
                raise OSError("no good answer")
        asked = memory_kilobytes(pids) - before
        time.sleep(SILENCE)
        silent = memory_kilobytes(pids) - before
    except OSError as error:
        print(f"  {lane.title}: {len(held)} connections held, then: {error}", flush=True)
        return {}
    finally:
        for connection in held:
            connection.close()
    name = f"{options.idle} kept connections"
    return {
        f"{name}: each, KiB": asked / options.idle, f"{name}: each after {SILENCE} s, KiB": silent / options.idle,
    }


# `start` and `many` start their stacks themselves; the others find them up.
MEASURES = {
    "restart": restart, "hello": hello, "medium": medium, "static": static, "bodies": bodies, "idle": idle,
}
