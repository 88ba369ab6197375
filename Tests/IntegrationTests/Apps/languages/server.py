"""A server of its own, on the inherited socket."""

import http.server
import os
import signal
import socket
import urllib.parse

import facts

PREFIX = os.environ.get("PASSENGER_BASE_URI", "")


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        page = facts.page(
            self.command,
            self.path,
            PREFIX,
            urllib.parse.unquote(path)[len(PREFIX) :],
            query,
            self.headers.get("Content-Type", ""),
            body,
        )
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


def end(*_):
    facts.note("ended")
    os._exit(0)


class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("", 0), Page, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=3)

    def get_request(self):
        connection, address = self.socket.accept()
        return connection, address or ("front", 0)


signal.signal(signal.SIGTERM, end)
Server().serve_forever()
