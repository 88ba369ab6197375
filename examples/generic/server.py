"""A server in no framework at all, started by `passenger_app_start_command`.

Two ways to know where to listen, and the daemon offers both:
  LISTEN_FDS   the listening socket is there already, as descriptor 3 (the convention of systemd); nothing to bind
  PORT         a free port on the loopback address, for servers that can only bind one themselves
"""

import http.server
import os
import pwd
import socket

requests = 0


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        global requests
        requests += 1
        page = (
            "app: generic\n"
            f"user: {pwd.getpwuid(os.getuid()).pw_name}\n"
            f"pid: {os.getpid()}\n"
            f"script name: {os.environ.get('PASSENGER_BASE_URI', '')}\n"
            f"requests: {requests}\n"
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(page)

    do_HEAD = do_GET

    def address_string(self):
        return "front"


class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        inherited = os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1"
        address = ("127.0.0.1", int(os.environ.get("PORT", "8000")))
        super().__init__(address, Page, bind_and_activate=not inherited)
        if inherited:
            self.socket.close()
            self.socket = socket.socket(fileno=3)

    def get_request(self):
        connection, address = self.socket.accept()
        # A Unix socket has no address of the client; BaseHTTPRequestHandler wants one.
        return connection, address or ("front", 0)


if __name__ == "__main__":
    Server().serve_forever()
