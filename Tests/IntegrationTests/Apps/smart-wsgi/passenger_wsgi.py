# SPDX-License-Identifier: MIT
"""An application that tells who has loaded it and what it heard of forks."""
import gc
import os
import random
import threading

LOADED_BY = os.getpid()
heard = []
ballast = ['%060d' % number for number in range(int(os.environ.get('BALLAST', 0)) * 8192)]
if os.path.exists('tmp/fail-load'):
    raise RuntimeError('cannot be loaded')
os.register_at_fork(after_in_child=lambda: heard.append(os.getpid()))
threading.Thread(target=threading.Event().wait, daemon=True, name='started while loading').start()


def facts():
    return {
        'pid': os.getpid(), 'loaded-by': LOADED_BY, 'parent': os.getppid(), 'heard': heard[-1:] == [os.getpid()],
        'random': random.random(), 'threads': threading.active_count(), 'frozen': gc.get_freeze_count() > 0,
        'output': os.readlink('/proc/self/fd/1'),
    }


def application(environ, start_response):
    if environ['PATH_INFO'] == '/say':
        print('said in %d' % os.getpid())
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [('%s: %s\n' % fact).encode() for fact in facts().items()]
