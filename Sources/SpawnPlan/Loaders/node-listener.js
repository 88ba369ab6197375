// SPDX-License-Identifier: MIT
//
// Puts the application's HTTP server on descriptor 3, whatever it calls listen() with.
//
// A net.Server of ours accepts, and hands each connection to the server that listens at the moment. So that one may close
// and listen again, or give way to another one; what comes in between waits.
'use strict';

const LISTENER = 3;
// How long connections wait for a server that listens again, in milliseconds. The daemon would wait for ever.
const RELISTEN_TIME = 2000;

const http = require('http');
const net = require('net');

// Bound before the application is loaded, which may put another in its place.
const closeServer = net.Server.prototype.close;

const state = {
  hooks: null,
  autoInstall: true,
  acceptor: null,
  // The server that listens, and where it thinks that it does.
  server: null,
  place: null,
  sockets: new Set(),
  isClosed: false,
  isLetGo: false,
  waiting: [],
  strangers: new Set(), // names of what listens elsewhere
};

exports.strangers = state.strangers;

// `hooks`: `isReady()`, `listens()` before and `ready()` after the first server listens, `closed()` when none does any more,
// `print(text)`.
exports.install = function install(hooks) {
  state.hooks = hooks;
  watchHeads();
  const originalListen = http.Server.prototype.listen;
  const portListen = net.Server.prototype.listen;
  net.Server.prototype.listen = function listen(...args) {
    if (!(this instanceof http.Server) && this !== state.acceptor && !hooks.isReady()) noteStranger(this, args);
    return portListen.apply(this, args);
  };
  http.Server.prototype.listen = function listen(...args) {
    const asked = isOurName(args[0]) || Boolean(args[0]) && isOurName(args[0].path);
    if (!asked && !state.autoInstall) {
      if (!hooks.isReady()) noteStranger(this, args);
      return originalListen.apply(this, args);
    }
    const place = new Place(args);
    if (state.server === this) {
      throw Object.assign(new Error('Listen method has been called more than once without closing.'),
        { code: 'ERR_SERVER_ALREADY_LISTEN' });
    }
    if (state.server) {
      if (!asked && place.isBeside(state.place)) return pretend(this, place);
      throw exports.misuse('http.Server.listen() was called more than once: only the first server can be served',
        'Call PhusionPassenger.configure({ autoInstall: false }) first, and listen(\'passenger\') for the one that is to be served.');
    }
    return serve(this, place);
  };
};

exports.configure = function configure(options) {
  if (state.server) throw new Error('PhusionPassenger.configure must be called before a server listens');
  if (options && options.autoInstall !== undefined) state.autoInstall = Boolean(options.autoInstall);
};

// An error for what an application does as though it were alone; `remedy` is what to do instead.
exports.misuse = function misuse(summary, remedy) {
  return Object.assign(new Error(summary + '. ' + remedy), { code: 'ERR_FLYING_PASSENGER', summary, remedy });
};

// No more connections; those that are there go on.
exports.close = function close() {
  state.isClosed = true;
  if (state.acceptor) closeServer.call(state.acceptor);
  // An accepted one that has not been used is nobody's.
  for (const socket of state.waiting.splice(0)) socket.destroy();
};

// Connections do not keep the process alive any more.
exports.letGo = function letGo() {
  state.isLetGo = true;
  for (const socket of state.sockets) socket.unref();
};

// Upgraded connections do not count.
exports.isBusy = function isBusy() {
  return Array.from(state.sockets).some((socket) => socket._httpMessage);
};

function isOurName(value) {
  return value === 'passenger' || value === '/passenger';
}

// Where a server thinks that it listens.
class Place {
  constructor(args) {
    const first = args[0];
    const isObject = first !== null && typeof first === 'object';
    this.port = Number(isObject ? first.port : first) || 0;
    this.host = isObject ? first.host : typeof args[1] === 'string' ? args[1] : undefined;
    const path = isObject ? first.path : first;
    this.path = typeof path === 'string' && !isOurName(path) && Number.isNaN(Number(path)) ? path : null;
    this.signal = isObject ? first.signal : undefined;
    this.callback = args.filter((argument) => typeof argument === 'function').pop();
  }

  // Whether it is one more address of the same service. Without a port both have to say where.
  isBeside(other) {
    return this.port === other.port && (this.port > 0 || Boolean(this.host && other.host) && this.host !== other.host);
  }

  // Applications show it, and all but those that gave a path expect a TCP port's.
  get address() {
    if (this.path !== null) return this.path;
    const family = net.isIPv6(String(this.host)) ? 'IPv6' : 'IPv4';
    const address = net.isIP(String(this.host)) ? this.host : '127.0.0.1';
    return { address, family, port: this.port };
  }
}

function serve(server, place) {
  state.server = server;
  state.place = place;
  // Idle connections belong to the front, which decides when they end; what the application sets later would be in its way.
  Object.defineProperty(server, 'keepAliveTimeout', { get: () => 0, set: () => {}, configurable: true });
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  server.timeout = 0;
  server.maxRequestsPerSocket = 0;
  pretend(server, place, () => {
    state.server = null;
    state.acceptor.unref();
    setTimeout(() => { if (!state.server) state.hooks.closed(); }, RELISTEN_TIME).unref();
  });
  if (!state.acceptor) return accept(server);
  state.acceptor.ref();
  process.nextTick(() => {
    for (const socket of state.waiting.splice(0)) hand(socket);
  });
  return server;
}

