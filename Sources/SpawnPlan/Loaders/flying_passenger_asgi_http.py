# SPDX-License-Identifier: MIT
"""HTTP for ASGI applications: the streams of the session transport, and on each one request and its answer after the other.

A request comes as for WSGI applications, as CGI variables; so its client, scheme and prefix are what the front has decided. The
application may go on after its answer (background tasks): then its stream is free for the next request already.
"""
import asyncio
import re
from http import HTTPStatus

from flying_passenger_answer import complain

MAX_HEAD = 1024 * 1024
# Bytes that wait for the application before its stream is not read any more, and for the front before `send` waits.
HIGH_WATER = 65536
LINGER_SECONDS = 5
# Names of fields and the like are remembered, those of hostile clients not without end.
MAX_REMEMBERED = 1000

START, HEAD, BODY, DONE = 'before http.response.start', 'before http.response.body', 'within the body', 'complete'
PLAIN, LENGTH, CODING, CONNECTION = range(4)

FAILURE = b'Internal Server Error\n'
CHUNK_HEAD = re.compile(b'([0-9a-fA-F]{1,8})\r\n').match
MAX_CHUNK_LINE = 64
# Of fronts before framed bodies: what is left of a body that ends with the stream.
UNTIL_END = 1 << 62


class FieldNames(dict):
    """Names of variables as names of fields; None for those that are no fields."""

    def __missing__(self, variable):
        if variable.startswith(b'HTTP_'):
            name = variable[5:].replace(b'_', b'-').lower()
        else:
            name = {b'CONTENT_TYPE': b'content-type', b'CONTENT_LENGTH': b'content-length'}.get(variable)
        if len(self) < MAX_REMEMBERED:
            self[variable] = name
        return name


class ResponseNames(dict):
    """What the names of response fields mean for the framing of the answer."""

    MEANINGS = {b'content-length': LENGTH, b'transfer-encoding': CODING, b'connection': CONNECTION}
    TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch

    def __missing__(self, name):
        if not isinstance(name, bytes):
            raise TypeError('a response header has a name of type %s, not bytes' % type(name).__name__)
        if not self.TOKEN(name):
            raise ValueError('%r is no name of a response header' % (name,))
        meaning = self.MEANINGS.get(name.lower(), PLAIN)
        if len(self) < MAX_REMEMBERED:
            self[name] = meaning
        return meaning


class StatusLines(dict):
    """What is below 200 would never end an answer."""

    def __missing__(self, status):
        if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 999:
            raise ValueError('%r is no status that an answer can have' % (status,))
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = 'Unknown'
        self[status] = line = b'HTTP/1.1 %d %b\r\n' % (status, phrase.encode())
        return line


FIELD_NAMES = FieldNames()
RESPONSE_NAMES = ResponseNames()
STATUS_LINES = StatusLines()


def common_scope(kind, variables, server):
    """What requests of both kinds are told."""
    prefix = variables[b'SCRIPT_NAME']
    address = variables[b'REMOTE_ADDR'].decode('latin-1')
    port = variables[b'SERVER_PORT']
    scope = {
        'type': kind,
        'asgi': server.versions,
        'http_version': variables[b'SERVER_PROTOCOL'][5:].decode('latin-1'),
        'scheme': 'http',
        'path': ((prefix if server.names_prefix_in_path else b'') + variables[b'PATH_INFO']).decode('utf-8', 'replace'),
        'raw_path': variables[b'REQUEST_URI'].partition(b'?')[0],
        'query_string': variables[b'QUERY_STRING'],
        'root_path': prefix.decode('utf-8', 'replace'),
        'headers': [(name, value) for variable, value in variables.items()
                    if (name := FIELD_NAMES[variable]) is not None],
        # Of a client on a Unix socket nothing is known.
        'client': None if address == 'unix:' else (address, int(variables[b'REMOTE_PORT'])),
        'server': (variables[b'SERVER_NAME'].decode('latin-1'), int(port) if port.isdigit() else None),
        'extensions': server.extensions,
    }
    if server.lifespan.is_supported:
        scope['state'] = server.lifespan.state.copy()
    return scope


