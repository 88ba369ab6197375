// SPDX-License-Identifier: MIT
//
// What node-loader.js does once the version of Node is known to do.
'use strict';

const LISTENER = 3;
const CONTROL = 4;
// Characters; of four bytes each they still fit into one line.
const MAX_DETAIL = 30000;
const MAX_SENTENCE = 1000;

const fs = require('fs');
const http = require('http');
const net = require('net');
const path = require('path');
const url = require('url');
const EventEmitter = require('events');
const explain = require('./node-failure.js');

function tell(line) {
  try {
    fs.writeSync(CONTROL, line + '\n');
  } catch (error) {
    // The daemon has gone; the end of file on the channel will be seen.
  }
}

function escape(text, limit) {
  return String(text).slice(0, limit).replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

// Reports a failure and ends the process.
function fail(failure) {
  state.stopping = true;
  print(failure.detail || failure.summary);
  tell('error category ' + failure.category);
  tell('error kind ' + failure.kind);
  tell('error summary ' + escape(failure.summary, MAX_SENTENCE));
  for (const remedy of failure.remedies) tell('error remedy ' + escape(remedy, MAX_SENTENCE));
  if (failure.detail) tell('error detail ' + escape(failure.detail, MAX_DETAIL));
  tell('step ' + state.step + ' failed');
  process.exit(1);
}

function print(text) {
  try {
    fs.writeSync(2, text + '\n');
  } catch (error) {
    // The app has closed it.
  }
}

function readSettings() {
  const settings = {};
  const buffer = Buffer.alloc(4096);
  let text = '';
  while (!text.endsWith('\nstart\n')) {
    const count = fs.readSync(CONTROL, buffer, 0, buffer.length, null);
    if (count === 0) process.exit(1);
    text += buffer.toString('latin1', 0, count);
  }
  for (const line of Buffer.from(text, 'latin1').toString().split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0) {
      settings[line.slice(0, space)] = line.slice(space + 1).replace(/\\(.)/g, (_, char) => char === 'n' ? '\n' : char);
    }
  }
  return settings;
}

const state = {
  step: 'loader',
  settings: null,
  ready: false,
  stopping: false,
  autoInstall: true,
  server: null,
  port: 0,
  sockets: new Set(),
  strangers: new Set(), // names of what listens elsewhere
};

// What the application sees as the global PhusionPassenger.
const PhusionPassenger = new EventEmitter();
PhusionPassenger.configure = (options) => {
  if (state.server) throw new Error('PhusionPassenger.configure must be called before a server listens');
  if (options && options.autoInstall !== undefined) state.autoInstall = Boolean(options.autoInstall);
};

function step(name) {
  tell('step ' + state.step + ' done');
  state.step = name;
  tell('step ' + name + ' begin');
}

// Redirects the first server that listens; idle connections belong to the front, which decides when they end.
function installListen() {
  const originalListen = http.Server.prototype.listen;
  const portListen = net.Server.prototype.listen;
  net.Server.prototype.listen = function listen() {
    if (!(this instanceof http.Server) && !state.ready) noteStranger(this, arguments);
    return portListen.apply(this, arguments);
  };
  http.Server.prototype.listen = function listen() {
    const args = Array.prototype.slice.call(arguments);
    const asked = isOurName(args[0]) || (args[0] && isOurName(args[0].path));
    if (!asked && !state.autoInstall) return originalListen.apply(this, args);
    const port = askedPort(args);
    const callback = args.filter((argument) => typeof argument === 'function').pop();
    if (!asked && state.server && state.server !== this && port > 0 && port === state.port) {
      return listenTogether(this, port, askedHost(args), callback);
    }
    if (state.server) {
      throw new Error('http.Server.listen() was called more than once: only the first server can be served. ' +
        'Call PhusionPassenger.configure({ autoInstall: false }) first, and listen(\'passenger\') for that one.');
    }
    state.port = port;
    return serve(this, portListen, askedHost(args), callback);
  };
}

// Other servers are the application's own business, unless they are what it wanted to have served.
function noteStranger(server, args) {
  const port = askedPort(Array.prototype.slice.call(args));
  state.strangers.add('a server of class ' + server.constructor.name + (port ? ' on port ' + port : ''));
  if (state.strangers.size > 1) return;
  setTimeout(() => {
    if (state.ready) return;
    print('Flying Passenger still waits for an HTTP server that listens. So far there is ' +
      Array.from(state.strangers).join(', ') + ', but only an http.Server is served (TLS is the front\'s business).');
  }, 5000).unref();
}

function askedPort(args) {
  const port = args[0] !== null && typeof args[0] === 'object' ? args[0].port : args[0];
  return Number(port) || 0;
}

function askedHost(args) {
  const first = args[0];
  if (first !== null && typeof first === 'object') return first.host;
  return typeof args[1] === 'string' ? args[1] : undefined;
}

// Applications show the address and expect a TCP port's.
function addressOf(host, port) {
  const family = net.isIPv6(String(host)) ? 'IPv6' : 'IPv4';
  const address = net.isIP(String(host)) ? host : '127.0.0.1';
  return { address, family, port };
}

