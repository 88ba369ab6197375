#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A peer of the daemon's socket that is up to no good: speaks the frames of docs/protocol.md, and breaks them.

    hostile-peer.py SOCKET COMMAND...

Each command is one argument; what it led to is one line of output. The last connection that was opened is the one that
commands are about.
"""

import array
import os
import re
import select
import shlex
import signal
import socket
import struct
import sys
import threading
import time

HELLO, REPLY, PING, PONG, ATTACHED = 1, 2, 3, 4, 5
MANIFEST, DEFINE, CHECKOUT, RELEASE = 0x10, 0x11, 0x12, 0x14
ACCEPTED, REJECTED, GRANTED, REFUSED = 0x40, 0x41, 0x42, 0x43
ADMIN_REQUEST = 0x60
CONTROL, STREAM, ADMIN = 1, 2, 3


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack("!I", len(data)) + data


def settings(words):
    pairs = [word.split("=", 1) for word in words]
    return struct.pack("!I", len(pairs)) + b"".join(text(name) + text(value) for name, value in pairs)


def optional(token):
    return b"\1" + bytes.fromhex(token) if token else b"\0"


def frame(kind, payload=b""):
    return struct.pack("!IB", len(payload) + 1, kind) + payload


def hello(role, front="", token=None, stream=None):
    return frame(
        HELLO,
        struct.pack("!IHH", 0x464C5950, 1, 0) + text("hostile peer") + struct.pack("!BQ", role, 0) + text(front)
        + optional(token) + optional(stream),
    )


def lingering(seconds):
    """A connection whose last holder waits for so long when it closes it, and what keeps it that way."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1)
    client = socket.create_connection(listener.getsockname())
    server = listener.accept()[0]
    client.setblocking(False)
    try:
        while True:
            client.send(b"x" * 65536)
    except BlockingIOError:
        pass
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, seconds))
    return client, (listener, server)


def send_lingering(peer, data, seconds=20, times=3):
    """Sends bytes with a descriptor that nobody else holds any more, again and again; None if it could not be sent."""
    kept, refused = [], []

    def send(client):
        try:
            peer.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [client.fileno()]))])
        except PermissionError:
            refused.append(client)
        except OSError:
            pass  # the peer has had enough
        # Whoever closes it last waits: now and then that is the sender.
        client.close()

    for _ in range(times):
        client, rest = lingering(seconds)
        kept.append(rest)
        thread = threading.Thread(target=send, args=(client,), daemon=True)
        thread.start()
        thread.join(0.2)
        if refused:
            return None
    return kept


class Peer:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.pending = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def receive(self):
        """The next frame that is no ping; None when the daemon has closed."""
        while True:
            if len(self.pending) >= 4:
                length = struct.unpack("!I", self.pending[:4])[0]
                if len(self.pending) >= 4 + length:
                    body = self.pending[4:4 + length]
                    self.pending = self.pending[4 + length:]
                    if body[0] not in (PING, PONG):
                        return body[0], body[1:]
                    continue
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self.pending += data

    def is_closed(self, seconds):
        """Whether the daemon closes within so much time; what it still sends is dropped."""
        end = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        while poll.poll(max(0, end - time.monotonic()) * 1000):
            try:
                if not self.socket.recv(65536):
                    return True
            except ConnectionResetError:
                return True
        return False


def first_text(payload, offset=0):
    length = struct.unpack_from("!I", payload, offset)[0]
    return payload[offset + 4:offset + 4 + length].decode()


