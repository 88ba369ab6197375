# SPDX-License-Identifier: MIT
"""The streams of the session transport, as ASGI applications are served on them: one request and its answer after the other."""
import asyncio
from struct import Struct

from flying_passenger_asgi_fields import parsed_head

MAX_HEAD = 1024 * 1024
READ_SIZE = 256 * 1024
# Bytes that wait for the application before its stream is not read any more, and for the front before `send` waits.
HIGH_WATER = 65536
LINGER_SECONDS = 5
head_size = Struct('!I').unpack_from


class Call:
    """One call of the application, which a request or a WebSocket is; those have `server`, `scope`, `receive` and `send`."""

    task = None
    is_gone = False  # the client

    def start_call(self):
        server = self.server
        server.running.add(self)
        self.task = server.loop.create_task(self.run())

    async def run(self):
        try:
            await self.server.application(self.scope, self.receive, self.send)
            self.returned()
        except BaseException as error:
            self.failed(error)
        finally:
            self.server.ended(self)


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
            self.pending = b''
        end = 4 + head_size(data)[0] if len(data) >= 4 else 4
        if end > MAX_HEAD:
            return self.transport.abort()
        if len(data) < end:
            self.pending = data
            return None
        self.exchange = exchange = self.server.exchange(self, *parsed_head(data[4:end]))
        exchange.begin(data[end:])
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

    async def let_others_go_on(self):
        """Waits for room, or for the turn that tells of an end: whoever sends on and on would keep it from coming."""
        if self.room is not None:
            await self.room.wait()
        elif self.transport.is_closing():
            await asyncio.sleep(0)

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
        return self.resume() if self.is_paused else None

    def linger(self):
        """Closing with unread bytes would reset the connection and with it the answer."""
        self.is_lingering = True
        try:
            self.transport.write_eof()
        except (OSError, RuntimeError):
            return self.transport.abort()  # it has ended meanwhile
        self.server.loop.call_later(LINGER_SECONDS, self.transport.abort)
        return None


class BufferedStream(Stream, asyncio.BufferedProtocol):
    """For asyncio's own loop, which has 256 KiB mapped for each read of another stream, and unmapped again."""

    # One for all: what is in it is taken out before another stream is read.
    buffer = memoryview(bytearray(READ_SIZE))

    def get_buffer(self, _size):
        return self.buffer

    def buffer_updated(self, size):
        self.data_received(bytes(self.buffer[:size]))


def stream_type(loop):
    return BufferedStream if isinstance(loop, asyncio.BaseEventLoop) else Stream
