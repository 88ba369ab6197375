# SPDX-License-Identifier: MIT
"""An ASGI application that tells who has loaded it, and where its lifespan and its event loop began."""
import asyncio
import gc
import os
import random
import threading

LOADED_BY = os.getpid()
ballast = ['%060d' % number for number in range(int(os.environ.get('BALLAST', 0)) * 8192)]
begun = []
if os.path.exists('tmp/fail-load'):
    raise RuntimeError('cannot be loaded')
if os.path.exists('tmp/get-loop'):
    asyncio.get_event_loop()
asyncio.run(asyncio.sleep(0))
left_open = asyncio.new_event_loop() if os.path.exists('tmp/leave-loop') else None
threading.Thread(target=threading.Event().wait, daemon=True, name='started while loading').start()


def facts():
    return {
        'pid': os.getpid(), 'loaded-by': LOADED_BY, 'begun': begun == [(os.getpid(), asyncio.get_running_loop())],
        'random': random.random(), 'threads': threading.active_count(), 'frozen': gc.get_freeze_count() > 0,
    }


async def lifespan(receive, send):
    await receive()
    begun.append((os.getpid(), asyncio.get_running_loop()))
    if os.path.exists('tmp/fail-start'):
        return await send({'type': 'lifespan.startup.failed', 'message': 'not in this process'})
    await send({'type': 'lifespan.startup.complete'})
    await receive()
    print('ended in %d' % os.getpid(), flush=True)
    return await send({'type': 'lifespan.shutdown.complete'})


async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        return await lifespan(receive, send)
    if scope['path'] == '/say':
        print('said in %d' % os.getpid(), flush=True)
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/plain')]})
    text = ''.join('%s: %s\n' % fact for fact in facts().items())
    return await send({'type': 'http.response.body', 'body': text.encode()})