class Attack:
    def __init__(self, path):
        self.path = path
        self.peer = None
        self.requests = 0
        self.session = None
        self.token = None
        self.kept = []

    # Connections.

    def reply(self):
        answer = self.peer.receive()
        if answer is None:
            return "closed"
        kind, payload = answer
        if kind == ATTACHED:
            return "attached"
        assert kind == REPLY, kind
        offset = 8 + 4 + struct.unpack_from("!I", payload, 8)[0]
        if payload[offset]:
            return "refused " + first_text(payload, offset + 1)
        return "connected %d" % struct.unpack_from("!Q", payload, offset + 1 + 8)[0]

    def control(self, front="hostile", token=None):
        self.peer = Peer(self.path)
        self.peer.send(hello(CONTROL, front, token))
        return self.reply()

    def admin(self):
        self.peer = Peer(self.path)
        self.peer.send(hello(ADMIN))
        return self.reply()

    def stream(self, token=None):
        """With the token of the last grant, or another one; the control connection stays the one commands are about."""
        control, self.peer = self.peer, Peer(self.path)
        self.kept.append(self.peer)
        self.peer.send(hello(STREAM, stream=token or self.token))
        try:
            return self.reply()
        finally:
            self.peer = control

    def keep(self):
        """The connection stays open when commands are about another one."""
        self.kept.append(self.peer)
        return "kept"

    def close(self):
        self.peer.socket.close()
        return "left"

    def wait(self, seconds):
        time.sleep(float(seconds))
        return "waited"

    def hold(self):
        print("holding", flush=True)
        signal.pause()

    # Messages.

    def manifest(self, front, generation, uid, token, group, *words):
        app = text(group) + settings(words) + b"\0"
        self.peer.send(
            frame(
                MANIFEST,
                text(front) + struct.pack("!QI", int(generation), int(uid)) + bytes.fromhex(token)
                + struct.pack("!I", 1) + app,
            )
        )
        # What comes back behind it proves that it was read.
        return "sent, " + self.define(4_000_000_000, "probe").split()[0]

    def pre_starts(self, front, generation, uid, token, group, count, *words):
        """A manifest of many apps, each to be started without a request."""
        body = settings(words)
        apps = b"".join(text("%s%d" % (group, n)) + body + b"\1" for n in range(int(count)))
        head = text(front) + struct.pack("!QI", int(generation), int(uid)) + bytes.fromhex(token)
        self.peer.send(frame(MANIFEST, head + struct.pack("!I", int(count)) + apps))
        return "sent, " + self.define(4_000_000_000, "probe").split()[0]

    def define(self, number, group, *words):
        self.peer.send(frame(DEFINE, struct.pack("!I", int(number)) + text(group) + settings(words)))
        answer = self.peer.receive()
        if answer is None:
            return "closed"
        kind, payload = answer
        assert kind in (ACCEPTED, REJECTED), kind
        return "accepted" if kind == ACCEPTED else "rejected " + first_text(payload, 4)

    def each(self, first, count):
        """A request for each of many apps, none of which is ever given back."""
        blob = b"".join(self.checkout_frame(n) for n in range(int(first), int(first) + int(count)))
        return self.exchange(blob, int(count), (GRANTED, REFUSED), ("granted", "refused"))

    def statuses(self, count):
        """Asks for the status again and again, one request after the other's answer: how long it took."""
        request = frame(ADMIN_REQUEST, struct.pack("!Q", 1) + b'{"command":"status"}')
        start = time.monotonic()
        for _ in range(int(count)):
            self.peer.send(request)
            if self.peer.receive() is None:
                return "closed"
        return "%.1f" % (time.monotonic() - start)

    def checkout_frame(self, number):
        self.requests += 1
        return frame(
            CHECKOUT, struct.pack("!QIII", self.requests, int(number), 0, 0) + text("GET") + text("/hostile")
        )

    def checkout(self, number):
        self.peer.send(self.checkout_frame(number))
        answer = self.peer.receive()
        if answer is None:
            return "closed"
        kind, payload = answer
        if kind == REFUSED:
            return "refused %d" % payload[8]
        assert kind == GRANTED, kind
        self.session = payload[8:16]
        self.token = payload[24:40].hex()
        return "granted %d %s" % (struct.unpack_from("!i", payload, 40)[0], self.token)

    def release(self):
        self.peer.send(frame(RELEASE, self.session + b"\3"))
        return "released"

    # Floods.

    def raw(self, data, seconds="5"):
        """Bytes as they are, `*N` behind them for repetition."""
        match = re.fullmatch(r"([0-9a-f]*)(?:\*(\d+))?", data)
        self.peer = Peer(self.path) if self.peer is None else self.peer
        self.peer.send(bytes.fromhex(match[1]) * int(match[2] or 1))
        return "closed" if self.peer.is_closed(float(seconds)) else "open"

    def linger(self):
        """Sends a descriptor that it takes a long time to close, with a request or before a first frame."""
        self.peer = Peer(self.path) if self.peer is None else self.peer
        request = frame(ADMIN_REQUEST, struct.pack("!Q", 1) + b'{"command":"status"}')
        rest = send_lingering(self.peer.socket, request)
        self.kept.append(rest)
        return "sent" if rest else "refused"

    def halve(self):
        """Says no more and goes on listening."""
        self.peer.socket.shutdown(socket.SHUT_WR)
        return "closed" if self.peer.is_closed(5) else "open"

    def fresh(self):
        """A connection that says nothing yet."""
        self.peer = Peer(self.path)
        return "silent"

    def silent(self, count):
        """Connections that never say anything: how many the daemon closed at once, and after how long the last."""
        peers = [Peer(self.path) for _ in range(int(count))]
        start = time.monotonic()
        at_once = sum(peer.is_closed(0.002) for peer in peers)
        print("silent", flush=True)
        rest = sum(peer.is_closed(4) for peer in peers)
        return "%d at once, %d after %.1f s" % (at_once, rest - at_once, time.monotonic() - start)

    def controls(self, count):
        """Control connections: how many are answered, how many closed."""
        answers = []
        for _ in range(int(count)):
            answers.append(self.control().split()[0])
            self.kept.append(self.peer)
        return "%d connected, %d closed" % (answers.count("connected"), answers.count("closed"))

    def admins(self, count):
        answers = []
        for _ in range(int(count)):
            answers.append(self.admin().split()[0])
            self.kept.append(self.peer)
        return "%d connected, %d closed" % (answers.count("connected"), answers.count("closed"))

    def streams(self, count):
        answers = [self.stream().split()[0] for _ in range(int(count))]
        return "%d attached, %d closed" % (answers.count("attached"), answers.count("closed"))

    def wrong_streams(self, count):
        """Streams with a token that opens nothing, as fast as they can: how many were told so."""
        told = 0
        for _ in range(int(count)):
            peer = self.patiently()
            peer.send(hello(STREAM, stream="00" * 16))
            told += peer.receive() is not None
            peer.socket.close()
        return "%d told" % told

    def closed_unread(self, count):
        """Connections whose Hello is not worth an answer."""
        closed = 0
        for _ in range(int(count)):
            peer = Peer(self.path)
            peer.send(hello(CONTROL, "stranger"))
            closed += peer.receive() is None
        return "%d closed" % closed

    def broken_frames(self, count):
        """Connections that send a frame which does not parse."""
        closed = 0
        for _ in range(int(count)):
            self.control()
            self.peer.send(frame(0xEE, b"\n" * 8))
            closed += self.peer.is_closed(5)
        return "%d closed" % closed

    def defines(self, first, count, group, *words):
        """Many apps in one go: how many were accepted, rejected, and whether the daemon closed."""
        peer = self.peer
        body = settings(words)
        numbers = range(int(first), int(first) + int(count))
        blob = b"".join(frame(DEFINE, struct.pack("!I", n) + text("%s%d" % (group, n)) + body) for n in numbers)
        return self.exchange(blob, int(count), (ACCEPTED, REJECTED), ("accepted", "rejected"))

    def checkouts(self, number, count):
        blob = b"".join(self.checkout_frame(number) for _ in range(int(count)))
        return self.exchange(blob, int(count), (GRANTED, REFUSED), ("granted", "refused"))

    def flips(self, group, count, *words):
        """Other settings for the same app again and again: how many were accepted and rejected."""
        frames = []
        for n in range(int(count)):
            body = settings([*words, "max_request_queue_size=%d" % (1 + n % 100)])
            frames.append(frame(DEFINE, struct.pack("!I", 1) + text(group) + body))
        return self.exchange(b"".join(frames), int(count), (ACCEPTED, REJECTED), ("accepted", "rejected"))

    def pings(self, connections, seconds, role="admin", **named):
        """Pings without a pause on so many connections: how many were answered."""
        peers = []
        for _ in range(int(connections)):
            getattr(self, role)(**named)
            self.peer.socket.setblocking(False)
            peers.append(self.peer.socket)
        return "%d answered" % self.flood(peers, frame(PING, bytes(8)), float(seconds))

    def flood(self, sockets, one, seconds):
        """What came back, in frames of the same length."""
        block, heard, end = one * (32768 // len(one)), 0, time.monotonic() + seconds
        while time.monotonic() < end and sockets:
            readable, writable, _ = select.select(sockets, sockets, [], 0.1)
            for sock in readable:
                try:
                    if not (data := sock.recv(1 << 20)):
                        sockets.remove(sock)
                    heard += len(data)
                except (BlockingIOError, ConnectionResetError):
                    pass
            for sock in writable:
                try:
                    sock.send(block)
                except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                    pass
        return heard // len(one)

    def parked(self, connections, requests, size):
        """On each of many connections many requests of so many bytes, none of whose answers is read."""
        one = frame(ADMIN_REQUEST, struct.pack("!Q", 1) + b'{"command":"status"}'.ljust(int(size)))
        taken = 0
        for _ in range(int(connections)):
            if not self.admin().startswith("connected"):
                continue
            self.kept.append(self.peer)
            self.peer.socket.settimeout(0.05)
            try:
                self.peer.socket.sendall(one * int(requests))
                taken += 1
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass
        return "%d took everything" % taken

    # As many users: only root can be them all.

    def as_user(self, uid, action):
        os.seteuid(int(uid))
        try:
            return action()
        finally:
            os.seteuid(0)

    def crowd(self, users, connections, first="20000"):
        """Silent and admin connections of many users, all kept: how many are still open at the end."""
        peers, hello_frame = [], hello(ADMIN)
        for uid in range(int(first), int(first) + int(users)):
            for n in range(int(connections)):
                peers.append(self.as_user(uid, self.patiently))
                if n % 2:
                    peers[-1].send(hello_frame)
        self.kept += peers
        # Whoever was closed in place of another one is at its end, behind what it was sent.
        time.sleep(0.5)
        return "%d of %d open" % (sum(not peer.is_closed(0) for peer in peers), len(peers))

    def patiently(self):
        """A connection, even if many wait to be accepted."""
        while True:
            try:
                return Peer(self.path)
            except BlockingIOError:
                time.sleep(0.001)

    def mistakes(self, users, seconds, first="20000"):
        """Connections of many users in turn, each with bytes that are no frames."""
        end, made, uid = time.monotonic() + float(seconds), 0, 0
        while time.monotonic() < end:
            uid = (uid + 1) % int(users)
            try:
                peer = self.as_user(int(first) + uid, lambda: Peer(self.path))
            except OSError:
                continue
            peer.send(hello(ADMIN) + frame(0xEE, b"\n" * 8))
            peer.socket.close()
            made += 1
        return "%d made" % made

    def exchange(self, blob, count, kinds, names):
        """Sends while it reads; ends with as many answers, with the connection, or when nothing comes any more."""
        sock, view, answers, closed = self.peer.socket, memoryview(blob), {}, False
        sock.setblocking(False)
        while sum(answers.values()) < count and not closed:
            readable, writable, _ = select.select([sock], [sock] if view else [], [], 1)
            if not readable and not writable:
                break
            try:
                if writable:
                    view = view[sock.send(view[:65536]):]
                if readable:
                    data = sock.recv(1 << 20)
                    closed = not data
                    self.peer.pending += data
            except (BrokenPipeError, ConnectionResetError):
                closed = True
            while len(self.peer.pending) >= 5:
                length = struct.unpack("!I", self.peer.pending[:4])[0]
                if len(self.peer.pending) < 4 + length:
                    break
                kind = self.peer.pending[4]
                answers[kind] = answers.get(kind, 0) + 1
                self.peer.pending = self.peer.pending[4 + length:]
        sock.settimeout(10)
        counts = ", ".join("%d %s" % (answers.get(kind, 0), name) for kind, name in zip(kinds, names))
        return counts + (", closed" if closed else "")

    def deaf(self, megabytes, request=""):
        """Asks and asks and reads nothing: whether the daemon has enough of it."""
        sock = self.peer.socket
        one = frame(ADMIN_REQUEST, struct.pack("!Q", 1) + request.encode()) if request else frame(PING, bytes(8))
        block = one * (65536 // len(one))
        sent, limit = 0, int(megabytes) << 20
        sock.settimeout(1)
        try:
            while sent < limit:
                sent += sock.send(block)
        except (BrokenPipeError, ConnectionResetError):
            return "closed"
        except TimeoutError:
            return "stuck after %d KiB" % (sent >> 10)
        return "sent everything"


def main():
    attack = Attack(sys.argv[1])
    for command in sys.argv[2:]:
        name, *words = shlex.split(command)
        named = dict(word[1:].split("=", 1) for word in words if word.startswith("@"))
        plain = [word for word in words if not word.startswith("@")]
        print(getattr(attack, name)(*plain, **named), flush=True)


if __name__ == "__main__":
    main()
