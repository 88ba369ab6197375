# SPDX-License-Identifier: MIT
"""Serves an ASGI application; loaded by wsgi-loader.py once the version of Python is known to do.

One event loop, uvloop's where that is installed, and any number of requests at a time. What each of them is lies in
flying_passenger_asgi_http.py and flying_passenger_websocket.py.
"""
import asyncio
import errno
import faulthandler
import inspect
import os
import signal
import socket
from _thread import get_ident
from functools import partial

import phusion_passenger
from flying_passenger_answer import complain
from flying_passenger_asgi_application import formatted, wants_prefix_in_path
from flying_passenger_asgi_http import Exchange
from flying_passenger_asgi_stream import LINGER_SECONDS, stream_type
from flying_passenger_websocket import WebSocket, is_websocket

CONTROL = 4
LISTENER = 3
ACCEPTS_AT_ONCE = 64
# Where no descriptor is left, until it is tried again.
ACCEPT_PAUSE_SECONDS = 1
MAX_STACK = 100


class Server:
    """Serves all streams from one event loop.

    The application is in the same thread. What a request raises, sys.exit included, is answered with 500; what anything else
    raises that ends a loop (sys.exit in a task of its own, KeyboardInterrupt) ends the process, with a line that says why.
    """

    concurrency = 0
    versions = {'version': '3.0', 'spec_version': '2.3'}
    extensions = {'http.response.early_hint': {}}

    def __init__(self, application, _settings):
        self.application, self.loop, self.lifespan = application.call, application.loop, application.lifespan
        self.names_prefix_in_path = wants_prefix_in_path()
        self.pid = os.getpid()
        self.new_stream = partial(stream_type(self.loop), self)
        self.streams = set()
        self.running = set()  # exchanges whose call of the application has not ended
        self.accepting = set()  # tasks
        self.work = None  # the task of out-of-band work
        self.ending = None
        self.listener = None
        self.loop.run_until_complete(self.listen())

    async def listen(self):
        self.stopping = asyncio.Event()
        self.change = asyncio.Event()  # an exchange or a stream has ended
        self.loop.add_signal_handler(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        # The descriptor, because the app may have put an object without one in the place of sys.stderr.
        faulthandler.enable(file=2)  # SIGABRT among others
        faulthandler.register(signal.SIGQUIT, file=2, all_threads=True)
        self.held_back = {}
        os.register_at_fork(before=self.hold_back_signals, after_in_parent=self.let_signals_come,
                            after_in_child=self.leave_child)
        self.listener = socket.socket(fileno=LISTENER)
        self.listener.setblocking(False)
        self.loop.add_reader(LISTENER, self.accept)
        self.loop.add_reader(CONTROL, self.control)

    def hold_back_signals(self):
        """One that reaches a child before `leave_child` would be lost: the interpreter forgets it, or our handler takes it."""
        self.held_back[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def let_signals_come(self):
        mask = self.held_back.pop(get_ident(), None)
        if mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def leave_child(self):
        """A process that the application forks is none of ours: it holds nothing of the server, and TERM ends it."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            faulthandler.unregister(signal.SIGQUIT)
        except ValueError:
            pass  # not the main thread of the main interpreter
        sockets = [stream.transport.get_extra_info('socket') for stream in self.streams]
        for descriptor in [LISTENER] + [one.fileno() for one in sockets if one is not None]:
            try:
                os.close(descriptor)
            except OSError:
                pass  # the application was here before, or it is closed
        self.let_signals_come()

    def accept(self):
        for _ in range(ACCEPTS_AT_ONCE):
            try:
                connection, _ = self.listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                return self.accept_failed(error)
            connection.setblocking(False)
            task = self.loop.create_task(self.loop.connect_accepted_socket(self.new_stream, connection))
            self.accepting.add(task)
            task.add_done_callback(self.accepting.discard)

    def accept_failed(self, error):
        self.loop.remove_reader(LISTENER)
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
            complain('no connection can be accepted: %s\n' % error)
            self.loop.call_later(ACCEPT_PAUSE_SECONDS, self.accept_again)
        elif not self.stopping.is_set():
            complain('the application has closed a descriptor of its server: the process ends\n')
            self.stop()

    def accept_again(self):
        if not self.stopping.is_set():
            self.loop.add_reader(LISTENER, self.accept)

    def control(self):
        try:
            text = os.read(CONTROL, 4096)
        except OSError:
            text = b''
        if not text or b'shutdown\n' in text:
            self.loop.remove_reader(CONTROL)
            self.stop()
        if b'dump-stacks\n' in text:
            self.dump_stacks()
        if b'oobw\n' in text:
            self.work = self.loop.create_task(self.work_out_of_band())

    async def work_out_of_band(self):
        """No request comes before the answer to this."""
        try:
            for result in phusion_passenger.call_event('oob_work'):
                if inspect.isawaitable(result):
                    await result
        except Exception as error:
            complain('in out-of-band work\n%s' % formatted(error))
        try:
            os.write(CONTROL, b'oobw-done\n')
        except OSError:
            pass  # the daemon has gone; the end of file will be seen

    def dump_stacks(self):
        """Threads, and what the tasks of the loop wait for, which no thread shows."""
        faulthandler.dump_traceback(file=2, all_threads=True)
        for task in asyncio.all_tasks(self.loop):
            os.write(2, '\n'.join(['%r' % task] + awaited(task.get_coro()) + ['']).encode('utf-8', 'replace'))

    def exchange(self, stream, shape, values):
        if shape.is_upgrade and is_websocket(shape.variables(values)):
            return WebSocket(stream, shape, values)
        return Exchange(stream, shape, values)

    def ended(self, exchange):
        self.running.discard(exchange)
        self.change.set()

    def stream_ended(self, stream):
        self.streams.discard(stream)
        self.change.set()

    def report(self, error, scope):
        """Logs what a request has raised; Ctrl-C ends the process."""
        complain('%s %s\n%s' % (scope.get('method', 'WEBSOCKET'), scope['path'], formatted(error)))
        if isinstance(error, KeyboardInterrupt):
            self.ending = self.ending or error
            self.stop()

    def stop(self):
        self.stopping.set()

    def run(self):
        self.attempt(self.stopping.wait)
        self.attempt(self.finish)
        self.attempt(self.end_tasks)
        asyncio.set_event_loop(None)
        self.loop.close()
        if self.ending is not None:
            raise self.ending

    def attempt(self, step):
        """What is raised here belongs to no request: it comes from a signal handler or from a task of the application's."""
        try:
            self.loop.run_until_complete(step())
        except BaseException as error:
            if os.getpid() != self.pid:
                raise  # a child that the application has forked, and that is to end as it wants
            complain('outside of any request: the process ends\n%s' % formatted(error))
            self.ending = self.ending or error

    async def finish(self):
        """Answers what has come, then lets the application end."""
        self.loop.remove_reader(LISTENER)
        for _ in range(2):
            await asyncio.sleep(0)  # what has come on streams, but was not read
        for exchange in list(self.running):
            exchange.server_stops()
        while self.running:
            self.change.clear()
            await self.change.wait()
        await self.close_streams()
        await self.lifespan.stop()

    async def close_streams(self):
        """Once what was written is with the front."""
        for stream in list(self.streams):
            stream.transport.close()
        self.loop.call_later(LINGER_SECONDS, self.abort_streams)
        while self.streams:
            self.change.clear()
            await self.change.wait()

    def abort_streams(self):
        for stream in list(self.streams):
            stream.transport.abort()

    async def end_tasks(self):
        tasks = [task for task in asyncio.all_tasks(self.loop) if task is not asyncio.current_task(self.loop)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        if hasattr(self.loop, 'shutdown_default_executor'):
            await self.loop.shutdown_default_executor()


def awaited(coroutine):
    """The lines at which a task waits, the innermost last: `Task.print_stack` shows the outermost only."""
    lines = []
    while coroutine is not None and len(lines) < MAX_STACK:
        frame = getattr(coroutine, 'cr_frame', None) or getattr(coroutine, 'gi_frame', None)
        if frame is not None:
            lines.append('  File "%s", line %d in %s' % (frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        coroutine = getattr(coroutine, 'cr_await', None) or getattr(coroutine, 'gi_yieldfrom', None)
    return lines
