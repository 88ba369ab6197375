# SPDX-License-Identifier: MIT
"""The session transport for WSGI applications; loaded by wsgi-loader.py once the version of Python is known to do.

What is needed of the standard library is bound here and in flying_passenger_answer.py, before the application is loaded: it
may put others in its place (eventlet, gevent). The application meets these two names and phusion_passenger in sys.modules, and
none on sys.path.
"""
import _socket
import _thread
import errno
import faulthandler
import io
import os
import select
import signal
import struct
import sys
import time
import traceback

import phusion_passenger
from flying_passenger_answer import Answer, ClientGone, FileWrapper, FramedBody, RequestBody, complain

# The class beneath socket.socket: what that one's accept makes is a socket of whatever the module holds by then.
Socket = _socket.socket
Poll = select.poll
POLLIN, POLLNVAL = select.POLLIN, select.POLLNVAL
SHUT_WR = _socket.SHUT_WR
read, write, close, getpid, urandom = os.read, os.write, os.close, os.getpid, os.urandom
pipe, set_blocking, register_at_fork = os.pipe, os.set_blocking, os.register_at_fork
set_wakeup_fd, getsignal, set_handler = signal.set_wakeup_fd, signal.getsignal, signal.signal
pthread_sigmask, get_ident = signal.pthread_sigmask, _thread.get_ident
format_exc = traceback.format_exc

CONTROL = 4
LISTENER = 3


