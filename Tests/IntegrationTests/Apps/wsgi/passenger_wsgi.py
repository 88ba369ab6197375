import hashlib
import os
import pwd
import re
import sys
import time

BLOCK = bytes(range(256)) * 256
requests = 0


def status_fields():
    with open("/proc/self/status") as file:
        return "".join(line for line in file if re.match(r"(Uid|Gid|Groups|CapEff|NoNewPrivs):", line))


def echo(stream):
    digest = hashlib.sha256()
    length = 0
    while part := stream.read(65536):
        digest.update(part)
        length += len(part)
    return f"{length} {digest.hexdigest()}\n"


def stream(bytes_left):
    while bytes_left > 0:
        yield BLOCK[:bytes_left]
        bytes_left -= len(BLOCK)


def page(environ, number):
    path = environ["PATH_INFO"]
    if path == "/":
        return (
            f"app: wsgi\nuser: {pwd.getpwuid(os.getuid()).pw_name}\npid: {os.getpid()}\n"
            f"script name: {environ['SCRIPT_NAME']}\nrequests: {requests}\n"
        )
    if path == "/pid":
        return f"{os.getpid()}\n"
    if path == "/interpreter":
        return f"{sys.executable}\n{sys.prefix}\n"
    if path == "/ids":
        return status_fields()
    if path == "/env":
        return "".join(f"{name}={value}\n" for name, value in os.environ.items())
    if path == "/request":
        return "".join(f"{name}={value}\n" for name, value in sorted(environ.items()) if isinstance(value, str))
    if path == "/echo":
        return echo(environ["wsgi.input"])
    if path == "/sleep":
        time.sleep(number / 1000)
        return f"{os.getpid()}\n"
    if path == "/exit":
        os._exit(7)
    return None


def application(environ, start_response):
    global requests
    requests += 1
    match = re.search(r"=(\d+)", environ["QUERY_STRING"])
    number = int(match.group(1)) if match else 0
    if environ["PATH_INFO"] == "/download":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(number))])
        return stream(number)
    if environ["PATH_INFO"] == "/chunks":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (f"line {line}\n".encode() for line in range(number))
    text = page(environ, number)
    if text is None:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"no such page in the application\n"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
