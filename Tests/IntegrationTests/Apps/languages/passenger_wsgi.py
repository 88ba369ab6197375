import atexit

import facts

atexit.register(facts.note, "ended")


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    names = ["REQUEST_METHOD", "REQUEST_URI", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"]
    page = facts.page(*[environ[name] for name in names], environ.get("CONTENT_TYPE", ""), body)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [page]
