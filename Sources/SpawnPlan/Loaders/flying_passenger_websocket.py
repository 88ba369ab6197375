# SPDX-License-Identifier: MIT
"""WebSockets (RFC 6455) for ASGI applications, over a connection that the front has upgraded.

Without extensions: compression costs memory for each connection, and the applications that need it do it themselves.
"""
import asyncio
import collections
import struct
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from hashlib import sha1

from flying_passenger_answer import complain
from flying_passenger_asgi_fields import FAILURE, STATUS_LINES, as_body, common_scope, field_lines
from flying_passenger_asgi_stream import HIGH_WATER, Call

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
# As uvicorn has them.
MAX_MESSAGE = 16 * 1024 * 1024
PING_SECONDS = 20
CLOSE_SECONDS = 10
# An empty frame counts too, or a client could fill the memory with them.
EVENT_SIZE = 256

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NORMAL, PROTOCOL_ERROR, NO_STATUS, ABNORMAL, NOT_UTF8, TOO_BIG, INTERNAL_ERROR, RESTART = (
    1000, 1002, 1005, 1006, 1007, 1009, 1011, 1012)

CONNECT, DENIAL, OPEN, CLOSING, OVER = (
    'before websocket.accept', 'within a response of its own', 'open', 'closed by the application', 'over')


class ClientDisconnected(OSError):
    """What `send` raises once the client has gone (ASGI WebSocket 2.4)."""


class Violation(Exception):
    """The client breaks the protocol; the argument is the code to close with."""


def is_websocket(variables):
    return variables[b'HTTP_UPGRADE'].lower() == b'websocket' and variables[b'REQUEST_METHOD'] == b'GET'


def handshake_problem(variables):
    """What is to be answered to a request for an upgrade that is none, if it is none."""
    if variables.get(b'HTTP_SEC_WEBSOCKET_VERSION') != b'13':
        return 426, b'Sec-WebSocket-Version: 13\r\n'
    try:
        is_key = len(b64decode(variables.get(b'HTTP_SEC_WEBSOCKET_KEY', b''), validate=True)) == 16
    except NoBase64:
        is_key = False
    return None if is_key else (400, b'')


def masked(mask, data):
    """`data` with the mask put on, or taken off."""
    size = len(data)
    mask = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, 'little') ^ int.from_bytes(mask, 'little')).to_bytes(size, 'little')


def frame(opcode, data):
    size = len(data)
    if size < 126:
        return struct.pack('!BB', 0x80 | opcode, size) + data
    if size < 65536:
        return struct.pack('!BBH', 0x80 | opcode, 126, size) + data
    return struct.pack('!BBQ', 0x80 | opcode, 127, size) + data


class Frames:
    """The frames of a client, and the messages that they make."""

    def __init__(self):
        self.data = bytearray()
        self.parts = []
        self.size = 0
        self.opcode = None  # of the message under way

    def feed(self, data):
        self.data += data

    def next(self):
        """Opcode and bytes of the next message or control frame; None: they are not here yet."""
        while True:
            found = self.next_frame()
            if found is None:
                return None
            is_last, opcode, data = found
            if opcode >= CLOSE:
                return opcode, data
            if (opcode == CONTINUATION) == (self.opcode is None):
                raise Violation(PROTOCOL_ERROR)
            self.opcode = opcode or self.opcode
            self.parts.append(data)
            self.size += len(data)
            if is_last:
                message = self.opcode, b''.join(self.parts)
                self.parts, self.size, self.opcode = [], 0, None
                return message

    def next_frame(self):
        data = self.data
        if len(data) < 2:
            return None
        first, second = data[0], data[1]
        opcode, length, start = first & 0x0F, second & 0x7F, 2
        if first & 0x70 or not second & 0x80 or opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Violation(PROTOCOL_ERROR)
        if opcode >= CLOSE and (length > 125 or not first & 0x80):
            raise Violation(PROTOCOL_ERROR)
        if length > 125:
            start = 4 if length == 126 else 10
            if len(data) < start:
                return None
            length = int.from_bytes(data[2:start], 'big')
        if self.size + length > MAX_MESSAGE:
            raise Violation(TOO_BIG)
        end = start + 4 + length
        if len(data) < end:
            return None
        payload = masked(bytes(data[start:start + 4]), data[start + 4:end])
        del data[:end]
        return bool(first & 0x80), opcode, payload