def field_lines(headers):
    """Lines of the head, and what they say about framing: length (None: nothing) and whether the connection is to end."""
    lines, length, closes = [], None, False
    for name, value in headers:
        meaning = RESPONSE_NAMES[name]
        if meaning == PLAIN:
            lines.append(name + b': ' + value + b'\r\n')
        elif meaning == LENGTH:
            if not value.isdigit():
                raise ValueError('%r is no Content-Length' % (value,))
            length = int(value)
        elif meaning == CONNECTION and value.lower() == b'close':
            closes = True
    block = b''.join(lines)
    if block.count(b'\n') != len(lines) or block.count(b'\r') != len(lines) or b'\0' in block:
        raise ValueError('a response header has a line break or NUL in its value')
    return block, length, closes


def as_body(part):
    if isinstance(part, (bytearray, memoryview)):
        return bytes(part)
    raise TypeError('the body of a message is of type %s, not bytes' % type(part).__name__)


class BrokenBody(Exception):
    """The body of a request is not framed as it was announced."""


class Chunks:
    """A body of unknown length in chunks (RFC 9112, 7.1), so that one that broke off does not look complete."""

    def __init__(self):
        self.data = b''
        self.left = 0  # of the chunk under way, with the line break behind it
        self.ended = False

    def feed(self, data):
        """The bytes of the body in `data`."""
        data = self.data + data
        parts = []
        while data and not self.ended:
            if self.left > 2:
                part = data[:self.left - 2]
                parts.append(part)
                data = data[len(part):]
                self.left -= len(part)
            elif self.left:
                if data[:1] != (b'\r' if self.left == 2 else b'\n'):
                    raise BrokenBody()
                data = data[1:]
                self.left -= 1
            else:
                data, needs_more = self.begin_chunk(data)
                if needs_more:
                    break
        if self.ended and data:
            raise BrokenBody()
        self.data = data
        return b''.join(parts)

    def begin_chunk(self, data):
        """What is left of `data` behind the line that begins a chunk, and whether there is no whole line."""
        line = CHUNK_HEAD(data)
        if line is None:
            if len(data) > MAX_CHUNK_LINE or b'\n' in data:
                raise BrokenBody()
            return data, True
        size = int(line.group(1), 16)
        if size:
            self.left = size + 2
            return data[line.end():], False
        end = data[line.end():line.end() + 2]
        if not b'\r\n'.startswith(end):
            raise BrokenBody()
        if len(end) < 2:
            return data, True
        self.ended = True
        return data[line.end() + 2:], False


class Stream(asyncio.Protocol):
    """A connection of the front.

        idle ─head─▶ exchange ─answered, and its body was read─▶ idle
                        └──────answered, and it was not─▶ lingering ─▶ closed
    """

    def __init__(self, server):
        self.server = server
        self.transport = None
        self.exchange = None
        self.pending = b''
        self.is_paused = False
        self.is_lingering = False
        self.has_ended = False  # what the front sends
        self.room = None  # set once what was written has gone; None: there is room

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=HIGH_WATER)
        self.server.streams.add(self)

    def data_received(self, data):
        if self.exchange is not None:
            return self.exchange.data_received(data)
        if self.is_lingering:
            return None
        if self.pending:
            data = self.pending + data
        size = int.from_bytes(data[:4], 'big')
        if size > MAX_HEAD:
            return self.transport.abort()
        if len(data) < 4 + size or len(data) < 4:
            self.pending = data
            return None
        self.pending = b''
        parts = data[4:4 + size].split(b'\0')
        self.exchange = self.server.exchange(self, dict(zip(parts[::2], parts[1::2])))
        self.exchange.begin(data[4 + size:])
        return None

    def eof_received(self):
        """The client has gone, mostly. The stream stays open, and the session goes on, until the application is done."""
        self.has_ended = True
        if self.exchange is None:
            return False
        self.exchange.input_ended()
        return True

    def connection_lost(self, error):
        self.has_ended = True
        self.resume_writing()
        self.server.stream_ended(self)
        if self.exchange is not None:
            self.exchange.client_gone()

    def pause_writing(self):
        self.room = asyncio.Event()

    def resume_writing(self):
        if self.room is not None:
            self.room.set()
            self.room = None

    def pause(self):
        if not self.is_paused and not self.transport.is_closing():
            self.is_paused = True
            self.transport.pause_reading()

    def resume(self):
        if self.is_paused and not self.transport.is_closing():
            self.is_paused = False
            self.transport.resume_reading()

    def answered(self, keep):
        """The exchange has no use for the stream any more."""
        self.exchange = None
        if self.has_ended:
            return self.transport.close()
        if not keep:
            self.linger()
        return self.resume()

    def linger(self):
        """Closing with unread bytes would reset the connection and with it the answer."""
        self.is_lingering = True
        try:
            self.transport.write_eof()
        except (OSError, RuntimeError):
            return self.transport.abort()  # it has ended meanwhile
        self.server.loop.call_later(LINGER_SECONDS, self.transport.abort)
        return None


