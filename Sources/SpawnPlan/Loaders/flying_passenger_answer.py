# SPDX-License-Identifier: MIT
"""The two ends of a WSGI request: the body that the application reads, and the answer that it gives.

What is needed of the standard library is bound here and in flying_passenger_wsgi.py, before the application is loaded: it may
put others in its place (eventlet, gevent).
"""
import io
import os
import re
import sys
from _socket import MSG_DONTWAIT, MSG_PEEK
from http import HTTPStatus

write, sendfile = os.write, os.sendfile

# What would end a header line, or its name, too early.
BAD_VALUE = re.compile('[\r\n\0]').search
BAD_NAME = re.compile('[\r\n\0: ]').search
STATUS = re.compile('([2-9][0-9][0-9])( |$)').match
CHUNK_HEAD = re.compile(b'([0-9a-fA-F]{1,8})(;[^\r\n]*)?\r\n').match


class ClientGone(ConnectionError):
    """The other side has gone: nothing to answer, nothing to report. An application that reads its body sees it."""


class LengthMismatch(Exception):
    """The app wrote another number of bytes than it had announced."""


class RequestBody(io.RawIOBase):
    """The bytes of one request body, from what was read with the head and then from the socket."""

    def __init__(self, connection, length, first):
        self.connection = connection
        self.remaining = length  # None: up to end of file
        self.ends_connection = length is None
        self.first = first
        if length is not None:
            self.remaining = length - len(first)

    def readable(self):
        return True

    def unread(self):
        """Whether the connection is still, or for ever, this body's."""
        return self.ends_connection or self.remaining > 0

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


class FramedBody(io.RawIOBase):
    """A body of unknown length in chunks (RFC 9112, 7.1), so that one that broke off does not look complete."""

    MAX_LINE = 64

    def __init__(self, connection, first):
        self.connection = connection
        self.data = first
        self.left = 0  # of the chunk under way
        self.begun = False
        self.ended = False
        self.failure = None

    def readable(self):
        return True

    def unread(self):
        return not self.ended

    def readinto(self, buffer):
        if self.failure:
            raise ClientGone(self.failure)
        if self.left == 0 and not self.ended:
            self.next_chunk()
        if self.ended:
            return 0
        if not self.data:
            self.receive()
        count = min(len(buffer), self.left, len(self.data))
        buffer[:count] = self.data[:count]
        self.data = self.data[count:]
        self.left -= count
        return count

    def next_chunk(self):
        if self.begun:
            self.expect_line(b'')
        self.begun = True
        line = self.line()
        try:
            self.left = int(line, 16)
        except ValueError:
            self.fail('the request body is broken')
        if self.left == 0:
            self.expect_line(b'')
            if self.data:
                self.fail('bytes follow the request')
            self.ended = True

    def expect_line(self, text):
        if self.line() != text:
            self.fail('the request body is broken')

    def line(self):
        while True:
            line, end, rest = self.data.partition(b'\r\n')
            if end:
                self.data = rest
                return line
            if len(line) > self.MAX_LINE:
                self.fail('the request body is broken')
            self.receive()

    def receive(self):
        try:
            part = self.connection.recv(65536)
        except OSError as error:
            self.fail(str(error))
        if not part:
            self.fail('the request body ended too early')
        self.data += part

    def fail(self, reason):
        self.failure = reason
        raise ClientGone(reason)


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


told = set()


def tell_once(what):
    """Says in the log what an application does that others would refuse; once, or it would fill the log."""
    if what not in told:
        told.add(what)
        complain('%s (said once for this process)\n' % what)


def complain(text):
    try:
        if isinstance(sys.stderr, io.StringIO):
            raise ValueError('nobody reads it')
        sys.stderr.write(text)
    except Exception:  # whatever the app has put in its place, or a closed one
        try:
            write(2, text.encode('utf-8', 'replace'))
        except OSError:
            pass  # closed as well


def as_text(value, what):
    """Names and values of headers that are no str, as other servers take them."""
    if isinstance(value, str):
        return value
    tell_once('a response header has %s of type %s, not str' % (what, type(value).__name__))
    return value.decode('latin-1') if isinstance(value, (bytes, bytearray)) else str(value)


def as_bytes(part):
    """A part of a body."""
    if isinstance(part, (bytes, bytearray, memoryview)):
        return bytes(part)
    if not isinstance(part, str):
        raise TypeError('a part of the response body is of type %s, not bytes' % type(part).__name__)
    tell_once('a part of a response body is str, not bytes; it is sent as latin-1')
    try:
        return part.encode('latin-1')
    except UnicodeEncodeError:
        return part.encode('utf-8')


