# SPDX-License-Identifier: MIT
"""An application that tells who has loaded it and what it heard of forks."""
import gc
import os
import random
import threading

import phusion_passenger

LOADED_BY = os.getpid()
heard = []
warmed = []
ballast = ['%060d' % number for number in range(int(os.environ.get('BALLAST', 0)) * 8192)]
if os.path.exists('tmp/fail-load'):
    raise RuntimeError('cannot be loaded')
os.register_at_fork(after_in_child=lambda: heard.append(os.getpid()))
threading.Thread(target=threading.Event().wait, daemon=True, name='started while loading').start()


@phusion_passenger.on_event('before_refork')
def before_refork():
    if os.path.exists('tmp/fail-refork'):
        raise RuntimeError('not this one')
    with open('tmp/reforked', 'w') as file:
        file.write(str(os.getpid()))


def facts():
    if not warmed:
        warmed.append(os.getpid())  # what the first request loads is there in all that are forked after it
    return {
        'pid': os.getpid(), 'loaded-by': LOADED_BY, 'warmed': warmed[0], 'parent': os.getppid(), 'heard': heard[-1:] == [os.getpid()],
        'random': random.random(), 'threads': threading.active_count(), 'frozen': gc.get_freeze_count() > 0,
        'output': os.readlink('/proc/self/fd/1'),
    }


def application(environ, start_response):
    if environ['PATH_INFO'] == '/say':
        print('said in %d' % os.getpid())
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [('%s: %s\n' % fact).encode() for fact in facts().items()]
