# SPDX-License-Identifier: MIT
"""Why a WSGI or ASGI application could not be loaded, for whoever operates it: a kind, one sentence, and what to do.

A remedy is a sentence, and perhaps a command: its name, and the part that goes into it. The daemon makes the command line
(LoaderCommand.swift): what an application says could be typed by root.
"""
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


class NotServable(Exception):
    """What is named as the ASGI application is none; why is the first argument, its name the second."""


class StartupFailed(Exception):
    """An ASGI application has answered lifespan.startup with lifespan.startup.failed; its message is the argument."""


class Failure:
    def __init__(self, error, step, settings, is_not_callable):
        self.error = error
        self.step = step
        self.root = settings['app_root']
        self.startup_file = settings['startup_file']
        self.preloads = settings.get('mode') == 'preload'
        self.category = 'app'
        self.kind = 'exception'
        self.summary = ''
        self.remedies = []
        self.frames = self.own_frames(error)
        self.detail = '' if is_not_callable or isinstance(error, NotServable) else self.described(error)
        if is_not_callable:
            self.not_callable(error.args[0])
        elif isinstance(error, NotServable):
            self.not_servable(*error.args)
        elif isinstance(error, StartupFailed):
            self.startup_failed(error.args[0])
        else:
            self.decide(error)

    def advise(self, sentence, *command):
        """A sentence before a command ends with a colon."""
        self.remedies.append((sentence, command))

    def decide(self, error):
        if isinstance(error, SystemExit):
            self.ended(error)
        elif isinstance(error, ImportError):
            self.import_error(error)
        elif isinstance(error, SyntaxError):
            self.syntax_error(error)
        elif isinstance(error, MemoryError):
            self.out_of_memory(error)
        elif isinstance(error, PermissionError):
            self.permission_denied(error.filename)
        else:
            self.exception(error)

    def exception(self, error):
        place = self.place()
        self.summary = 'the application raised %s' % self.named(error)
        if place:
            self.summary += ' (%s)' % place
            self.advise('Look at %s and at the lines of the traceback above it.' % place)
        if self.preloads and self.frames and self.frames[-1].name == 'get_event_loop':
            self.advise('A preloader has no event loop. Let the application ask for it in its lifespan, or start its processes '
                        'directly: passenger_spawn_method direct;')

    def ended(self, error):
        self.kind = 'early-exit'
        place = self.place()
        self.summary = 'the application ended itself (SystemExit: %s%s) before it was ready' % (
            error, ' at ' + place if place else '')
        self.advise('Look at what it printed before, and see why it calls exit while it is loaded.')

    def not_callable(self, what):
        self.kind = 'configuration'
        if what == 'asgi':
            return self.is_asgi()
        self.summary = '%s defines %s' % (self.startup_file, what or 'nothing named "application"')
        self.advise(
            'The last line of %s should make the WSGI callable available under that name, for example: '
            'from myproject.wsgi import application' % self.startup_file)

    def is_asgi(self):
        module = os.path.splitext(self.startup_file)[0].replace('/', '.')
        self.summary = 'the "application" that %s defines is an ASGI application, not a WSGI one' % self.startup_file
        self.advise('Rename it to passenger_asgi.py, or let it be served as what it is:', 'asgi', module)
        self.advise(
            'Frameworks that can do both have a WSGI object as well, such as django.core.wsgi.get_wsgi_application().')
        return None

    def not_servable(self, why, name):
        """`why`: "missing", "not-callable", "wsgi", "other"."""
        self.kind = 'configuration'
        if why == 'missing':
            self.summary = '%s defines nothing named "%s"' % (self.startup_file, name)
            self.advise('Its last line should make the ASGI application available under that name, for example: '
                        'from myproject.asgi import application. Or name it as it is called there: '
                        'passenger_app_type asgi; passenger_startup_file MODULE:NAME;')
        elif why == 'wsgi':
            self.summary = 'the "%s" that %s defines is a WSGI application, not an ASGI one' % (name, self.startup_file)
            self.advise('Let passenger_wsgi.py define it as "application", or set passenger_app_type wsgi.')
        else:
            self.summary = 'the "%s" that %s defines cannot be called%s' % (
                name, self.startup_file, ' with scope, receive and send' if why == 'other' else '')
            if why == 'other':
                self.advise('If it is a function that makes the application, let the startup file call it, and name the '
                            'result "application".')

    def startup_failed(self, message):
        # The traceback of a group of exceptions has a frame around it.
        lines = [text for line in message.splitlines() if (text := line.strip(' |+-'))]
        self.detail = message
        self.summary = 'the application could not start (lifespan.startup.failed%s)' % (
            ': ' + lines[-1][:300] if lines else '')
        self.advise('Look at what its startup or lifespan handlers do, such as connecting to a database.')

    def syntax_error(self, error):
        self.kind = 'syntax-error'
        self.summary = '%s: %s (%s:%s)' % (
            'syntax error' if type(error) is SyntaxError else type(error).__name__,
            error.msg, self.short(error.filename), error.lineno)
        self.advise('Correct line %s of %s, or a line above it, then check it with:' % (
            error.lineno, self.short(error.filename)), 'check', self.short(error.filename))
        self.advise('The interpreter is Python %s; if the code is for another one, set passenger_python.'
                    % self.version())

    def out_of_memory(self, error):
        self.kind = 'out-of-memory'
        self.category = 'operating-system'
        place = self.place()
        self.summary = 'there was not enough memory to load the application (MemoryError%s)' % (
            ' at ' + place if place else '')
        self.advise('Look at the memory limits of the process; run fewer processes (--max-pool-size), or raise the limit. '
                    'What the machine has:', 'memory')

    def permission_denied(self, path):
        self.kind = 'permission-denied'
        self.category = 'file-system'
        path = os.fsdecode(path) if isinstance(path, (str, bytes)) else None
        entered = closed_directory(path) if path else None
        # Where the file was to be made, if it is not there.
        written = os.path.dirname(os.path.abspath(path)) if path and not entered and not os.path.lexists(path) else None
        closed = entered or written or path
        self.summary = 'the application may not use %s, because it runs as %s' % (
            path or 'a file that it needs', self.user())
        if entered and entered != path:
            self.summary += ', who may not enter %s' % entered
        if written:
            self.summary += ', who may not write in %s' % written
        if closed:
            self.advise('Let the user %s use it, or let the application run as another user. Whose it is:' % self.user(),
                        'list', os.path.abspath(closed))

    # Modules

    def import_error(self, error):
        self.kind = 'missing-module'
        place = self.place()
        wanted = ', which %s imports,' % place if place else ''
        name = error.name
        if isinstance(error, ModuleNotFoundError) and name:
            self.summary = 'the Python module %s%s is not installed for %s (Python %s)' % (
                name, wanted, sys.executable, self.version())
            self.module_remedies(name.split('.')[0])
        elif error.path and 'shared object' in str(error):
            self.summary = 'the module %s%s cannot be loaded: %s' % (name, wanted, first_line(error))
            self.advise('Install the package of that library, or build the module again for this system:',
                        'pip-build', name)
        else:
            self.summary = '%s%s' % (first_line(error), ' (%s)' % place if place else '')
            self.advise('The module is there in another version than the application was written for, or two modules '
                        'import each other. Compare with requirements.txt:', 'pip-freeze')

    def module_remedies(self, name):
        unreadable = self.unreadable_place()
        if unreadable:
            self.advise('Modules below %s cannot be seen: %s may not enter it. Make it accessible, or install them '
                        'elsewhere.' % (unreadable, self.user()))
        what = () if os.path.exists('requirements.txt') else (name,)
        environment = None if sys.prefix != sys.base_prefix else self.virtual_environment()
        if sys.prefix != sys.base_prefix:
            self.advise('Install it into this virtual environment:', 'pip-install', *what)
        elif environment:
            self.advise('There is a virtual environment, which is not used. To use it:', 'python', environment)
        else:
            self.advise('Install Debian\'s package (python3-%s, if there is one), or make a virtual environment:'
                        % name.lower().replace('_', '-'), 'virtualenv', *what)
            self.advise('Then let the application use it:', 'python', self.root + '/venv/bin/python')
        if self.is_file_of_app(name):
            self.advise('A file or folder %s exists below the application; only its root is in sys.path. Add its folder '
                        'with sys.path.insert in %s.' % (name, self.startup_file))

    def virtual_environment(self):
        for name in ('venv', '.venv', 'env', 'virtualenv'):
            python = os.path.join(os.getcwd(), name, 'bin', 'python')
            if os.access(python, os.X_OK):
                return '%s/%s/bin/python' % (self.root, name)
        return None

    def is_file_of_app(self, name):
        try:
            folders = [entry.path for entry in os.scandir('.') if entry.is_dir() and not entry.name.startswith('.')]
        except OSError:
            return False
        return any(os.path.exists(os.path.join(folder, name + suffix)) for folder in folders[:200]
                   for suffix in ('.py', '/__init__.py'))

    def unreadable_place(self):
        for entry in sys.path:
            closed = closed_directory(entry) if entry else None
            if closed:
                return closed
        return None

    # Words

    def user(self):
        return os.environ.get('USER') or 'this user'

    def version(self):
        return '%d.%d.%d' % sys.version_info[:3]

    def named(self, error):
        text = first_line(error)
        return '%s: %s' % (type(error).__name__, text) if text else type(error).__name__

    def short(self, path):
        """Below the root, as one would type it there."""
        path = str(path)
        for root in (os.getcwd() + '/', self.root + '/'):
            if path.startswith(root):
                return path[len(root):]
        return path

    def place(self):
        """The innermost line of the application itself, else of whatever was under way."""
        root = os.getcwd() + '/'
        inside = [frame for frame in self.frames
                  if frame.filename.startswith(root) and 'site-packages' not in frame.filename]
        frame = (inside or self.frames or [None])[-1]
        return '%s:%d' % (self.short(frame.filename), frame.lineno) if frame else None

    def own_frames(self, error):
        """Only frames of the application and its libraries."""
        frames = traceback.extract_tb(error.__traceback__)
        while frames and (frames[0].filename.startswith(HERE + '/') or '<frozen' in frames[0].filename):
            frames = frames[1:]
        return [frame for frame in frames if '<frozen importlib' not in frame.filename]

    def described(self, error):
        chain = []
        while error is not None and not any(error is link for link in chain) and len(chain) < 10:
            chain.append(error)
            inner = None if error.__suppress_context__ else error.__context__
            error = error.__cause__ if error.__cause__ is not None else inner
        return '\nwhich led to:\n\n'.join(''.join(self.formatted(link)) for link in reversed(chain)).rstrip()

    def formatted(self, error):
        head = ['Traceback (most recent call last):\n'] + traceback.format_list(self.own_frames(error))
        return (head if len(head) > 1 else []) + traceback.format_exception_only(type(error), error)


def first_line(error):
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        return 'without a message'
    return lines[0][:300] if lines else ''


def closed_directory(path):
    """The first directory on the way that exists and may not be entered, or None."""
    folder = '/'
    for part in os.path.abspath(path).split('/')[1:]:
        folder = os.path.join(folder, part)
        if not os.path.isdir(folder):
            return None
        if not os.access(folder, os.X_OK):
            return folder
    return None
