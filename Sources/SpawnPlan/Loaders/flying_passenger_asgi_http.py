# SPDX-License-Identifier: MIT
"""HTTP for ASGI applications: one request and its answer.

The application may go on after its answer (background tasks): then its stream is free for the next request already.
"""
import asyncio
import re

from flying_passenger_answer import complain
from flying_passenger_asgi_fields import FAILURE, STATUS_LINES, as_body, common_scope, field_lines
from flying_passenger_asgi_stream import HIGH_WATER, Call

START, HEAD, BODY, DONE = 'before http.response.start', 'before http.response.body', 'within the body', 'complete'

CHUNK_HEAD = re.compile(b'([0-9a-fA-F]{1,8})\r\n').match
MAX_CHUNK_LINE = 64
# Of fronts before framed bodies: what is left of a body that ends with the stream.
UNTIL_END = 1 << 62


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


class Exchange(Call):
    """One HTTP request and its answer; what the application sees are `scope`, `receive` and `send`."""

    # What most requests leave as it is, is here and not in each of them.
    phase = START
    news = None
    # The request's body: what waits for the application, how much of it there is to come.
    pieces, size = (), 0
    left = 0
    chunks = None
    is_read = True
    is_told = False
    # The answer.
    head = status = length = None
    written = 0
    is_chunked = is_head_only = False
    has_body = keeps = True

    def __init__(self, stream, shape, values):
        self.stream, self.server, self.transport = stream, stream.server, stream.transport
        self.scope = scope = common_scope('http', shape, values, stream.server)
        if scope['method'] == 'HEAD':
            self.is_head_only = True
        if shape.has_body:
            self.expect_body(shape.variables(values))

    def expect_body(self, variables):
        self.left = int(variables.get(b'CONTENT_LENGTH') or 0)
        if b'HTTP_TRANSFER_ENCODING' in variables:
            if variables.get(b'FLYING_PASSENGER_BODY') == b'framed':
                self.chunks = Chunks()
            else:
                self.left = UNTIL_END
        self.is_read = self.chunks is None and not self.left

    def begin(self, rest):
        if rest:
            self.data_received(rest)
        self.start_call()

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
            if self.pieces:
                self.pieces.append(data)
            else:
                self.pieces = [data]
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
            self.pieces, self.size = (), 0
            self.stream.resume()
        self.is_told = self.is_read
        return {'type': 'http.request', 'body': body, 'more_body': not self.is_read}

    async def send(self, message):
        kind, phase = message['type'], self.phase
        if self.is_gone and phase is not DONE:
            # As of old; who wants to know asks `receive`. Others get their turn, or what never ends would hold up all of them.
            return await asyncio.sleep(0)
        if phase is START and kind == 'http.response.start':
            self.start(message)
        elif phase is START and kind == 'http.response.early_hint':
            links, _, _ = field_lines((b'Link', link) for link in message['links'])
            self.transport.write(b'HTTP/1.1 103 Early Hints\r\n' + links + b'\r\n')
        elif (phase is HEAD or phase is BODY) and kind == 'http.response.body':
            more = bool(message.get('more_body', False))
            self.send_body(message.get('body', b''), more)
            if more:
                await self.stream.let_others_go_on()
        else:
            raise RuntimeError('the message %r cannot be sent now: the answer is %s' % (kind, phase))
        return None

    def start(self, message):
        self.status = status = message['status']
        line = STATUS_LINES[status]
        block, self.length, closes = field_lines(message.get('headers', ()))
        self.head = line + block
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
        self.has_body = self.status not in (204, 304) and not self.is_head_only
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
        if self.news is not None:
            self.news.set()

    # The end

    def returned(self):
        if self.phase is DONE:
            return
        if not self.is_gone:
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
