# SPDX-License-Identifier: MIT
"""Loads a WSGI or ASGI application and serves it. Handshake steps, reported on descriptor 4:

  loader          settings are read (NAME VALUE lines up to "start")
  load-libraries  the standard library's part
  load-app        the startup file is executed as module "passenger_wsgi" or "passenger_asgi"; ASGI: its lifespan begins
  after-fork      of what a preloader has forked only; ASGI: its lifespan begins here, and not in the preloader
  listen          signal handlers are set, descriptor 3 (bound and listening already) is served from now on

and "ready concurrency=1", of ASGI 0. End of file on descriptor 4 means: stop. The syntax is one that any Python reads, so that
an old interpreter reaches the check of its version.
"""
import os
import sys

OLDEST_PYTHON = (3, 8)
CONTROL = 4
LISTENER = 3
HERE = os.path.dirname(os.path.abspath(__file__))


# Bound before the application is loaded, which may put others in their place.
write, end = os.write, os._exit


def tell(line):
    try:
        write(CONTROL, (line + '\n').encode('utf-8', 'replace'))
    except OSError:
        pass  # the daemon has gone; the main loop will see the end of file


# Characters; of four bytes each they still fit into one line.
MAX_DETAIL = 30000
MAX_SENTENCE = 1000


def escape(text, limit=MAX_SENTENCE):
    return text[:limit].replace('\\', '\\\\').replace('\n', '\\n')


def fail(step, category, kind, summary, detail='', remedies=()):
    """Reports a failure and ends the process."""
    tell('error category ' + category)
    tell('error kind ' + kind)
    tell('error summary ' + escape(summary))
    for sentence, command in remedies:
        tell('error remedy ' + escape(sentence))
        if command:
            tell('error command ' + escape('\n'.join(command)))
    if detail:
        tell('error detail ' + escape(detail, MAX_DETAIL))
    tell('step ' + step + ' failed')
    flush()
    end(1)


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass  # whatever the app has put in its place, or a closed one


if sys.version_info[:2] < OLDEST_PYTHON:
    fail('loader', 'configuration', 'interpreter-unsupported',
         'the interpreter is Python %d.%d (%s), but Python %d.%d or newer is needed'
         % (sys.version_info[:2] + (sys.executable,) + OLDEST_PYTHON),
         remedies=[('Set passenger_python to the path of a Python that is %d.%d or newer (python3 -V shows its version).'
                    % OLDEST_PYTHON, ())])


def read_settings():
    text = b''
    while not text.endswith(b'\nstart\n'):
        part = os.read(CONTROL, 4096)
        if not part:
            os._exit(1)
        text += part
    settings = {}
    for line in text.decode('utf-8', 'surrogateescape').split('\n'):
        name, space, value = line.partition(' ')
        if space:
            settings[name] = unescape(value)
    return settings


def unescape(value):
    parts = value.split('\\\\')
    return '\\'.join(part.replace('\\n', '\n') for part in parts)


def name_process(title):
    """Shows the title in ps: the memory of the arguments holds it, because the daemon passed it as the last one."""
    try:
        with open('/proc/self/comm', 'wb') as comm:
            comm.write(title.encode('utf-8', 'surrogateescape')[:15])
        import ctypes
        with open('/proc/self/stat', 'rb') as stat:
            fields = stat.read().rpartition(b')')[2].split()
        start, end = int(fields[45]), int(fields[46])
        room = end - start - 1
        if start and room > 0:
            ctypes.memmove(start, title.encode('utf-8', 'surrogateescape')[:room].ljust(room, b'\0'), room)
    except Exception:
        pass  # no Linux, no /proc, no ctypes: the title stays


def prepare_path(startup_file):
    root = os.getcwd()
    sys.path[:] = [root] + [entry for entry in sys.path if entry != HERE]
    sys.argv[:] = [os.path.join(root, startup_file)]


