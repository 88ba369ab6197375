"""Lists its own descriptors before anything else, then serves. INHERIT=1: the socket that came as descriptor 3."""

import os

descriptors = []
for number in range(1024):
    try:
        descriptors.append((number, os.readlink(f"/proc/self/fd/{number}")))
    except OSError:
        pass

import http.server
import pwd
import re
import socket


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.partition("?")[0]
        if path == "/fds":
            text = "".join(f"{number} {target}\n" for number, target in descriptors)
        elif path == "/ids":
            with open("/proc/self/status") as file:
                text = "".join(line for line in file if re.match(r"(Uid|Gid|Groups|CapEff|NoNewPrivs):", line))
        elif path == "/env":
            text = "".join(f"{name}={value}\n" for name, value in os.environ.items())
        elif path == "/pid":
            text = f"{os.getpid()}\n"
        elif path == "/request":
            text = f"{self.requestline}\n{self.headers}"
        else:
            text = f"app: generic\nuser: {pwd.getpwuid(os.getuid()).pw_name}\npid: {os.getpid()}\n"
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        inherit = os.environ.get("INHERIT") == "1"
        address = ("127.0.0.1", int(os.environ["PORT"]))
        super().__init__(address, Page, bind_and_activate=not inherit)
        if inherit:
            assert os.environ["LISTEN_PID"] == str(os.getpid()) and os.environ["LISTEN_FDS"] == "1"
            self.socket.close()
            self.socket = socket.socket(fileno=3)

    def get_request(self):
        connection, address = self.socket.accept()
        return connection, address or ("front", 0)


Server().serve_forever()
