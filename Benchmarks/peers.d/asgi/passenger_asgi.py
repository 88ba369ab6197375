"""The smallest answer ASGI gives, so that what is measured is the way to it.

/bytes/N answers with N bytes, /pid with the process, a POST to another path than / with the length of its body.
"""

import os

BLOCK = b"x" * 65536


async def text(send, body):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def blocks(send, length):
    """An answer of many bytes, made while it is sent."""
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(length // len(BLOCK)):
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
    await send({"type": "http.response.body", "body": BLOCK[:length % len(BLOCK)]})


async def body_length(receive):
    length = 0
    while True:
        message = await receive()
        length += len(message.get("body", b""))
        if not message.get("more_body"):
            return length


async def application(scope, receive, send):
    assert scope["type"] == "http"
    path = scope["path"]
    if path == "/":
        await text(send, b"hello world\n")
    elif scope["method"] == "POST":
        await text(send, b"%d\n" % await body_length(receive))
    elif path == "/pid":
        await text(send, b"%d\n" % os.getpid())
    else:
        await blocks(send, int(path.split("/")[2]))
