"""As config.ru beside it."""
import os
import resource
import signal
import time
import urllib.parse

def starve():
    with open('/proc/self/statm') as file:
        pages = int(file.read().split()[0])
    limit = pages * 4096 + 32 * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    bytearray(1 << 30)


ENDS = {
    'exit': lambda: os._exit(1),
    'segv': lambda: os.kill(os.getpid(), signal.SIGSEGV),
    'kill': lambda: os.kill(os.getpid(), signal.SIGKILL),
    'memory': starve,
}


def application(environ, start_response):
    query = urllib.parse.parse_qs(environ['QUERY_STRING'])
    if environ['PATH_INFO'] == '/die':
        with open('tmp/runs.txt', 'a') as file:
            file.write(environ['QUERY_STRING'] + '\n')
        ENDS[query['how'][0]]()
        time.sleep(60)
    if environ['PATH_INFO'] == '/hang':
        time.sleep(int(query['s'][0]))
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return ['pid: {}\n'.format(os.getpid()).encode()]
