"""The smallest answer WSGI gives, so that what is measured is the way to it.

/bytes/N answers with N bytes, /pid with the process, a POST to another path than / with the length of its body.
"""

import os

BLOCK = b"x" * 65536


def blocks(length):
    """An answer of many bytes, made while it is sent."""
    for _ in range(length // len(BLOCK)):
        yield BLOCK
    if length % len(BLOCK):
        yield BLOCK[:length % len(BLOCK)]


def body_length(environ):
    left = length = int(environ.get("CONTENT_LENGTH") or 0)
    while left:
        block = environ["wsgi.input"].read(min(left, len(BLOCK)))
        if not block:
            break
        left -= len(block)
    return length - left


def text(start_response, body):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/":
        return text(start_response, b"hello world\n")
    if environ["REQUEST_METHOD"] == "POST":
        return text(start_response, b"%d\n" % body_length(environ))
    if path == "/pid":
        return text(start_response, b"%d\n" % os.getpid())
    length = int(path.split("/")[2])
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(length))])
    return blocks(length)