def close_reason(data):
    """Code and reason of a close frame."""
    if not data:
        return NO_STATUS, ''
    if len(data) == 1:
        raise Violation(PROTOCOL_ERROR)
    code = int.from_bytes(data[:2], 'big')
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise Violation(PROTOCOL_ERROR)
    try:
        return code, data[2:].decode()
    except UnicodeDecodeError:
        raise Violation(NOT_UTF8)


class WebSocket(Call):
    """One connection.

        CONNECT ─accept─▶ OPEN ─close of the application─▶ CLOSING ─close of the client, or too late─▶ OVER
           ├─close─▶ OVER (403)  └─close of the client, its end, violation────────────────────────────▶ OVER
           └─response of its own─▶ DENIAL ─its last part─▶ OVER
    """

    def __init__(self, stream, shape, values):
        self.stream, self.server, self.transport = stream, stream.server, stream.transport
        self.scope = common_scope('websocket', shape, values, self.server)
        variables = shape.variables(values)
        del self.scope['method']
        self.scope['scheme'] = 'wss' if self.scope['scheme'] == 'https' else 'ws'
        self.scope['asgi'] = dict(self.server.versions, spec_version='2.4')
        self.scope['extensions'] = {'websocket.http.response': {}}
        asked = variables.get(b'HTTP_SEC_WEBSOCKET_PROTOCOL', b'').decode('latin-1')
        self.scope['subprotocols'] = [name for name in (part.strip() for part in asked.split(',')) if name]
        self.problem = handshake_problem(variables)
        self.key = variables.get(b'HTTP_SEC_WEBSOCKET_KEY', b'')
        self.phase = CONNECT
        self.frames = Frames()
        self.events = collections.deque([({'type': 'websocket.connect'}, 0)])
        self.size = 0  # of the events
        self.news = asyncio.Event()
        self.timer = None
        self.is_told = False  # the application, of the end
        self.is_alive = True  # something came since the last ping
        self.head = b''  # of a response of its own, not yet sent

    def begin(self, rest):
        if self.problem is not None:
            status, field = self.problem
            return self.refuse(status, field)
        self.frames.feed(rest)
        self.start_call()
        return None

    # From the front

    def data_received(self, data):
        self.is_alive = True
        if self.phase in (CONNECT, OPEN, CLOSING):
            self.frames.feed(data)
            if self.phase is not CONNECT:
                self.read_frames()

    def read_frames(self):
        try:
            while self.phase in (OPEN, CLOSING):
                message = self.frames.next()
                if message is None:
                    return
                self.frame_received(*message)
        except Violation as violation:
            code = violation.args[0]
            self.write(frame(CLOSE, code.to_bytes(2, 'big')))
            self.over(ABNORMAL if code == PROTOCOL_ERROR else code)

    def frame_received(self, opcode, data):
        if opcode == PING:
            self.write(frame(PONG, data))
        elif opcode == CLOSE:
            code, reason = close_reason(data)
            if self.phase is OPEN:
                self.write(frame(CLOSE, data[:2]))
            self.over(code, reason)
        elif opcode != PONG and self.phase is OPEN:
            try:
                event = {'type': 'websocket.receive', 'bytes': data} if opcode == BINARY else {
                    'type': 'websocket.receive', 'text': data.decode()}
            except UnicodeDecodeError:
                raise Violation(NOT_UTF8)
            self.add(event, EVENT_SIZE + len(data))

    def add(self, event, size=0):
        self.events.append((event, size))
        self.size += size
        if self.size > HIGH_WATER:
            self.stream.pause()
        self.news.set()

    def input_ended(self):
        self.client_gone()

    def client_gone(self):
        self.over(ABNORMAL)

    def over(self, code, reason=''):
        """Nothing more comes from the client."""
        if self.phase is OVER:
            return
        self.is_gone = self.phase is not CLOSING
        self.disconnect(code, reason)
        self.end()

    def disconnect(self, code, reason=''):
        """The last event, which `receive` gives for ever."""
        if not self.is_told:
            self.is_told = True
            self.add({'type': 'websocket.disconnect', 'code': code, 'reason': reason})

    def end(self):
        self.phase = OVER
        self.disconnect(ABNORMAL)
        if self.timer is not None:
            self.timer.cancel()
        self.stream.resume_writing()
        if self.stream.exchange is self:
            self.stream.answered(keep=False)

    def ping(self):
        """A client that says nothing for two of them has gone."""
        if not self.is_alive:
            return self.over(ABNORMAL)
        self.is_alive = False
        self.write(frame(PING, b''))
        self.timer = self.server.loop.call_later(PING_SECONDS, self.ping)
        return None

    def write(self, data):
        if not self.transport.is_closing():
            self.transport.write(data)

    # From the application

    async def receive(self):
        while not self.events:
            self.news.clear()
            await self.news.wait()
        event, size = self.events[0]
        if event['type'] == 'websocket.disconnect':
            return event
        self.events.popleft()
        self.size -= size
        if self.size <= HIGH_WATER:
            self.stream.resume()
        return event

    async def send(self, message):
        kind = message['type']
        if self.is_gone:
            raise ClientDisconnected('the client has gone')
        if self.phase is OPEN and kind == 'websocket.send':
            self.send_message(message)
        elif self.phase is CONNECT and kind == 'websocket.accept':
            self.accept(message)
        elif self.phase is OPEN and kind == 'websocket.close':
            self.close(message.get('code', NORMAL) or NORMAL, message.get('reason') or '')
        elif self.phase is CONNECT and kind == 'websocket.close':
            self.refuse(403)
        elif self.phase is CONNECT and kind == 'websocket.http.response.start':
            block, length, _ = field_lines(message.get('headers', ()))
            block += b'' if length is None else b'Content-Length: %d\r\n' % length
            self.head = STATUS_LINES[message['status']] + block + b'Connection: close\r\n\r\n'
            self.phase = DENIAL
        elif self.phase is DENIAL and kind == 'websocket.http.response.body':
            self.deny(message.get('body', b''), message.get('more_body', False))
        else:
            raise RuntimeError('the message %r cannot be sent now: the WebSocket is %s' % (kind, self.phase))
        await self.stream.let_others_go_on()

    def accept(self, message):
        block, _, _ = field_lines(message.get('headers', ()))
        chosen = message.get('subprotocol')
        if chosen is not None:
            block += field_lines([(b'Sec-WebSocket-Protocol', chosen.encode('latin-1'))])[0]
        accepted = b64encode(sha1(self.key + GUID).digest())
        self.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                   b'Sec-WebSocket-Accept: ' + accepted + b'\r\n' + block + b'\r\n')
        self.phase = OPEN
        self.timer = self.server.loop.call_later(PING_SECONDS, self.ping)
        self.read_frames()

    def send_message(self, message):
        data, text = message.get('bytes'), message.get('text')
        if data is not None:
            self.write(frame(BINARY, data if isinstance(data, bytes) else as_body(data)))
        elif isinstance(text, str):
            self.write(frame(TEXT, text.encode()))
        else:
            raise TypeError('websocket.send has neither bytes nor a text')

    def close(self, code, reason=''):
        self.write(frame(CLOSE, code.to_bytes(2, 'big') + reason.encode()[:123]))
        self.phase = CLOSING
        self.disconnect(code, reason)
        self.stream.resume()
        self.timer.cancel()
        self.timer = self.server.loop.call_later(CLOSE_SECONDS, self.end)

    def refuse(self, status, fields=b'', body=b''):
        if self.phase in (CONNECT, DENIAL):
            self.write(b'%b%bContent-Length: %d\r\nConnection: close\r\n\r\n%b' % (
                STATUS_LINES[status], fields, len(body), body))
        self.end()

    def deny(self, body, more):
        """A response instead of the upgrade; it ends with the stream."""
        self.write(self.head + (body if isinstance(body, bytes) else as_body(body)))
        self.head = b''
        if not more:
            self.end()

    # The end

    def server_stops(self):
        if self.phase is OPEN:
            self.close(RESTART)
        elif self.phase is CONNECT:
            self.refuse(503)

    def returned(self):
        if self.phase is OPEN:
            self.close(NORMAL)
        elif self.phase in (CONNECT, DENIAL):
            complain('WEBSOCKET %s: the application returned without an answer\n' % self.scope['path'])
            self.give_up()

    def failed(self, error):
        if not (self.is_gone and isinstance(error, (ClientDisconnected, asyncio.CancelledError))):
            self.server.report(error, self.scope)
        if self.phase is OPEN:
            self.close(INTERNAL_ERROR)
        elif self.phase in (CONNECT, DENIAL):
            self.give_up()

    def give_up(self):
        if self.phase is CONNECT or self.head:
            self.refuse(500, b'Content-Type: text/plain\r\n', FAILURE)
        else:
            self.transport.abort()
            self.end()