class Exchange:
    """One HTTP request and its answer; what the application sees are `scope`, `receive` and `send`."""

    __slots__ = (
        'server', 'stream', 'transport', 'scope', 'task', 'news', 'is_gone', 'phase',
        'pieces', 'size', 'left', 'chunks', 'is_read', 'is_told',
        'head', 'status', 'is_head_only', 'length', 'written', 'is_chunked', 'has_body', 'keeps',
    )

    def __init__(self, stream, variables):
        self.stream, self.server, self.transport = stream, stream.server, stream.transport
        self.scope = common_scope('http', variables, self.server)
        self.scope['method'] = method = variables[b'REQUEST_METHOD'].decode('latin-1')
        if variables.get(b'HTTPS') == b'on':
            self.scope['scheme'] = 'https'
        self.is_head_only = method == 'HEAD'
        self.news = None
        self.is_gone = False
        self.phase = START
        self.pieces, self.size = [], 0  # of the body, for the application
        self.chunks = None
        self.is_told = False
        self.left = int(variables.get(b'CONTENT_LENGTH') or 0)
        if b'HTTP_TRANSFER_ENCODING' in variables:
            if variables.get(b'FLYING_PASSENGER_BODY') == b'framed':
                self.chunks = Chunks()
            else:
                self.left = UNTIL_END
        self.is_read = self.chunks is None and not self.left
        self.head = self.status = self.length = None
        self.written = 0
        self.is_chunked = False
        self.has_body = self.keeps = True

    def begin(self, rest):
        self.server.running.add(self)
        if rest:
            self.data_received(rest)
        self.task = self.server.loop.create_task(self.run())

    async def run(self):
        try:
            await self.server.application(self.scope, self.receive, self.send)
            self.returned()
        except BaseException as error:
            self.failed(error)
        finally:
            self.server.ended(self)

    # From the front

    def data_received(self, data):
        try:
            self.body_received(data)
        except BrokenBody:
            self.keeps = False
            self.client_gone()

    def body_received(self, data):
        if self.chunks is not None and not self.is_read:
            data = self.chunks.feed(data)
            self.is_read = self.chunks.ended
        elif len(data) > self.left:
            raise BrokenBody()
        else:
            self.left -= len(data)
            self.is_read = not self.left
        if data:
            self.pieces.append(data)
            self.size += len(data)
            if self.size > HIGH_WATER and not self.is_read:
                self.stream.pause()
        self.tell_news()

    def input_ended(self):
        if self.is_read or self.left < UNTIL_END // 2:
            return self.client_gone()
        self.is_read = True
        self.keeps = False
        return self.tell_news()

    def client_gone(self):
        if not self.is_gone:
            self.is_gone = True
            self.stream.resume_writing()
            self.tell_news()

    def server_stops(self):
        """Requests are answered before the process ends."""

    def tell_news(self):
        if self.news is not None:
            self.news.set()

    # From the application

    async def receive(self):
        while True:
            if self.is_gone or self.phase is DONE:
                return {'type': 'http.disconnect'}
            if self.pieces or (self.is_read and not self.is_told):
                return self.next_part()
            if self.news is None:
                self.news = asyncio.Event()
            self.news.clear()
            await self.news.wait()

    def next_part(self):
        pieces = self.pieces
        body = pieces[0] if len(pieces) == 1 else b''.join(pieces)
        if pieces:
            self.pieces, self.size = [], 0
            self.stream.resume()
        self.is_told = self.is_read
        return {'type': 'http.request', 'body': body, 'more_body': not self.is_read}

    async def send(self, message):
        kind = message['type']
        if self.is_gone and self.phase is not DONE:
            return  # as of old; who wants to know asks `receive`
        if self.phase is START and kind == 'http.response.start':
            self.start(message)
        elif self.phase is START and kind == 'http.response.early_hint':
            links, _, _ = field_lines((b'Link', link) for link in message['links'])
            self.transport.write(b'HTTP/1.1 103 Early Hints\r\n' + links + b'\r\n')
        elif self.phase in (HEAD, BODY) and kind == 'http.response.body':
            more = bool(message.get('more_body', False))
            self.send_body(message.get('body', b''), more)
            if more and self.stream.room is not None:
                await self.stream.room.wait()
        else:
            raise RuntimeError('the message %r cannot be sent now: the answer is %s' % (kind, self.phase))

    def start(self, message):
        status = message['status']
        line = STATUS_LINES[status]
        block, self.length, closes = field_lines(message.get('headers', ()))
        self.head = line + block
        self.status = status
        self.keeps = not closes
        self.phase = HEAD

    def send_body(self, body, more):
        if type(body) is not bytes:
            body = as_body(body)
        if self.phase is HEAD:
            head = self.complete_head(None if more else len(body))
        else:
            head = b''
        if not self.has_body:
            body = b''
        elif self.is_chunked:
            body = (b'%x\r\n%b\r\n' % (len(body), body) if body else b'') + (b'' if more else b'0\r\n\r\n')
        else:
            written = self.written + len(body)
            if written > self.length or (written < self.length and not more):
                raise RuntimeError('the body has %s than the %d bytes of its Content-Length'
                                   % ('more' if written > self.length else 'less', self.length))
            self.written = written
        self.phase = BODY
        if head or body:
            self.transport.write(head + body)
        if not more:
            self.answered()

    def complete_head(self, known_length):
        self.has_body = not self.is_head_only and self.status not in (204, 304)
        if not self.is_read:
            self.keeps = False
        head = self.head
        if self.length is None and self.has_body:
            self.length = known_length
            self.is_chunked = known_length is None
        if self.length is not None and self.status != 204:
            head += b'Content-Length: %d\r\n' % self.length
        elif self.is_chunked:
            head += b'Transfer-Encoding: chunked\r\n'
        return head + (b'\r\n' if self.keeps else b'Connection: close\r\n\r\n')

    def answered(self):
        self.phase = DONE
        self.stream.answered(self.keeps)
        self.tell_news()

    # The end

    def returned(self):
        if self.phase is not DONE and not self.is_gone:
            self.complain('the application returned, and its answer is %s\n' % self.phase)
        self.give_up()

    def failed(self, error):
        if not (self.is_gone and isinstance(error, asyncio.CancelledError)):
            self.server.report(error, self.scope)
        self.give_up()

    def complain(self, text):
        complain('%s %s: %s' % (self.scope['method'], self.scope['path'], text))

    def give_up(self):
        """The application says nothing more."""
        if self.phase is DONE:
            return
        if self.is_gone:
            self.answered()
        elif self.phase is BODY:
            self.phase = DONE
            self.transport.abort()
        else:
            self.head, self.status, self.length = STATUS_LINES[500] + b'Content-Type: text/plain\r\n', 500, None
            self.phase = HEAD
            self.send_body(FAILURE, False)
