"""The smallest WSGI application (PEP 3333): a callable named `application`."""

import os
import pwd

requests = 0


def application(environ, start_response):
    global requests
    requests += 1
    page = (
        "app: wsgi\n"
        f"user: {pwd.getpwuid(os.getuid()).pw_name}\n"
        f"pid: {os.getpid()}\n"
        f"script name: {environ['SCRIPT_NAME']}\n"
        f"requests: {requests}\n"
    ).encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(page)))])
    return [page]
