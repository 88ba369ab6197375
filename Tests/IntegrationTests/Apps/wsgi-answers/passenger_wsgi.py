"""Answers in every odd but accepted way of WSGI, one a path, and in some that no server can accept."""
import multiprocessing
import os
import sys
import time

PLAIN = [('Content-Type', 'text/plain')]


class FailingClose:
    def __init__(self, parts):
        self.parts = iter(parts)

    def __iter__(self):
        return self.parts

    def close(self):
        raise RuntimeError('close failed')


def parts(before=None, after=None):
    if before:
        raise before
    yield b'first'
    if after:
        raise after


def plain(result, headers=(), status='200 OK'):
    """An answer that is told before it is returned."""
    def answer(environ, start_response):
        start_response(status, PLAIN + list(headers))
        return result() if callable(result) else result
    return answer


def written(*pieces, rest=()):
    def answer(environ, start_response):
        write = start_response('200 OK', PLAIN)
        for piece in pieces:
            write(piece)
        return list(rest)
    return answer


def late(environ, start_response):
    start_response('200 OK', PLAIN)
    yield b'late'


def twice(environ, start_response):
    start_response('200 OK', PLAIN)
    start_response('200 OK', PLAIN)
    return [b'x']


def replaced(environ, start_response):
    start_response('200 OK', PLAIN)
    try:
        raise ValueError('found out later')
    except ValueError:
        start_response('503 Oops', PLAIN, sys.exc_info())
    return [b'replaced']


def odd_headers(headers):
    def answer(environ, start_response):
        start_response('200 OK', headers())
        return [b'ok']
    return answer


def leave(environ, start_response):
    sys.exit(3)


def file(environ, start_response):
    start_response('200 OK', PLAIN)
    return environ['wsgi.file_wrapper'](open(__file__, 'rb'))


def forked(environ, start_response):
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    time.sleep(0.1)
    os.kill(child, 15)
    _, status = os.waitpid(child, 0)
    return plain([b'%d' % os.WTERMSIG(status)])(environ, start_response)


def pool(environ, start_response):
    for _ in range(20):
        with multiprocessing.Pool(2) as workers:
            said = str(workers.map(abs, [-1, 2]))
    return plain([said.encode()])(environ, start_response)


def upload(environ, start_response):
    """Saves nothing of a body that broke off."""
    try:
        data = environ['wsgi.input'].read()
    except OSError as error:
        print('torn: ' + str(error), file=sys.stderr)
        raise
    with open('tmp/saved', 'ab') as saved:
        saved.write(b'%d\n' % len(data))
    return plain([b'%d' % len(data)])(environ, start_response)


PATHS = {
    '/list': plain([b'o', b'k']), '/tuple': plain((b'o', b'k')), '/bytes': plain(b'ok'),
    '/str': plain(['caf\xe9']), '/str-iterator': plain(lambda: iter(['o', '', 'k'])),
    '/generator': plain(parts), '/raises-before': plain(lambda: parts(before=ValueError('before'))),
    '/raises-after': plain(lambda: parts(after=ValueError('after'))), '/late': late,
    '/write': written(b'one', b'two', rest=[b'three']), '/write-str': written('one'),
    '/close-raises': plain(lambda: FailingClose([b'o', b'k'])), '/none': plain(None), '/number': plain([5]),
    '/values': plain([b'ok'], [('X-Number', 5), (b'X-Bytes', b'b'), ('X-None', None)]),
    '/header-iterator': odd_headers(lambda: (pair for pair in PLAIN)), '/header-tuple': odd_headers(lambda: tuple(PLAIN)),
    '/line-break': plain([b'ok'], [('X-Bad', 'a\r\nSet-Cookie: b')]),
    '/own-chunks': plain(lambda: iter([b'2\r\nok\r\n', b'0\r\n\r\n']), [('Transfer-Encoding', 'chunked')]),
    '/named-chunks': plain(lambda: iter([b'o', b'k']), [('Transfer-Encoding', 'chunked')]),
    '/too-long': plain([b'abc'], [('Content-Length', '1')]), '/too-short': plain([b'abc'], [('Content-Length', '9')]),
    '/status-number': plain([b'ok'], status=404), '/status-bare': plain([b'ok'], status='404'),
    '/twice': twice, '/never': lambda environ, start_response: [b'x'], '/replaced': replaced,
    '/no-content': plain([b'x'], status='204 No Content'), '/exit': leave, '/file': file,
    '/forked': forked, '/pool': pool, '/upload': upload,
}


def application(environ, start_response):
    path = environ['PATH_INFO']
    if path.startswith('/status='):
        return plain([b'ok'], status=path[8:])(environ, start_response)
    return PATHS.get(path, plain([b'pid: %d' % os.getpid()]))(environ, start_response)
