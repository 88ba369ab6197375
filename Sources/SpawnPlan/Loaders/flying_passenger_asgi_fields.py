# SPDX-License-Identifier: MIT
"""What requests and answers of ASGI applications are made of: scope, status lines and fields, for HTTP and WebSockets alike.

A request comes as for WSGI applications, as CGI variables; so its client, scheme and prefix are what the front has decided. What
most of them have in common is worked out once and remembered.
"""
import re
from http import HTTPStatus
from operator import itemgetter

# What is remembered depends on clients, hostile ones among them.
MAX_REMEMBERED = 250
MAX_REMEMBERED_HEAD = 4096

PLAIN, LENGTH, CODING, CONNECTION = range(4)
MEANINGS = {b'content-length': LENGTH, b'transfer-encoding': CODING, b'connection': CONNECTION}
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch

FAILURE = b'Internal Server Error\n'
FACTS = (b'REQUEST_METHOD', b'REQUEST_URI', b'SCRIPT_NAME', b'PATH_INFO', b'QUERY_STRING', b'SERVER_PROTOCOL', b'REMOTE_ADDR',
         b'REMOTE_PORT', b'SERVER_NAME', b'SERVER_PORT')


class Remembered(dict):
    """What a function gives for each argument; forgets all of it rather than growing without end."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def __missing__(self, argument):
        result = self.function(argument)
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[argument] = result
        return result


class Shape:
    """The names of the variables in a head, in their order: what they say of the place of each value."""

    def __init__(self, names):
        self.names = names
        self.places = {name: place for place, name in enumerate(names)}
        self.facts = itemgetter(*[self.places[name] for name in FACTS])
        fields = [(field, place) for name, place in self.places.items() if (field := field_name(name)) is not None]
        self.fields = [field for field, _ in fields]
        # Two more, because it gives a tuple of two places and more only.
        self.field_values = itemgetter(*[place for _, place in fields], 0, 0)
        self.has_body = b'CONTENT_LENGTH' in self.places or b'HTTP_TRANSFER_ENCODING' in self.places
        self.is_upgrade = b'HTTP_UPGRADE' in self.places
        self.https = self.places.get(b'HTTPS')

    def variables(self, values):
        return dict(zip(self.names, values))


def field_name(variable):
    """The name of a variable as that of a field; None for those that are no fields."""
    if variable.startswith(b'HTTP_'):
        return variable[5:].replace(b'_', b'-').lower()
    return {b'CONTENT_TYPE': b'content-type', b'CONTENT_LENGTH': b'content-length'}.get(variable)


def parsed_head(head):
    """The shape of a head and its values."""
    parts = head.split(b'\0')
    names = tuple(parts[:-1:2])
    return (SHAPES[names] if len(head) <= MAX_REMEMBERED_HEAD else Shape(names)), parts[1::2]


def server_address(name_and_port):
    name, port = name_and_port
    return name.decode('latin-1'), int(port) if port.isdigit() else None


def response_name(name):
    """What the name of a response field means for the framing of the answer."""
    if not isinstance(name, bytes):
        raise TypeError('a response header has a name of type %s, not bytes' % type(name).__name__)
    if not TOKEN(name):
        raise ValueError('%r is no name of a response header' % (name,))
    return MEANINGS.get(name.lower(), PLAIN)


def status_line(status):
    """What is below 200 would never end an answer."""
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 999:
        raise ValueError('%r is no status that an answer can have' % (status,))
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = 'Unknown'
    return b'HTTP/1.1 %d %b\r\n' % (status, phrase.encode())


SHAPES = Remembered(Shape)
SERVERS = Remembered(server_address)
# Methods, versions, prefixes.
TEXTS = Remembered(lambda text: text.decode('utf-8', 'replace'))
RESPONSE_NAMES = Remembered(response_name)
STATUS_LINES = Remembered(status_line)


def common_scope(kind, shape, values, server):
    """What requests of both kinds are told."""
    method, target, prefix, path, query, protocol, address, port, server_name, server_port = shape.facts(values)
    scope = {
        'type': kind,
        'asgi': server.versions,
        'http_version': TEXTS[protocol][5:],
        'method': TEXTS[method],
        'scheme': 'https' if shape.https is not None and values[shape.https] == b'on' else 'http',
        'path': (prefix + path if server.names_prefix_in_path else path).decode('utf-8', 'replace'),
        'raw_path': target.partition(b'?')[0],
        'query_string': query,
        'root_path': TEXTS[prefix],
        'headers': list(zip(shape.fields, shape.field_values(values))),
        # Of a client on a Unix socket nothing is known.
        'client': None if address == b'unix:' else (address.decode('latin-1'), int(port)),
        'server': SERVERS[server_name, server_port],
        'extensions': server.extensions,
    }
    if server.lifespan.is_supported:
        scope['state'] = server.lifespan.state.copy()
    return scope


def field_lines(headers):
    """Lines of the head, and what they say about framing: length (None: nothing) and whether the connection is to end."""
    lines, length, closes = [], None, False
    for name, value in headers:
        meaning = RESPONSE_NAMES[name]
        if meaning == PLAIN:
            lines.append(name + b': ' + value + b'\r\n')
        elif meaning == LENGTH:
            if not value.isdigit():
                raise ValueError('%r is no Content-Length' % (value,))
            length = int(value)
        elif meaning == CONNECTION and value.lower() == b'close':
            closes = True
    block = b''.join(lines)
    if len(block.splitlines()) != len(lines) or b'\0' in block:
        raise ValueError('a response header has a line break or NUL in its value')
    return block, length, closes


def as_body(part):
    if isinstance(part, (bytearray, memoryview)):
        return bytes(part)
    raise TypeError('the body of a message is of type %s, not bytes' % type(part).__name__)
