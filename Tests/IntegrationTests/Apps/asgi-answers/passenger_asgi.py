"""Says every message of ASGI, in order and out of order, in time and too late, and what it hears; one way a path."""
import asyncio
import json
import os

PLAIN = [(b'content-type', b'text/plain')]
noted = {}
started = []


def start(status=200, headers=(), **more):
    return {'type': 'http.response.start', 'status': status, 'headers': PLAIN + list(headers), **more}


def body(data=b'ok', more=False):
    return {'type': 'http.response.body', 'body': data, 'more_body': more}


async def refused(send, message):
    """What the server says to a message that it must not take."""
    try:
        await send(message)
    except Exception as error:
        return type(error).__name__
    return 'taken'


def says(*messages):
    async def answer(scope, receive, send):
        for message in messages:
            await send(message)
    return answer


def tries(wrong, *before):
    """One wrong message after some right ones; then the right answer, which tells what became of the wrong one."""
    async def answer(scope, receive, send):
        for message in before:
            await send(message)
        outcome = (await refused(send, wrong)).encode()
        if not before:
            await send(start())
        await send(body(outcome))
    return answer


def raises(error, *messages):
    async def answer(scope, receive, send):
        for message in messages:
            await send(message)
        raise error
    return answer


async def late(scope, receive, send):
    await send(start())
    await send(body())
    noted['late'] = [await refused(send, body()), await refused(send, start()), (await receive())['type']]


async def background(scope, receive, send):
    await send(start())
    await send(body(b'early'))
    while 'go' not in noted:
        await asyncio.sleep(0.01)
    noted['background'] = 'done'


async def go(scope, receive, send):
    noted['go'] = True
    await says(start(), body())(scope, receive, send)


async def upload(scope, receive, send):
    size, messages = 0, 0
    while True:
        message = await receive()
        if message['type'] == 'http.disconnect':
            noted['torn'] = size
            return
        size += len(message['body'])
        messages += 1
        if not message['more_body']:
            break
    await says(start(), body(b'%d %s' % (size, b'many' if messages > 1 else b'one')))(scope, receive, send)


async def unread(scope, receive, send):
    await says(start(), body())(scope, receive, send)


async def twice(scope, receive, send):
    """Once the request has been read, the next news are that the client leaves; two tasks may wait for them."""
    first = await receive()
    waiting = [asyncio.ensure_future(receive()) for _ in range(2)]
    await asyncio.sleep(0.01)
    waiting[0].cancel()
    await asyncio.sleep(0)
    text = '%s %s' % (first['type'], [task.done() for task in waiting])
    await says(start(), body(text.encode()))(scope, receive, send)
    noted['twice'] = (await waiting[1])['type']


async def leaves(scope, receive, send):
    await send(start())
    await send(body(b'begun', True))
    await receive()
    noted['leaves'] = (await receive())['type']
    await send(body(b'nobody reads this', True))
    await send(body())


async def endless(scope, receive, send):
    """Never waits for anything but the client, and takes no notice of its leaving."""
    await send(start())
    while 'stop' not in noted:
        await send(body(b'x' * 1000, True))
    noted['endless'] = 'stopped'


async def stop(scope, receive, send):
    noted['stop'] = True
    await says(start(), body())(scope, receive, send)


async def facts(scope, receive, send):
    shown = {key: value.decode('latin-1') if isinstance(value, bytes) else value for key, value in scope.items()}
    shown['headers'] = [[part.decode('latin-1') for part in pair] for pair in scope['headers']]
    shown['pid'] = os.getpid()
    shown['started'] = len(started)
    text = json.dumps(shown).encode()
    scope['state']['mine'] = True  # for this request alone
    await says(start(), body(text))(scope, receive, send)


async def notes(scope, receive, send):
    await says(start(), body(json.dumps(noted, sort_keys=True).encode()))(scope, receive, send)


async def cancels(scope, receive, send):
    asyncio.current_task().cancel()
    await asyncio.sleep(1)


