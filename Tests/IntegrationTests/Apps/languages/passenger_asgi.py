import facts


async def lifespan(receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            facts.note("ended")
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(receive, send)
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    raw, query = scope["raw_path"].decode(), scope["query_string"].decode()
    page = facts.page(
        scope["method"],
        raw + ("?" + query if query else ""),
        scope["root_path"],
        scope["path"][len(scope["root_path"]) :],
        query,
        dict(scope["headers"]).get(b"content-type", b"").decode(),
        body,
    )
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": page})
