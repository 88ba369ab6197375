# SPDX-License-Identifier: MIT
"""Does things to the process that serves it, one a path. What it changes stays changed."""
import _thread
import io
import locale
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time
import warnings

try:
    from freezegun import freeze_time
except ImportError:
    freeze_time = None

PLAIN = [('Content-Type', 'text/plain')]
REAL = (sys.stdout, sys.stderr)


class Closing:
    """A body whose close raises."""

    def __init__(self, error):
        self.parts = iter([b'closing'])
        self.error = error

    def __iter__(self):
        return self.parts

    def close(self):
        raise self.error


def raised(error):
    raise error


def in_generator(error):
    yield b''
    raise error


def deeper():
    return deeper() + 1


def greedy():
    """Asks for more memory than it may have."""
    limit = resource.getrlimit(resource.RLIMIT_AS)
    with open('/proc/self/statm') as statm:
        size = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 32 * 1024 * 1024, limit[1]))
    try:
        return [b'x' * 1024 * 1024 for _ in range(1024)]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)


def alarm(error, delay=0.05):
    """Raises outside of the request, in a signal handler."""
    signal.signal(signal.SIGALRM, lambda *_: raised(error))
    signal.setitimer(signal.ITIMER_REAL, delay)


def streams(out, err):
    sys.stdout, sys.stderr = out, err


def closed():
    file = open(os.devnull, 'w')
    file.close()
    return file


def child():
    """A child that returns to the server instead of ending is not one more server."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
    else:
        sys.exit(0)


def patched(*_, **__):
    raise RuntimeError('patched')


def patch_threads():
    for name in ('Thread', 'Lock', 'RLock', 'Event', 'current_thread'):
        setattr(threading, name, patched)
    _thread.start_new_thread = _thread.allocate_lock = patched


def warn():
    warnings.simplefilter('error')
    logging.raiseExceptions = True
    warnings.warn('as an error')


def replace_listener():
    os.dup2(os.open(__file__, os.O_RDONLY), 3)


PATHS = {
    '/exit': lambda: sys.exit(3),
    '/exit-generator': lambda: in_generator(SystemExit(3)),
    '/generator-exit': lambda: in_generator(GeneratorExit()),
    '/raises-generator-exit': lambda: raised(GeneratorExit()),
    '/stop-iteration': lambda: raised(StopIteration()),
    '/recursion': deeper,
    '/memory': greedy,
    '/warnings': warn,
    '/close-exits': lambda: Closing(SystemExit(4)),
    '/close-memory': lambda: Closing(MemoryError('while closing')),
    '/close-generator-exit': lambda: Closing(GeneratorExit()),
    '/alarm': lambda: alarm(RuntimeError('late')),
    '/stdio-none': lambda: streams(None, None),
    '/stdio-text': lambda: streams(io.StringIO(), io.StringIO()),
    '/stdio-closed': lambda: streams(closed(), closed()),
    '/stdio-back': lambda: streams(*REAL),
    '/timeout': lambda: socket.setdefaulttimeout(0.001),
    '/locale': lambda: locale.setlocale(locale.LC_ALL, 'C.UTF-8'),
    '/handlers': lambda: [signal.signal(number, signal.SIG_IGN) for number in (1, 2, 10, 12, 15)] and None,
    '/threads': patch_threads,
    '/recursion-limit': lambda: sys.setrecursionlimit(100),
    '/child': child,
    '/time': lambda: [setattr(time, name, patched) for name in ('time', 'monotonic', 'sleep', 'perf_counter')] and None,
    # From here on the process is to end.
    '/interrupt': lambda: raised(KeyboardInterrupt()),
    '/interrupt-later': lambda: alarm(KeyboardInterrupt()),
    '/exit-later': lambda: alarm(SystemExit(0)),
    '/close-all': lambda: os.closerange(3, 1000),
    '/close-listener': lambda: os.close(3),
    '/replace-listener': replace_listener,
    '/close-control': lambda: os.close(4),
}


if freeze_time:
    freezer = freeze_time('2000-01-01')
    PATHS['/freeze'] = lambda: freezer.start() and None
    PATHS['/thaw'] = freezer.stop


def application(environ, start_response):
    if environ['PATH_INFO'] == '/unread':
        start_response('200 OK', PLAIN)
        return [b'not read']
    result = PATHS.get(environ['PATH_INFO'], lambda: None)()
    start_response('200 OK', PLAIN)
    return result if hasattr(result, '__iter__') else [b'pid: %d\n' % os.getpid()]