HTTP = {
    '/': says(start(), body()),
    '/empty': says(start(), {'type': 'http.response.body'}),
    '/bytearray': says(start(), body(bytearray(b'ok'))),
    '/bare': says({'type': 'http.response.start', 'status': 404}, body()),
    '/parts': says(start(), body(b'one', True), body(b'', True), body(b'two', True), body(b'three')),
    '/declared': says(start(headers=[(b'Content-Length', b'4')]), body(b'ab', True), body(b'cd')),
    '/own-coding': says(start(headers=[(b'transfer-encoding', b'chunked')]), body(b'a', True), body(b'b')),
    '/closes': says(start(headers=[(b'connection', b'close')]), body()),
    '/no-content': says(start(204), body(b'')),
    '/not-modified': says(start(304, headers=[(b'content-length', b'7')]), body(b'')),
    '/odd-status': says(start(999), body()),
    '/hints': says({'type': 'http.response.early_hint', 'links': [b'</a.css>; rel=preload', b'</b.js>; rel=preload']},
                   start(), body()),
    '/repeated': says(start(headers=[(b'set-cookie', b'a=1'), (b'set-cookie', b'b=2')]), body()),
    # Out of order.
    '/body-first': tries(body()),
    '/start-twice': tries(start(), start()),
    '/start-within': tries(start(), start(), body(b'begun ', True)),
    '/unknown': tries({'type': 'http.response.push'}),
    '/no-type': tries({}),
    '/websocket-message': tries({'type': 'websocket.send', 'text': 'x'}),
    '/status-below': tries(start(101)),
    '/status-text': tries(start('200')),
    '/header-text': tries(start(headers=[('x', 'y')])),
    '/header-break': tries(start(headers=[(b'x', b'y\r\nz: 1')])),
    '/header-name': tries(start(headers=[(b'x y', b'z')])),
    '/header-none': tries(start(headers=[(b'x', None)])),
    '/hint-late': tries({'type': 'http.response.early_hint', 'links': []}, start()),
    '/hint-text': tries({'type': 'http.response.early_hint', 'links': [b'a\r\nb: c']}),
    '/length-text': tries(start(headers=[(b'content-length', b'four')])),
    '/body-text': tries(body('text'), start()),
    '/too-much': tries(body(b'abcde'), start(headers=[(b'content-length', b'2')])),
    '/too-little': tries(body(b'a'), start(headers=[(b'content-length', b'5')])),
    # No answer, or not all of it.
    '/nothing': says(),
    '/only-start': says(start()),
    '/raises': raises(ValueError('raised on purpose')),
    '/raises-after-start': raises(ValueError('raised on purpose'), start()),
    '/exit': raises(SystemExit(3)),
    '/cancels': cancels,
    '/raises-within': raises(ValueError('raised on purpose'), start(), body(b'begun', True)),
    '/ends-within': says(start(), body(b'begun', True)),
    '/cut-short': says(start(headers=[(b'content-length', b'9')]), body(b'begun', True)),
    # The rest.
    '/late': late, '/background': background, '/go': go, '/upload': upload, '/unread': unread, '/twice': twice,
    '/leaves': leaves, '/endless': endless, '/stop': stop, '/facts': facts, '/notes': notes,
}


async def connected(receive):
    assert (await receive())['type'] == 'websocket.connect'


async def echo(scope, receive, send):
    await connected(receive)
    await send({'type': 'websocket.accept', 'subprotocol': scope['subprotocols'][0] if scope['subprotocols'] else None,
                'headers': [(b'x-scheme', scope['scheme'].encode())]})
    while True:
        message = await receive()
        if message['type'] == 'websocket.disconnect':
            noted['echo'] = [message['code'], message['reason'], await refused(send, {'type': 'websocket.close'}),
                             (await receive())['type']]
            return
        if message.get('bytes') is not None:
            await send({'type': 'websocket.send', 'bytes': message['bytes']})
        else:
            await send({'type': 'websocket.send', 'text': message['text'].upper()})


def websocket(*messages, error=None):
    async def talk(scope, receive, send):
        await connected(receive)
        outcomes = []
        for message in messages:
            outcomes.append(await refused(send, message))
        noted[scope['path']] = outcomes
        if error:
            raise error
    return talk


ACCEPT, TEXT, CLOSE = {'type': 'websocket.accept'}, {'type': 'websocket.send', 'text': 'hello'}, {'type': 'websocket.close'}
DENIAL = {'type': 'websocket.http.response.start', 'status': 401, 'headers': [(b'x-reason', b'who are you')]}
DENIED = {'type': 'websocket.http.response.body', 'body': b'denied'}
WEBSOCKET = {
    '/echo': echo,
    '/refuse': websocket(CLOSE, CLOSE),
    '/deny': websocket(DENIED, DENIAL, ACCEPT, dict(DENIED, more_body=True), DENIED, DENIED),
    '/order': websocket(TEXT, body(), dict(ACCEPT, headers=[(b'x', b'y\n')]), ACCEPT, ACCEPT, DENIAL,
                        {'type': 'websocket.send'}, TEXT, dict(CLOSE, code=4001, reason='enough'), TEXT, CLOSE, ACCEPT),
    '/returns': websocket(ACCEPT, TEXT),
    '/raises-open': websocket(ACCEPT, TEXT, error=ValueError('raised on purpose')),
    '/raises-before': websocket(error=ValueError('raised on purpose')),
    '/nothing': websocket(),
}


async def lifespan(scope, receive, send):
    assert (await receive())['type'] == 'lifespan.startup'
    started.append(await refused(send, {'type': 'lifespan.shutdown.complete'}))
    scope['state']['shared'] = started
    await send({'type': 'lifespan.startup.complete'})
    started.append(await refused(send, {'type': 'lifespan.startup.complete'}))
    assert (await receive())['type'] == 'lifespan.shutdown'
    print('lifespan over: %s' % started, flush=True)
    if os.path.basename(os.getcwd()) == 'streams':
        await send({'type': 'lifespan.shutdown.failed', 'message': 'cannot close'})
        raise ValueError('cannot close')
    await send({'type': 'lifespan.shutdown.complete'})


async def application(scope, receive, send):
    if scope['type'] == 'lifespan':
        await lifespan(scope, receive, send)
    else:
        table = HTTP if scope['type'] == 'http' else WEBSOCKET
        await table[scope['path'][len(scope['root_path']):]](scope, receive, send)
