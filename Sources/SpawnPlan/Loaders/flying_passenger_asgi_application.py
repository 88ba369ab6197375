# SPDX-License-Identifier: MIT
"""Finds an ASGI application, loads it with or without an event loop, and lets its lifespan begin and end."""
import asyncio
import gc
import importlib
import inspect
import sys
import traceback

from flying_passenger_answer import complain
from flying_passenger_failure import NotServable, StartupFailed


def new_loop():
    try:
        import uvloop
        return uvloop.new_event_loop()
    except Exception:  # not there, or not for this version of Python
        return asyncio.new_event_loop()


def load(settings, execute):
    """The application, once it says that it has started; in a preloader without that. `execute` runs a file as a module."""
    application = Application()
    if settings.get('mode') == 'preload':
        application.load_for_others(settings, execute)
    else:
        application.load(settings, execute)
        application.start()
    return application


def begin_worker(application):
    """In a process that a preloader has forked."""
    application.make_loop()
    application.start()


def open_loops():
    """A line for each event loop that is open."""
    lines = []
    for found in gc.get_objects():
        # By type: `isinstance` would ask stand-ins for other objects, which make those then.
        if issubclass(type(found), asyncio.AbstractEventLoop):
            try:
                if not found.is_closed():
                    lines.append('        %r\n' % found)
            except Exception:
                pass  # one that is half made, or that only looks like one
    return lines


def callable_named(settings, execute):
    """What is meant by "module:attribute" or "file.py:attribute", else "application" of the startup file."""
    named = settings.get('application', '')
    # A file alone has none.
    module_name, colon, attribute = named.rpartition(':') if ':' in named else (named, '', '')
    if colon and not module_name.endswith('.py'):
        module = importlib.import_module(module_name)
    else:
        module = execute('passenger_asgi', settings['startup_file'])
    application = module
    for name in (attribute or 'application').split('.'):
        if not hasattr(application, name):
            raise NotServable('missing', attribute or 'application')
        application = getattr(application, name)
    return callable_of(application, attribute or 'application')


def callable_of(application, name):
    """A callable of ASGI 3; those of ASGI 2, which are called twice, become one."""
    if not callable(application):
        raise NotServable('not-callable', name)
    try:
        signature = inspect.signature(application)
    except (TypeError, ValueError):
        return application  # of a builtin: the first request will tell
    if takes(signature, 3):
        return application
    if takes(signature, 1):
        async def single(scope, receive, send):
            await application(scope)(receive, send)
        return single
    raise NotServable('wsgi' if takes(signature, 2) else 'other', name)


def takes(signature, count):
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def wants_prefix_in_path():
    """Whether `path` begins with `root_path`: as everywhere, but with Starlette before 0.33, which looks for its routes there."""
    version = getattr(sys.modules.get('starlette'), '__version__', '')
    numbers = [int(part) for part in version.split('.')[:2] if part.isdigit()]
    return len(numbers) < 2 or numbers >= [0, 33]


class Lifespan:
    """The application's own start and stop, in one call that lasts as long as the process."""

    def __init__(self, application, loop):
        self.application, self.loop = application, loop
        self.state = {}
        self.is_supported = False
        self.messages = asyncio.Queue()
        self.started = asyncio.Event()
        self.ended = asyncio.Event()
        self.failure = None
        self.phase = 'startup'
        self.task = None

    async def start(self):
        self.is_supported = True  # so that `state` is what requests see
        self.messages.put_nowait({'type': 'lifespan.startup'})
        self.task = self.loop.create_task(self.run())
        await self.started.wait()
        if self.failure is not None:
            raise StartupFailed(self.failure)

    async def run(self):
        scope = {'type': 'lifespan', 'asgi': {'version': '3.0', 'spec_version': '2.0'}, 'state': self.state}
        try:
            await self.application(scope, self.messages.get, self.send)
        except BaseException as error:
            self.raised(error)
        finally:
            if not self.started.is_set():
                self.is_supported = False
            self.started.set()
            self.ended.set()

    def raised(self, error):
        """What does not know this scope raises at once, which is no failure; what has begun with it has failed."""
        if self.failure is not None or (isinstance(error, asyncio.CancelledError) and self.phase == 'over'):
            return  # it has said so already
        if self.phase == 'startup' and self.messages.qsize():
            return
        complain('the application raised in its lifespan (%s)\n%s' % (self.phase, formatted(error)))

    async def send(self, message):
        kind = message['type']
        expected = {'startup': ('lifespan.startup.complete', 'lifespan.startup.failed'),
                    'shutdown': ('lifespan.shutdown.complete', 'lifespan.shutdown.failed')}.get(self.phase, ())
        if kind not in expected:
            raise RuntimeError('the message %r cannot be sent now' % kind)
        if kind == 'lifespan.startup.failed':
            self.failure = str(message.get('message') or '')
        elif kind == 'lifespan.shutdown.failed':
            self.failure = str(message.get('message') or '')
            complain('the application failed to shut down: %s\n' % self.failure)
        if self.phase == 'startup':
            self.phase = 'service'
            self.started.set()
        else:
            self.phase = 'over'
            self.ended.set()

    async def stop(self):
        if not self.is_supported or self.ended.is_set():
            return
        self.phase = 'shutdown'
        self.messages.put_nowait({'type': 'lifespan.shutdown'})
        await self.ended.wait()


class Application:
    """The application with its event loop and its lifespan."""

    loop = call = lifespan = None

    def make_loop(self):
        self.loop = new_loop()
        asyncio.set_event_loop(self.loop)

    def load(self, settings, execute):
        """The event loop is the current one already while the application is loaded."""
        self.make_loop()
        self.call = callable_named(settings, execute)

    def load_for_others(self, settings, execute):
        """Without an event loop: the descriptors of one would be shared by all processes."""
        # So that it is not made when it is asked for.
        asyncio.set_event_loop(None)
        new_loop().close()  # what it needs of libraries is shared
        self.call = callable_named(settings, execute)
        loops = ''.join(open_loops())
        if loops:
            complain('event loops that were made while the application was loaded do not run in its processes, which are forked, '
                     'and neither does what belongs to them; make it in the lifespan, or set passenger_spawn_method direct:\n'
                     + loops)

    def start(self):
        asyncio.set_event_loop(self.loop)  # the application may have run another one while it was loaded
        self.loop.run_until_complete(self.begin())

    async def begin(self):
        self.lifespan = Lifespan(self.call, self.loop)
        await self.lifespan.start()


def formatted(error):
    return ''.join(traceback.format_exception(type(error), error, error.__traceback__))
