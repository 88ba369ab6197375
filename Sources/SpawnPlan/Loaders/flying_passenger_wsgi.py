# SPDX-License-Identifier: MIT
"""The session transport for WSGI applications; loaded by wsgi-loader.py once the version of Python is known to do.

One file, so that the application meets a single name of ours in sys.modules and none on sys.path.
"""
import faulthandler
import io
import os
import re
import select
import signal
import socket
import struct
import sys
import time
import traceback

CONTROL = 4
LISTENER = 3


# What would end a header line, or its name, too early.
BAD_VALUE = re.compile('[\r\n\0]').search
BAD_NAME = re.compile('[\r\n\0: ]').search


class ClientGone(Exception):
    """The other side has gone: nothing to answer, nothing to report."""


class LengthMismatch(Exception):
    """The app wrote another number of bytes than it had announced."""


class RequestBody(io.RawIOBase):
    """The bytes of one request body, from what was read with the head and then from the socket."""

    def __init__(self, connection, length, first):
        self.connection = connection
        self.remaining = length  # None: up to end of file
        self.first = first
        if length is not None:
            self.remaining = length - len(first)

    def readable(self):
        return True

    def unread(self):
        return self.remaining is None or self.remaining > 0

    def readinto(self, buffer):
        if self.first:
            count = min(len(buffer), len(self.first))
            buffer[:count] = self.first[:count]
            self.first = self.first[count:]
            return count
        if self.remaining == 0:
            return 0
        view = memoryview(buffer)
        if self.remaining is not None:
            view = view[:self.remaining]
        try:
            count = self.connection.recv_into(view)
        except OSError as error:
            raise ClientGone(str(error))
        if self.remaining is not None:
            if count == 0:
                raise ClientGone('the request body ended too early')
            self.remaining -= count
        elif count == 0:
            self.remaining = 0
        return count


class FileWrapper:
    """wsgi.file_wrapper: lets the server send a file without reading it."""

    def __init__(self, filelike, block_size=65536):
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, 'close'):
            self.close = filelike.close

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.block_size)
        if data:
            return data
        raise StopIteration


def is_plain_file(filelike):
    """Whether its descriptor holds just the bytes that it reads: not so for compressed files, which have one too."""
    filelike = getattr(filelike, 'file', filelike)  # of the module tempfile
    return isinstance(getattr(filelike, 'raw', filelike), io.FileIO)


class Answer:
    """One answer, framed so that the connection can go on."""

    def __init__(self, connection, head_only, body):
        self.connection = connection
        self.head_only = head_only
        self.body = body
        self.keep = True
        self.status = None
        self.headers = None
        self.sent_head = False
        self.length = None
        self.written = 0
        self.chunked = False
        self.bodiless = False

    def start_response(self, status, headers, exc_info=None):
        if exc_info:
            try:
                if self.sent_head:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError('start_response was called twice')
        for name, value in headers:
            if BAD_VALUE(value) or BAD_NAME(name):
                raise ValueError('line break in the response header %r' % name)
        if BAD_VALUE(status):
            raise ValueError('line break in the status %r' % status)
        self.status = status
        self.headers = list(headers)
        return self.write

    def head(self, known_length):
        if self.status is None:
            raise AssertionError('the application did not call start_response')
        code = int(self.status[:3])
        lines = ['HTTP/1.1 ' + self.status]
        for name, value in self.headers:
            lowered = name.lower()
            if lowered == 'connection':
                if value.lower() == 'close':
                    self.keep = False
                continue
            if lowered == 'content-length':
                self.length = int(value)
                continue
            if lowered == 'transfer-encoding':
                continue
            lines.append(name + ': ' + value)
        if self.body is not None and self.body.unread():
            self.keep = False
        self.bodiless = self.head_only or code in (204, 304) or code < 200
        if self.length is None and not self.bodiless:
            self.length = known_length
            self.chunked = known_length is None
        if self.length is not None and code != 204 and code >= 200:
            lines.append('Content-Length: %d' % self.length)
        elif self.chunked:
            lines.append('Transfer-Encoding: chunked')
        if not self.keep:
            lines.append('Connection: close')
        lines.append('\r\n')
        return '\r\n'.join(lines).encode('latin-1')

    def write(self, data, known_length=None):
        """Sends a part of the body, with the head before the first."""
        head = b'' if self.sent_head else self.head(known_length)
        if self.bodiless:
            data = b''
        elif self.chunked:
            data = b'%x\r\n%b\r\n' % (len(data), data) if data else b''
        elif self.written + len(data) > self.length:
            raise LengthMismatch('more bytes than the Content-Length %d' % self.length)
        else:
            self.written += len(data)
        if head or data:
            self.send_bytes(head + data)

    def send_bytes(self, data):
        self.sent_head = True
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise ClientGone(str(error))

    def send(self, result):
        if isinstance(result, (list, tuple)) and not self.sent_head:
            data = result[0] if len(result) == 1 else b''.join(result)
            self.write(data, len(data))
        elif isinstance(result, FileWrapper) and self.send_file(result.filelike):
            pass
        else:
            for part in result:
                if part:
                    self.write(part)
        self.finish()

    def send_file(self, filelike):
        if self.head_only or self.sent_head or not is_plain_file(filelike):
            return False
        try:
            size = os.fstat(filelike.fileno()).st_size - filelike.tell()
        except (OSError, ValueError):
            return False
        if size <= 0:
            return False
        self.write(b'', size)
        if not self.bodiless and self.length > 0:
            try:
                self.written += self.connection.sendfile(filelike, filelike.tell(), self.length)
            except (BrokenPipeError, ConnectionResetError) as error:
                raise ClientGone(str(error))
        return True

    def finish(self):
        self.write(b'', 0)
        if self.chunked:
            self.send_bytes(b'0\r\n\r\n')
        elif not self.bodiless and self.written != self.length:
            raise LengthMismatch('%d bytes, but Content-Length %d' % (self.written, self.length))