def checked_status(status):
    """A status line of three digits and a reason; what is below 200 would never end an answer."""
    if isinstance(status, (bytes, bytearray)):
        status = status.decode('latin-1')
    elif isinstance(status, int):
        status = str(int(status))
    if not isinstance(status, str) or BAD_VALUE(status) or not STATUS(status):
        raise ValueError('%r is no status that an answer can have' % (status,))
    if len(status) == 3:
        try:
            status += ' ' + HTTPStatus(int(status)).phrase
        except ValueError:
            status += ' Unknown'
    return status


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
        self.raw_chunks = False  # the application frames its body itself
        self.names_chunks = False
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
        if type(headers) is not list:
            headers = list(headers)
        try:
            for name, value in headers:
                if BAD_VALUE(value) or BAD_NAME(name):
                    raise ValueError('line break in the response header %r' % name)
        except TypeError:
            headers = self.text_headers(headers)
        if type(status) is not str or not STATUS(status) or len(status) == 3 or BAD_VALUE(status):
            status = checked_status(status)
        self.status = status
        self.headers = headers
        return self.write_part

    @staticmethod
    def text_headers(headers):
        result = [(as_text(name, 'a name'), as_text(value, 'a value')) for name, value in headers]
        for name, value in result:
            if BAD_VALUE(value) or BAD_NAME(name):
                raise ValueError('line break in the response header %r' % name)
        return result

    def write_part(self, data):
        """What start_response returns."""
        data = data if type(data) is bytes else as_bytes(data)
        if data:
            self.write(data)

    def head(self, known_length, first=b''):
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
                self.names_chunks = value.strip().lower() == 'chunked'
                continue
            lines.append(name + ': ' + value)
        if self.body is not None and self.body.unread():
            self.keep = False
        self.bodiless = self.head_only or code in (204, 304)
        if self.names_chunks and not self.bodiless and first and is_chunk(first):
            self.raw_chunks = self.chunked = True
            self.length = known_length = None
            self.keep = False  # nobody checks here that its framing is right
        if self.length is None and not self.bodiless:
            self.length = known_length
            self.chunked = known_length is None
        if self.length is not None and code != 204:
            lines.append('Content-Length: %d' % self.length)
        elif self.chunked:
            lines.append('Transfer-Encoding: chunked')
        if not self.keep:
            lines.append('Connection: close')
        lines.append('\r\n')
        try:
            return '\r\n'.join(lines).encode('latin-1')
        except UnicodeEncodeError:
            tell_once('a response header has characters beyond latin-1; it is sent as UTF-8')
            return '\r\n'.join(lines).encode('utf-8')

    def write(self, data, known_length=None):
        """Sends a part of the body, with the head before the first."""
        head = b'' if self.sent_head else self.head(known_length, data)
        if self.bodiless:
            data = b''
        elif self.raw_chunks:
            pass
        elif self.chunked:
            data = b'%x\r\n%b\r\n' % (len(data), data) if data else b''
        elif self.written + len(data) > self.length:
            raise LengthMismatch('more bytes than the Content-Length %d' % self.length)
        else:
            self.written += len(data)
        if head or data:
            self.send_bytes(head + data)

    def is_given_up(self):
        """Whether the front has closed its side: writing would not tell, because the daemon takes the bytes and drops them.

        Before the whole request is here, that may as well be a client that has left in the middle of it.
        """
        if self.body is not None and self.body.unread():
            return False
        try:
            return not self.connection.recv(1, MSG_PEEK | MSG_DONTWAIT)
        except OSError:
            return False  # nothing is here to read, as it should be

    def send_bytes(self, data):
        if self.sent_head and self.is_given_up():
            raise ClientGone('nobody waits for the answer')
        self.sent_head = True
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise ClientGone(str(error))

    def send(self, result):
        if isinstance(result, (bytes, str)):
            result = [result]  # else it would be sent byte by byte
        if isinstance(result, (list, tuple)) and not self.sent_head:
            try:
                data = b''.join(result)
            except TypeError:
                data = b''.join([as_bytes(part) for part in result])
            self.write(data, len(data))
        elif isinstance(result, FileWrapper) and self.send_file(result.filelike):
            pass
        elif result is None:
            raise TypeError('the application returned None, not a list or an iterator of bytes')
        else:
            for part in result:
                if type(part) is not bytes:
                    part = as_bytes(part)
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
                self.send_descriptor(filelike.fileno(), filelike.tell())
            except (BrokenPipeError, ConnectionResetError) as error:
                raise ClientGone(str(error))
        return True

    def send_descriptor(self, descriptor, offset):
        while self.written < self.length:
            sent = sendfile(self.connection.fileno(), descriptor, offset + self.written, self.length - self.written)
            if sent == 0:
                break  # it became shorter
            self.written += sent

    def finish(self):
        if not self.sent_head:
            self.write(b'', 0)
        if self.raw_chunks:
            pass
        elif self.chunked:
            self.send_bytes(b'0\r\n\r\n')
        elif not self.bodiless and self.written != self.length:
            raise LengthMismatch('%d bytes, but Content-Length %d' % (self.written, self.length))


def is_chunk(part):
    """Whether a part of a body begins with a whole chunk, or the head of one: its application frames it itself."""
    head = CHUNK_HEAD(part)
    if not head:
        return False
    end = head.end() + int(head.group(1), 16)
    return len(part) == head.end() or part[end:end + 2] == b'\r\n'
