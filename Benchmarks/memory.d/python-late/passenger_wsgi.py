"""An application of which the first request loads 20 MiB, as modules that are imported when they are needed and their tables
are, and a few objects that each request makes."""


def application(environ, start_response):
    from objects import OBJECTS
    words = [entry["text"].upper() for entry in OBJECTS[:1000]]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"hello world\n" if words else b""]
