# SPDX-License-Identifier: MIT
"""What an application may ask of the server that runs it.

    try:
        import phusion_passenger
    except ImportError:
        phusion_passenger = None  # another server

It is in sys.modules when the application is loaded, and in no directory of sys.path.
"""
import gc

EVENTS = ('oob_work', 'before_refork')

_handlers = {name: [] for name in EVENTS}


def on_event(name, function=None):
    """Has the function called, without arguments, each time the event happens; also as a decorator.

    Of an ASGI application it may be a coroutine function.
    """
    if name not in _handlers:
        raise ValueError('unknown event %r' % (name,))
    if function is None:
        return lambda decorated: on_event(name, decorated)
    _handlers[name].append(function)
    return function


def call_event(name):
    """What the functions have returned; where an event loop runs, it waits for coroutines among it."""
    return [function() for function in _handlers[name]]


class OutOfBandGc:
    """A WSGI application around another one that has garbage collected after every so many requests, out of band.

    Reference counting frees most of what a request leaves; this is for cycles, and for applications that call gc.disable() or
    gc.set_threshold() because collections take long.
    """

    HEADER = ('X-Passenger-Request-OOB-Work', 'true')

    def __init__(self, application, frequency):
        if frequency < 1:
            raise ValueError('frequency is %r, but must be 1 or more' % (frequency,))
        self.application = application
        self.frequency = frequency
        self.count = 0
        on_event('oob_work', gc.collect)

    def __call__(self, environ, start_response):
        self.count += 1
        if self.count % self.frequency:
            return self.application(environ, start_response)

        def asking(status, headers, *exc_info):
            return start_response(status, list(headers) + [self.HEADER], *exc_info)
        return self.application(environ, asking)
