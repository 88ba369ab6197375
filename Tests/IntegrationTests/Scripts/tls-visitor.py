#!/usr/bin/python3
"""tls-visitor.py PORT PLAIN_PORT HOST: visits the notice board of scripts/make-app behind a terminator of TLS, as a
client that lies about itself, and prints what it sees, one "name: value" per line. Its address is 127.0.0.9."""
import base64
import hashlib
import http.client
import json
import os
import ssl
import socket
import sys

PORT, PLAIN_PORT, HOST = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
SOURCE = ("127.0.0.9", 0)
NAME = "%s:%d" % (HOST, PORT)
LIES = {
    "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "1", "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6;proto=http;host=evil.example",
}


def connect():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", PORT), 30, SOURCE)
    return context.wrap_socket(plain, server_hostname=HOST)


def client():
    connection = http.client.HTTPSConnection(HOST, PORT)
    connection.sock = connect()
    return connection


def ask(method, path, body=None, **headers):
    connection = client()
    connection.request(method, path, body, {"Host": NAME, **headers})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response, text


def say(name, value):
    print("%s: %s" % (name, value), flush=True)


def plain():
    connection = http.client.HTTPConnection("127.0.0.1", PLAIN_PORT, timeout=30, source_address=SOURCE)
    connection.request("GET", "/a?b", headers={"Host": HOST})
    response = connection.getresponse()
    say("plain", "%d %s" % (response.status, response.getheader("Location")))


def facts():
    response, text = ask("GET", "/facts", **LIES)
    say("status", response.status)
    for name, value in json.loads(text).items():
        say(name, value)
    response, text = ask("GET", "/headers")
    say("forwarded", json.loads(text))
    response, text = ask("GET", "/headers", **LIES)
    say("forwarded-of-a-liar", json.loads(text))


def uploads():
    content = os.urandom(3_000_000)
    response, text = ask("PUT", "/files/content", content)
    say("upload", json.loads(text)["sha256"] == hashlib.sha256(content).hexdigest())
    parts = (content[start:start + 70_000] for start in range(0, len(content), 70_000))
    response, text = ask("PUT", "/files/content", parts)
    say("chunked", json.loads(text)["sha256"] == hashlib.sha256(content).hexdigest())
    response, text = ask("GET", "/files/content", Range="bytes=-9")
    say("range", response.status == 206 and text == content[-9:])


def pin():
    return ask("POST", "/notices", "text=news", **{"Content-Type": "application/x-www-form-urlencoded"})


def events():
    connection = client()
    connection.request("GET", "/events", headers={"Host": NAME})
    response = connection.getresponse()
    seen = [response.readline()]
    response.readline()
    posted, _ = pin()
    say("redirect", "%d %s" % (posted.status, posted.getheader("Location")))
    seen.append(response.readline())
    say("events", b"".join(seen))
    response.close()
    connection.close()


def web_socket():
    stream = connect()
    stream.sendall((
        "GET /chat HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: %s\r\n\r\n" % (NAME, base64.b64encode(os.urandom(16)).decode())).encode())
    file = stream.makefile("rb")
    status = file.readline().split()[1].decode()
    while file.readline() != b"\r\n":
        pass
    say("upgrade", status)

    def frame():
        head = file.read(2)
        return file.read(head[1] & 127).decode()
    say("welcome", frame())
    mask = b"\x01\x02\x03\x04"
    text = b"hello"
    stream.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
    say("echo", frame())
    stream.close()


def many():
    for _ in range(30):
        pin()


for visit in (plain, facts, uploads, events, web_socket, many):
    visit()
