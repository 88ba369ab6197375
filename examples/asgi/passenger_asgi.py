"""A small ASGI application without a framework: a page, events that go on, a WebSocket. The callable is named `application`."""

import asyncio
import os
import pwd

requests = 0


async def page(scope, send):
    global requests
    requests += 1
    text = (
        "app: asgi\n"
        f"user: {pwd.getpwuid(os.getuid()).pw_name}\n"
        f"pid: {os.getpid()}\n"
        f"script name: {scope['root_path']}\n"
        f"requests: {requests}\n"
    )
    await answer(send, 200, text)


async def answer(send, status, text):
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain; charset=utf-8")]})
    await send({"type": "http.response.body", "body": text.encode()})


async def events(receive, send):
    """Server-sent events until the client leaves; try it with `curl -N`."""
    leaving = asyncio.ensure_future(until_disconnect(receive))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    number = 0
    while not leaving.done():
        number += 1
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await asyncio.wait([leaving], timeout=1)


async def until_disconnect(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def echo(receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")})


async def lifespan(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    print(f"{requests} pages were asked for", flush=True)
    await send({"type": "lifespan.shutdown.complete"})


async def application(scope, receive, send):
    # The path has the prefix, if there is one.
    path = scope.get("path", "")[len(scope.get("root_path", "")):]
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    elif path == "/":
        await page(scope, send)
    elif path == "/events":
        await events(receive, send)
    else:
        await answer(send, 404, "There is no such page\n")
