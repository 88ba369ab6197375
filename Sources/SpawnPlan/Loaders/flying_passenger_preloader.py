# SPDX-License-Identifier: MIT
"""The process that has loaded the application, and forks those that serve; see preloader.rb for the handshake.

The preloader forks twice: the first child ends at once, so that the kernel gives the second one to the daemon's core. What it
needs of the standard library is bound before the application is loaded, which may put others in its place.
"""
import _socket
import array
import errno
import gc
import os
import signal
import sys
import time

import phusion_passenger

fork, waitpid, end, setsid, getppid, getpid = os.fork, os.waitpid, os._exit, os.setsid, os.getppid, os.getpid
read, write, close, dup2, fstat, listdir = os.read, os.write, os.close, os.dup2, os.fstat, os.listdir
Socket = _socket.socket
SOL_SOCKET, SCM_RIGHTS = _socket.SOL_SOCKET, _socket.SCM_RIGHTS

LISTENER = 3
CONTROL = 4
MAX_ORDER = 4096
START = b'start\n'
MOST_DESCRIPTORS = 3


class Preloader:
    def __init__(self, tell, close_control):
        self.tell = tell
        self.close_control = close_control
        self.forking = False
        self.outputs = [(number, self.file(number)) for number in (1, 2)]

    @staticmethod
    def file(number):
        """What a descriptor refers to."""
        try:
            status = fstat(number)
            return (status.st_dev, status.st_ino)
        except OSError:
            return None

    def forked(self):
        """After each fork in the child: one that the application made itself is none of ours."""
        if not self.forking:
            self.close_control()

    def run(self):
        """Returns in a forked process that is to serve.

        The preloader itself ends in here, without running what the application wants done at the end of its processes
        (atexit): that is for those that serve.
        """
        self.name_threads()
        # What is garbage now would be copied into each process, and so would what a collection of the rest writes to.
        gc.collect()
        if hasattr(gc, 'freeze'):
            gc.freeze()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.tell('preloaded')
        while True:
            text, descriptors = self.receive()
            words = text.decode('latin-1').split()
            if len(words) != 2 or words[0] != 'fork':
                end(0)
            if self.fork_process('worker ' + words[1], descriptors):
                return

    def refork(self, name, descriptors, release):
        """In a process that serves, between two requests; tells whether this is the one that is to be the next preloader.

        That one calls `release` before anything else.
        """
        try:
            phusion_passenger.call_event('before_refork')
            self.close_connections()
        except Exception as error:
            self.give_up(descriptors, '%s: %s' % (type(error).__name__, error))
            return False
        return self.fork_process('preloader ' + name, descriptors, release)

    @staticmethod
    def close_connections():
        """Those of Django, which opens them anew when it needs them."""
        database = sys.modules.get('django.db')
        if database is not None:
            database.connections.close_all()

    def name_threads(self):
        names = []
        threading = sys.modules.get('threading')
        if threading is not None:
            main = threading.main_thread()
            names = ['        %s' % thread for thread in threading.enumerate() if thread is not main]
        try:
            others = len(listdir('/proc/self/task')) - 1 - len(names)
        except OSError:
            others = 0
        if others > 0:
            names.append('        %d of libraries that are not written in Python' % others)
        if names:
            self.complain('threads that were started while the application was loaded do not run in its processes, which '
                          'are forked; start them in os.register_at_fork(after_in_child=...):\n' + '\n'.join(names) + '\n')

    @staticmethod
    def complain(text):
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except Exception:
            pass  # whatever the application has put in its place, or a closed one

    @staticmethod
    def receive():
        """What the daemon says, nothing if it has gone, and descriptors that came along."""
        channel = Socket(fileno=CONTROL)
        try:
            channel.setblocking(True)  # the application may have given all sockets a time limit
            text, controls, _, _ = channel.recvmsg(MAX_ORDER, _socket.CMSG_SPACE(MOST_DESCRIPTORS * 4))
        except OSError:
            return b'', []
        finally:
            channel.detach()
        descriptors = array.array('i')
        for level, kind, data in controls:
            if level == SOL_SOCKET and kind == SCM_RIGHTS:
                descriptors.frombytes(data[:len(data) - len(data) % descriptors.itemsize])
        return text, list(descriptors)

    def fork_process(self, claim, descriptors, release=None):
        """Tells whether this is the process that comes of it, and that has made the claim."""
        if len(descriptors) != MOST_DESCRIPTORS:
            # The kernel leaves out those that there is no room for.
            self.give_up(descriptors, OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
            return False
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()  # or each process would write what waits
            except Exception:
                pass  # whatever the application has put in its place, or a closed one
        self.forking = True
        try:
            child = fork()
        except OSError as error:
            self.give_up(descriptors, error)
            return False
        finally:
            self.forking = False
        if child == 0:
            return self.fork_again(claim, descriptors, release)
        try:
            waitpid(child, 0)
        except OSError:
            pass  # the application collects all children
        self.close_all(descriptors)
        return False

    def fork_again(self, claim, descriptors, release):
        """In the first child."""
        between = getpid()
        self.forking = True
        try:
            child = fork()
        except OSError as error:
            self.give_up(descriptors, error)
            end(1)
        finally:
            self.forking = False
        if child != 0:
            end(0)
        try:
            if release is not None:
                release()
            self.become(claim, descriptors, between)
        except OSError:
            end(1)  # not wanted any more
        return True

    def give_up(self, descriptors, error):
        try:
            write(descriptors[1], ('failed %s\n' % error).encode('utf-8', 'replace'))
        except (OSError, IndexError):
            pass  # nobody waits any more
        self.close_all(descriptors)

    @staticmethod
    def close_all(descriptors):
        for descriptor in descriptors:
            try:
                close(descriptor)
            except OSError:
                pass  # the application was here before

    def become(self, claim, descriptors, between):
        """In the second child."""
        setsid()
        listener, control, output = descriptors
        places = [(listener, LISTENER), (control, CONTROL)]
        # Where the application has put something else in the place of its output, it stays there.
        outputs = [number for number, file in self.outputs if file == self.file(number)]
        places += [(output, number) for number in outputs]
        for descriptor, number in places:
            dup2(descriptor, number, number <= 2)
        self.close_all([descriptor for descriptor in descriptors if descriptor > CONTROL])
        self.outputs = [(number, self.file(number)) for number in outputs]
        while getppid() == between:
            self.pause(0.0005)
        write(CONTROL, (claim + '\n').encode('latin-1'))
        text = b''
        while len(text) < len(START):
            part = read(CONTROL, len(START) - len(text))
            if not part:
                end(1)
            text += part
        if text != START:
            end(1)

    # Not a name of the module: freezegun replaces those in all modules.
    pause = staticmethod(time.sleep)