def execute(name, startup_file):
    """Runs a file as the module of that name."""
    import importlib.util
    path = os.path.join(os.getcwd(), startup_file)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:
        from importlib.machinery import SourceFileLoader
        spec = importlib.util.spec_from_loader(name, SourceFileLoader(name, path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_wsgi(settings, execute):
    module = execute('passenger_wsgi', settings['startup_file'])
    application = getattr(module, 'application', None)
    if not callable(application):
        raise NotCallable('an "application" that cannot be called' if hasattr(module, 'application') else '')
    if is_asgi(application):
        raise NotCallable('asgi')
    return application


def is_asgi(application):
    """Whether it is a coroutine function, or an object or class that is called as one: no WSGI server can run it."""
    import inspect
    call = getattr(application, '__call__', None)
    if inspect.isclass(application):
        # An instance is what WSGI gets of a class; only one that takes scope, receive and send is meant for ASGI.
        call = application.__dict__.get('__call__')
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(call)


def close_control():
    """A process that the application forks is none of ours: the daemon must not take it for the application."""
    try:
        os.close(CONTROL)
    except OSError:
        pass  # the application was here before


class NotCallable(Exception):
    """The startup file defines no "application", or one that cannot be served; why is the argument."""


def report(step, error, settings):
    flush()
    try:
        sys.path.insert(0, HERE)
        import flying_passenger_failure
        failure = flying_passenger_failure.Failure(error, step, settings, isinstance(error, NotCallable))
        arguments = (failure.category, failure.kind, failure.summary, failure.detail, failure.remedies)
    except BaseException:  # such as no memory left for a look at the first one
        arguments = ('app', 'exception', type(error).__name__, '', ())
    try:
        sys.stderr.write((arguments[3] or arguments[2]) + '\n')
    except Exception:
        pass  # whatever the app has put in its place, or a closed one
    fail(step, *arguments)


def steps(app_type):
    """How an application is loaded, what it does after a fork, and what serves it."""
    if app_type == 'asgi':
        from flying_passenger_asgi import Server
        from flying_passenger_asgi_application import begin_worker, load
        return load, begin_worker, Server
    from flying_passenger_wsgi import Server
    return load_wsgi, lambda _: None, Server  # os.register_at_fork has told WSGI applications


def boot():
    tell('step loader begin')
    os.set_inheritable(CONTROL, False)
    os.set_inheritable(LISTENER, False)
    settings = read_settings()
    preloads = settings.get('mode') == 'preload'
    name_process(settings['preloader_title' if preloads else 'title'])
    if preloads and not hasattr(os, 'fork'):
        fail('loader', 'configuration', 'cannot-fork', 'this interpreter cannot fork')
    tell('step loader done')
    step = 'load-libraries'
    preloader = None
    try:
        tell('step load-libraries begin')
        if HERE not in sys.path:
            sys.path.insert(0, HERE)
        load, begin_worker, Server = steps(settings['app_type'])
        if preloads:
            import flying_passenger_preloader
            preloader = flying_passenger_preloader.Preloader(tell, close_control)
        tell('step load-libraries done')
        step = 'load-app'
        tell('step load-app begin')
        os.register_at_fork(after_in_child=preloader.forked if preloads else close_control)
        prepare_path(settings['startup_file'])
        application = load(settings, execute)
        tell('step load-app done')
    except BaseException as error:
        report(step, error, settings)
    serve(lambda: start(Server, application, settings, preloader, begin_worker))


def start(Server, application, settings, preloader, begin_worker):
    """The server of a process that is to serve."""
    step = 'load-app' if preloader is None else 'after-fork'
    try:
        if preloader is not None:
            name_process(settings['preloader_title'])
            preloader.run()  # what returns is a process of its own
            name_process(settings['title'])
            step = 'after-fork'
            begin_worker(application)
            tell('step after-fork done')
        step = 'listen'
        tell('step listen begin')
        server = Server(application, settings)
        server.preloader = preloader
        tell('step listen done')
    except BaseException as error:
        report(step, error, settings)
    tell('ready concurrency=%d framing=1' % server.concurrency)
    return server


def serve(start_server):
    """Until the end. A process that becomes a preloader goes on from here, and so do those that it forks."""
    while start_server().run():
        pass


if __name__ == '__main__':
    boot()