class Server:
    """Serves all streams from one thread, one request at a time."""

    READ_SIZE = 16384
    MAX_HEAD = 1024 * 1024
    LINGER_SECONDS = 5

    def __init__(self, application, settings):
        self.application = application
        self.template = {
            'SCRIPT_NAME': '',
            'QUERY_STRING': '',
            'SERVER_SOFTWARE': settings.get('server_software', ''),
            'wsgi.version': (1, 0),
            'wsgi.url_scheme': 'http',
            'wsgi.errors': sys.stderr,
            'wsgi.multithread': False,
            'wsgi.multiprocess': True,
            'wsgi.run_once': False,
            'wsgi.file_wrapper': FileWrapper,
            'wsgi.input_terminated': True,
        }
        self.listener = socket.socket(fileno=LISTENER)
        self.listener.setblocking(False)
        self.streams = {}
        self.pending = {}
        self.lingering = {}
        self.stopping = False
        self.poll = select.poll()
        self.poll.register(LISTENER, select.POLLIN)
        self.poll.register(CONTROL, select.POLLIN)
        self.trap_signals()

    def trap_signals(self):
        self.wake, self.waker = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self.waker, False)
        # For a signal just before the poll; `stop` writes too, because asyncio in the app may take this away.
        signal.set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        self.poll.register(self.wake, select.POLLIN)
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # The descriptor, because the app may have put an object without one in the place of sys.stderr.
        faulthandler.enable(file=2)  # SIGABRT among others
        faulthandler.register(signal.SIGQUIT, file=2, all_threads=True)

    def stop(self, *_):
        self.stopping = True
        try:
            os.write(self.waker, b'.')
        except OSError:
            pass  # full: the loop will wake up all the same

    def run(self):
        while not self.stopping:
            events = self.poll.poll(1000 if self.lingering else None)
            if self.lingering:
                self.close_lingering()
            for descriptor, _ in events:
                self.turn(descriptor)
        # Requests that were on their way before the end was known.
        for descriptor, _ in self.poll.poll(0):
            if descriptor in self.streams:
                self.turn(descriptor)

    def turn(self, descriptor):
        if descriptor in self.lingering:
            self.drain(descriptor)
        elif descriptor in self.streams:
            self.serve(descriptor)
        elif descriptor == LISTENER:
            self.accept()
        elif descriptor == CONTROL:
            self.control()
        elif descriptor == self.wake:
            try:
                os.read(self.wake, 512)
            except OSError:
                pass  # another signal's byte was read with the first

    def accept(self):
        try:
            connection, _ = self.listener.accept()
        except OSError:
            return  # the peer has gone already
        connection.setblocking(True)
        self.streams[connection.fileno()] = connection
        self.poll.register(connection, select.POLLIN)

    def control(self):
        try:
            text = os.read(CONTROL, 4096)
        except OSError:
            text = b''
        if not text or b'shutdown\n' in text:
            self.stopping = True
        if b'dump-stacks\n' in text:
            faulthandler.dump_traceback(file=2, all_threads=True)

    def drop(self, descriptor):
        self.pending.pop(descriptor, None)
        self.lingering.pop(descriptor, None)
        connection = self.streams.pop(descriptor, None)
        if connection is not None:
            self.poll.unregister(descriptor)
            connection.close()

    def serve(self, descriptor):
        connection = self.streams[descriptor]
        try:
            data = connection.recv(self.READ_SIZE)
        except OSError:
            data = b''
        if not data:
            return self.drop(descriptor)
        if self.pending:
            data = self.pending.pop(descriptor, b'') + data
        size = struct.unpack_from('!I', data)[0] if len(data) >= 4 else 0
        if size > self.MAX_HEAD:
            return self.drop(descriptor)
        if len(data) < 4 + size or len(data) < 4:
            self.pending[descriptor] = data
            return None
        try:
            self.handle(descriptor, connection, data[4:4 + size], data[4 + size:])
        except ClientGone:
            self.drop(descriptor)
        return None

    def environment(self, head):
        environ = self.template.copy()
        fields = head.decode('latin-1').split('\0')
        environ.update(zip(fields[0::2], fields[1::2]))
        # For Rack; WSGI wants the decoded path, which PATH_INFO is.
        environ.pop('FLYING_PASSENGER_RAW_PATH_INFO', None)
        if environ.get('HTTPS') == 'on':
            environ['wsgi.url_scheme'] = 'https'
        return environ

    def handle(self, descriptor, connection, head, rest):
        environ = self.environment(head)
        length = environ.get('CONTENT_LENGTH')
        body = None
        if length:
            body = RequestBody(connection, int(length), rest)
            if body.remaining < 0:
                raise ClientGone('bytes follow the request')
        elif 'HTTP_TRANSFER_ENCODING' in environ:
            body = RequestBody(connection, None, rest)
        elif rest:
            raise ClientGone('bytes follow the request')
        environ['wsgi.input'] = io.BytesIO() if body is None else io.BufferedReader(body, 65536)
        answer = Answer(connection, environ['REQUEST_METHOD'] == 'HEAD', body)
        if not self.respond(environ, answer) or (body is not None and body.unread()):
            self.linger(descriptor, connection)

    def respond(self, environ, answer):
        """Calls the application and sends what it gives; tells whether the connection may be used again."""
        result = None
        try:
            try:
                result = self.application(environ, answer.start_response)
                answer.send(result)
            finally:
                if hasattr(result, 'close'):
                    result.close()
        except (ClientGone, SystemExit, KeyboardInterrupt):
            raise
        except BaseException:
            self.log(environ)
            if answer.sent_head:
                return False
            failure = Answer(answer.connection, answer.head_only, answer.body)
            failure.start_response('500 Internal Server Error', [('Content-Type', 'text/plain')])
            failure.send([b'Internal Server Error\n'])
            return failure.keep
        return answer.keep

    def log(self, environ):
        text = '%s %s\n%s' % (environ.get('REQUEST_METHOD'), environ.get('PATH_INFO'), traceback.format_exc())
        try:
            sys.stderr.write(text)
        except Exception:
            pass  # whatever the app has put in its place, or a closed one

    def linger(self, descriptor, connection):
        """Closing with unread bytes would reset the connection and with it the answer."""
        try:
            connection.shutdown(socket.SHUT_WR)
            connection.setblocking(False)
            self.lingering[descriptor] = time.monotonic() + self.LINGER_SECONDS
        except OSError:
            self.drop(descriptor)

    def drain(self, descriptor):
        connection = self.streams[descriptor]
        try:
            for _ in range(64):
                if not connection.recv(65536):
                    return self.drop(descriptor)
        except BlockingIOError:
            pass  # more may come
        except OSError:
            self.drop(descriptor)
        return None

    def close_lingering(self):
        now = time.monotonic()
        for descriptor in [d for d, limit in self.lingering.items() if limit < now]:
            self.drop(descriptor)
