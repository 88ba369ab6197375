"""An application with 50 MiB of objects that it makes while it is loaded, as code and its tables are, and a few that each
request makes."""

OBJECTS = [{"number": number, "text": f"text {number}"} for number in range(160_000)]


def application(environ, start_response):
    words = [entry["text"].upper() for entry in OBJECTS[:1000]]
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "12")])
    return [b"hello world\n" if words else b""]