// From now on. The first server is ready after what the application does on its event and after it, because that may fail.
function accept(server) {
  const { hooks } = state;
  server.once('listening', () => setImmediate(() => hooks.ready()));
  hooks.listens();
  state.acceptor = net.createServer({ allowHalfOpen: true }, (socket) => {
    prepareSocket(socket);
    hand(socket);
  });
  state.acceptor.listen({ fd: LISTENER });
  return server;
}

function hand(socket) {
  if (state.server) {
    socket.removeListener('error', ignore);
    state.server.emit('connection', socket);
  } else {
    socket.on('error', ignore);
    state.waiting.push(socket);
  }
}

function ignore() {}

// Lets a server look as though it listened; it gets its connections by other ways, or, as the second of a service on
// several addresses (Fastify's for "localhost"), none.
function pretend(server, place, closed = () => {}) {
  let listening = true;
  if (place.callback) server.once('listening', place.callback);
  Object.defineProperty(server, 'listening', { get: () => listening, configurable: true });
  server.address = () => listening ? place.address : null;
  server.close = function close(done) {
    const isFirst = listening;
    listening = false;
    if (typeof done === 'function') server.once('close', isFirst ? done : () => done(notRunning()));
    if (isFirst) closed();
    for (const socket of socketsOf(server)) closeOnceIdle(socket);
    emitCloseOnceIdle(server);
    return server;
  };
  if (place.signal) closeOnAbort(server, place.signal);
  server.getConnections = (done) => {
    process.nextTick(done, null, socketsOf(server).length);
    return server;
  };
  process.nextTick(() => server.emit('listening'));
  return server;
}

function closeOnAbort(server, signal) {
  const close = () => server.close();
  if (signal.aborted) return process.nextTick(close);
  return signal.addEventListener('abort', close, { once: true });
}

// A connection that is kept for further requests would hold up the end of a server that has closed. One that is new is about to
// bring a request. Upgraded ones are the application's; they have no parser any more.
function closeOnceIdle(socket) {
  const { _httpMessage: answer, parser } = socket;
  if (answer) {
    answer.once('close', () => setImmediate(closeOnceIdle, socket));
  } else if (parser && (!parser.incoming || parser.incoming.complete) && socket.bytesWritten > 0) {
    socket.destroySoon();
  }
}

function notRunning() {
  return Object.assign(new Error('Server is not running.'), { code: 'ERR_SERVER_NOT_RUNNING' });
}

function socketsOf(server) {
  return Array.from(state.sockets).filter((socket) => socket.server === server);
}

// As of any server: when its last connection has ended.
function emitCloseOnceIdle(server) {
  const open = socketsOf(server);
  if (open.length === 0) return process.nextTick(() => server.emit('close'));
  return open[0].once('close', () => emitCloseOnceIdle(server));
}

// Applications expect a TCP connection's address.
function prepareSocket(socket) {
  Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1', configurable: true });
  Object.defineProperty(socket, 'remoteFamily', { value: 'IPv4', configurable: true });
  Object.defineProperty(socket, 'remotePort', { value: 0, configurable: true });
  state.sockets.add(socket);
  if (state.isLetGo) socket.unref();
  socket.once('close', () => state.sockets.delete(socket));
}

// Every head passes here, so that nothing of ours has to listen to each request and its end.
//
// The last answer of a server that has closed announces the end of its connection. What is below 200 announces an answer; when
// it is all there is, the client would wait for ever.
function watchHeads() {
  const { writeHead } = http.ServerResponse.prototype;
  http.ServerResponse.prototype.writeHead = function watchedWriteHead(...args) {
    const { req: request } = this;
    const socket = request && state.sockets.has(request.socket) ? request.socket : null;
    if (socket && (state.isClosed || !socket.server.listening)) this.shouldKeepAlive = false;
    const result = writeHead.apply(this, args);
    const { statusCode } = this;
    if (statusCode < 200 && statusCode !== 101 && socket) {
      this.once('finish', () => refuseStatus(socket, request, statusCode));
    }
    return result;
  };
}

function refuseStatus(socket, request, statusCode) {
  state.hooks.print(statusCode + ' is no final status of an answer (' + request.method + ' ' + request.url + ')');
  const body = 'Internal Server Error\n';
  socket.end('HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nConnection: close\r\n' +
    'Content-Length: ' + body.length + '\r\n\r\n' + body);
}

// Other servers are the application's own business, unless they are what it wanted to have served.
function noteStranger(server, args) {
  const { port } = new Place(args);
  state.strangers.add('a server of class ' + server.constructor.name + (port ? ' on port ' + port : ''));
  if (state.strangers.size > 1) return;
  setTimeout(() => {
    if (state.hooks.isReady()) return;
    state.hooks.print('Flying Passenger still waits for an HTTP server that listens. So far there is ' +
      Array.from(state.strangers).join(', ') + ', but ' + (state.autoInstall ?
      'only an http.Server is served (TLS is the front\'s business).' :
      'after PhusionPassenger.configure({ autoInstall: false }) only one that calls listen(\'passenger\') is served.'));
  }, 5000).unref();
}