class Server:
    """Serves all streams from one thread, one request at a time.

    The application is in the same thread and may do anything to it. What a request raises, sys.exit included, is answered
    with 500. KeyboardInterrupt, or a descriptor of ours that is closed, ends the process: after the answer under way and
    those of requests that have come, and with a line that says why.
    """

    # Requests at a time.
    concurrency = 1
    READ_SIZE = 16384
    MAX_HEAD = 1024 * 1024
    LINGER_SECONDS = 5
    # Of a process that was forked: it can be forked in turn, into the next preloader.
    preloader = None
    # That is what this has become.
    retired = False
    # Not a name of the module: freezegun replaces those in all modules.
    monotonic = staticmethod(time.monotonic)

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
        self.pid = getpid()
        self.listener = Socket(fileno=LISTENER)
        self.listener.setblocking(False)
        self.streams = {}
        self.pending = {}
        self.lingering = {}
        self.stopping = False
        self.ending = None
        self.announced = None
        self.poll = Poll()
        self.poll.register(LISTENER, POLLIN)
        self.poll.register(CONTROL, POLLIN)
        self.trap_signals()
        self.held_back = {}
        register_at_fork(before=self.hold_back_signals, after_in_parent=self.let_signals_come,
                         after_in_child=self.leave_child)

    def trap_signals(self):
        self.wake, self.waker = pipe()
        set_blocking(self.wake, False)
        set_blocking(self.waker, False)
        # For a signal just before the poll; `stop` writes too, because asyncio in the app may take this away.
        set_wakeup_fd(self.waker, warn_on_full_buffer=False)
        self.poll.register(self.wake, POLLIN)
        set_handler(signal.SIGTERM, self.stop)
        set_handler(signal.SIGHUP, signal.SIG_IGN)
        # The descriptor, because the app may have put an object without one in the place of sys.stderr.
        faulthandler.enable(file=2)  # SIGABRT among others
        faulthandler.register(signal.SIGQUIT, file=2, all_threads=True)

    def hold_back_signals(self):
        """One that reaches a child before `leave_child` would be lost: the interpreter forgets it, or our handler takes it."""
        if not self.retired:
            self.held_back[get_ident()] = pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def let_signals_come(self):
        mask = self.held_back.pop(get_ident(), None)
        if mask is not None:
            pthread_sigmask(signal.SIG_SETMASK, mask)

    def leave_child(self):
        """A process that the application forks is none of ours: it holds nothing of the server, and TERM ends it."""
        if self.retired:
            return
        if self.preloader is None or not self.preloader.forking:
            self.release([LISTENER])
        self.let_signals_come()

    def release(self, descriptors=()):
        """Signals and descriptors are not the server's any more."""
        self.stopping = True
        try:
            old = set_wakeup_fd(-1)
            if old not in (-1, self.waker):
                set_wakeup_fd(old)  # the application's own
            if getsignal(signal.SIGTERM) == self.stop:
                set_handler(signal.SIGTERM, signal.SIG_DFL)
            if getsignal(signal.SIGHUP) == signal.SIG_IGN:
                set_handler(signal.SIGHUP, signal.SIG_DFL)
            faulthandler.unregister(signal.SIGQUIT)
        except (ValueError, OSError):
            pass  # not the main thread of the main interpreter, or closed by the application
        for descriptor in [self.wake, self.waker, *descriptors, *self.streams]:
            try:
                close(descriptor)
            except OSError:
                pass  # the application was here before

    def stop(self, *_):
        self.stopping = True
        try:
            write(self.waker, b'.')
        except OSError:
            pass  # full: the loop will wake up all the same

    def run(self):
        """Tells whether the process has become a preloader."""
        while not self.stopping:
            self.attempt(self.wait)
        if getpid() == self.pid:
            self.attempt(self.serve_rest)
        if self.ending is not None:
            raise self.ending
        return self.retired

    def attempt(self, step):
        """What is raised here belongs to no request: it comes from a signal handler."""
        try:
            step()
        except BaseException as error:
            if getpid() != self.pid:
                raise  # a child that the application has forked, and that is to end as it wants
            self.report(error, 'outside of any request', isinstance(error, (SystemExit, KeyboardInterrupt)))

    def wait(self):
        events = self.poll.poll(1000 if self.lingering else None)
        if self.lingering:
            self.close_lingering()
        for descriptor, event in events:
            if self.retired:
                return
            if event & POLLNVAL:
                self.lost(descriptor)
            else:
                self.turn(descriptor)

    def serve_rest(self):
        """Requests that were on their way before the end was known."""
        for descriptor, _ in self.poll.poll(0):
            if descriptor in self.streams:
                self.turn(descriptor)

    def report(self, error, where, ends=False, note=''):
        """Logs what was raised, and ends the process if that is what it means."""
        if ends:
            self.ending = self.ending or error
            self.stopping = True
        end = (': the process ends' if ends else '') + note
        try:
            complain('%s%s\n%s' % (where, end, format_exc()))
        except BaseException:  # no memory or no room on the stack for more
            complain('%s%s: %s\n' % (where, end, type(error).__name__))

    def lost(self, descriptor):
        """The application has closed a descriptor that is not its own, or put another in its place."""
        if descriptor in self.streams:
            return self.drop(descriptor)
        self.poll.unregister(descriptor)
        if descriptor != self.wake and not self.stopping:
            complain('the application has closed a descriptor of its server: the process ends\n')
            self.stopping = True
        return None

    def turn(self, descriptor):
        if descriptor in self.streams:
            self.turn_stream(descriptor)
        elif descriptor == LISTENER:
            self.accept()
        elif descriptor == CONTROL:
            self.control()
        elif descriptor == self.wake:
            try:
                read(self.wake, 512)
            except OSError:
                pass  # another signal's byte was read with the first

    def turn_stream(self, descriptor):
        try:
            if descriptor in self.lingering:
                self.drain(descriptor)
            else:
                self.serve(descriptor)
        except BaseException:
            self.drop(descriptor)  # or its client would wait for ever
            raise

    def accept(self):
        try:
            descriptor, _ = self.listener._accept()
        except OSError as error:
            if error.errno in (errno.EBADF, errno.ENOTSOCK, errno.EINVAL, errno.EOPNOTSUPP):
                self.lost(LISTENER)
            return  # else the peer has gone already
        connection = Socket(fileno=descriptor)
        connection.setblocking(True)
        self.streams[descriptor] = connection
        self.poll.register(descriptor, POLLIN)

    def control(self):
        descriptors = []
        try:
            text, descriptors = self.preloader.receive() if self.preloader else (read(CONTROL, 4096), [])
        except OSError:
            text = b''
        if descriptors and self.refork(text, descriptors):
            return
        if not text or b'shutdown\n' in text:
            self.stopping = True
        if b'dump-stacks\n' in text:
            faulthandler.dump_traceback(file=2, all_threads=True)
        if b'oobw\n' in text:
            self.work_out_of_band()

    def refork(self, text, descriptors):
        """No request comes before it has forked. Tells whether this is the process that came of it."""
        name = next((line[7:] for line in text.decode('latin-1').split('\n') if line.startswith('refork ')), None)
        if name is None:
            self.preloader.close_all(descriptors)
            return False
        return self.preloader.refork(name, descriptors, self.leave_to_preloader)

    def leave_to_preloader(self):
        """In a child that is to be a preloader: the number of the listening socket is about to be another's."""
        self.retired = True
        self.listener.detach()
        self.release()
        for connection in self.streams.values():
            connection.detach()

    def work_out_of_band(self):
        """No request comes before the answer to this."""
        try:
            phusion_passenger.call_event('oob_work')
        except BaseException as error:
            if getpid() != self.pid:
                raise  # as in attempt
            self.report(error, 'in out-of-band work', isinstance(error, (SystemExit, KeyboardInterrupt)))
        if getpid() == self.pid:
            try:
                write(CONTROL, b'oobw-done\n')
            except OSError:
                pass  # the daemon has gone; the end of file will be seen

    def drop(self, descriptor):
        self.pending.pop(descriptor, None)
        self.lingering.pop(descriptor, None)
        connection = self.streams.pop(descriptor, None)
        if connection is not None:
            try:
                self.poll.unregister(descriptor)
            except KeyError:
                pass  # a signal handler was here before
            try:
                connection.close()
            except OSError:
                pass  # the application has closed it

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
            framing = environ.pop('FLYING_PASSENGER_BODY', None)
            body = FramedBody(connection, rest) if framing == 'framed' else RequestBody(connection, None, rest)
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
                self.close_result(environ, result)
        except ClientGone:
            raise
        except BaseException as error:
            error_id = self.failed(error, environ)
            if answer.sent_head:
                return False
            failure = Answer(answer.connection, answer.head_only, answer.body)
            failure.start_response('500 Internal Server Error', [('Content-Type', 'text/plain')])
            failure.send([('Internal Server Error\nError ID: %s\n' % error_id).encode()])
            return failure.keep
        return answer.keep

    def close_result(self, environ, result):
        """What goes wrong here is no part of the answer any more."""
        if not hasattr(result, 'close'):
            return
        try:
            result.close()
        except BaseException as error:
            self.failed(error, environ)

    def failed(self, error, environ):
        """Answers the ID that the exception is reported under."""
        if getpid() != self.pid:
            raise error  # as in attempt
        error_id = urandom(4).hex()
        where = '%s %s' % (environ.get('REQUEST_METHOD'), environ.get('PATH_INFO'))
        self.report(error, where, isinstance(error, KeyboardInterrupt), ', error ID ' + error_id)
        self.announce(error, error_id)
        return error_id

    def announce(self, error, error_id):
        """Has the daemon log it, once a second at most: the channel is for few words."""
        now = self.monotonic()
        if self.announced is not None and now - self.announced < 1:
            return
        self.announced = now
        try:
            text = ('%s: %s' % (type(error).__name__, error))[:200].replace('\\', '\\\\').replace('\n', '\\n')
            write(CONTROL, ('exception %s %s\n' % (error_id, text)).encode('utf-8', 'replace'))
        except BaseException:
            pass  # the daemon has gone, or the message raises in turn; the output has all of it

    def linger(self, descriptor, connection):
        """Closing with unread bytes would reset the connection and with it the answer."""
        try:
            connection.shutdown(SHUT_WR)
            connection.setblocking(False)
            self.lingering[descriptor] = self.monotonic() + self.LINGER_SECONDS
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
        now = self.monotonic()
        for descriptor in [d for d, limit in self.lingering.items() if limit < now]:
            self.drop(descriptor)