// One service on several addresses, as Fastify makes it for "localhost": its first server gets all requests, the others
// behave as if they listened.
function listenTogether(server, port, host, callback) {
  let listening = true;
  if (callback) server.once('listening', callback);
  Object.defineProperty(server, 'listening', { get: () => listening, configurable: true });
  server.address = () => listening ? addressOf(host, port) : null;
  const close = server.close;
  server.close = function closeTogether(done) {
    if (!listening) return close.call(server, done);
    listening = false;
    if (typeof done === 'function') server.once('close', done);
    process.nextTick(() => server.emit('close'));
    return server;
  };
  process.nextTick(() => server.emit('listening'));
  return server;
}

// Its workers would be processes that nobody counts, and the master would listen where nobody asks.
function refuseCluster() {
  require('cluster').fork = function refuse() {
    throw new Error('cluster.fork() was called, but how many processes an application has is for Flying Passenger to say: ' +
      'set passenger_min_instances and passenger_max_instances, and run the code of a worker without the module cluster');
  };
  require('module').syncBuiltinESMExports();
}

function isOurName(value) {
  return value === 'passenger' || value === '/passenger';
}

function serve(server, listen, host, callback) {
  state.server = server;
  server.keepAliveTimeout = 0;
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  server.timeout = 0;
  server.maxRequestsPerSocket = 0;
  server.address = () => server.listening ? addressOf(host, state.port) : null;
  server.prependListener('connection', prepareSocket);
  if (callback) server.once('listening', callback);
  // Later than what the application does on the same event and after it, because that may fail.
  server.once('listening', () => setImmediate(() => {
    step('ready');
    state.ready = true;
    tell('ready concurrency=0');
  }));
  step('listen');
  return listen.call(server, { fd: LISTENER });
}

// Applications expect a TCP connection's address.
function prepareSocket(socket) {
  Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1', configurable: true });
  Object.defineProperty(socket, 'remoteFamily', { value: 'IPv4', configurable: true });
  Object.defineProperty(socket, 'remotePort', { value: 0, configurable: true });
  state.sockets.add(socket);
  socket.once('close', () => state.sockets.delete(socket));
}

// The application may end by itself, else the process ends once the running requests are answered.
function stop() {
  if (state.stopping) return;
  state.stopping = true;
  if (PhusionPassenger.listenerCount('exit') > 0) {
    PhusionPassenger.emit('exit');
  } else if (process.listenerCount('message') > 0) {
    process.emit('message', 'shutdown');
  } else {
    closeAndExit();
  }
}

// Upgraded connections are not waited for; the daemon has ended their sessions, or it waits no longer.
function closeAndExit() {
  if (!state.server) process.exit(0);
  state.server.close();
  const exitWhenIdle = () => {
    if (!Array.from(state.sockets).some((socket) => socket._httpMessage)) process.exit(0);
  };
  setInterval(exitWhenIdle, 20);
  exitWhenIdle();
}

function watchControl() {
  const control = new net.Socket({ fd: CONTROL, readable: true, writable: true });
  control.unref();
  control.on('data', (data) => {
    if (data.toString('latin1').indexOf('shutdown\n') >= 0) stop();
  });
  control.on('end', stop);
  control.on('error', stop);
}

// An exception while the application loads ends the start; later it is Node's own business.
function watchFailures() {
  let hasFinished = false;
  process.on('uncaughtExceptionMonitor', (error) => {
    if (!state.ready) report(error);
  });
  process.on('beforeExit', () => { hasFinished = true; });
  process.on('exit', (code) => {
    if (state.ready || state.stopping) return;
    fail(hasFinished ? explain.neverListened(state.settings, state.strangers) : explain.ended(code));
  });
}

function report(error) {
  let failure;
  try {
    failure = explain.error(error, state.settings);
  } catch (second) {
    // An error whose parts throw, or are of other kinds than those of errors.
    failure = { category: 'app', kind: 'exception', summary: 'the application raised an exception that cannot be shown: ' +
      second, remedies: [], detail: '' };
  }
  fail(failure);
}

function nameProcess(title) {
  process.title = title;
  try {
    fs.writeFileSync('/proc/self/comm', title.slice(0, 15));
  } catch (error) {
    // No Linux, or no /proc.
  }
}

// A module that require cannot load is an ES module.
function load(file) {
  process.argv[1] = file;
  try {
    require('module')._load(file, null, true);
    return Promise.resolve();
  } catch (error) {
    const isModule = error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE');
    // Called from the startup file itself, it has run already: what it requires is such a module.
    if (isModule && !String(error.stack).includes('(' + file + ':')) return importModule(file);
    report(error);
    return Promise.resolve();
  }
}

// Behind a function made from text, because old versions of Node refuse to read the keyword.
function importModule(file) {
  return new Function('file', 'return import(file)')(url.pathToFileURL(file).href);
}

function main() {
  tell('step loader begin');
  const settings = readSettings();
  state.settings = settings;
  nameProcess(settings.title);
  global.PhusionPassenger = PhusionPassenger;
  watchFailures();
  watchControl();
  process.on('SIGTERM', () => {
    if (process.listenerCount('SIGTERM') === 1) stop(); // else it is the application's own business
  });
  process.on('SIGHUP', () => {});
  installListen();
  refuseCluster();
  step('load-app');
  load(path.resolve(process.cwd(), settings.startup_file)).catch(report);
}

exports.start = main;
