// SPDX-License-Identifier: MIT
//
// What node-loader.js does once the version of Node is known to do.
'use strict';

const CONTROL = 4;
// Characters; of four bytes each they still fit into one line.
const MAX_DETAIL = 30000;
const MAX_SENTENCE = 1000;
// After which an application that was asked to end, and has not, is told what holds it; in milliseconds.
const PATIENCE = 2000;

const fs = require('fs');
const net = require('net');
const path = require('path');
const url = require('url');
const EventEmitter = require('events');
const explain = require('./node-failure.js');
const listener = require('./node-listener.js');

// Bound before the application is loaded, which may put others in their place.
const { writeSync } = fs;
const exit = process.exit.bind(process);

function tell(line) {
  try {
    writeSync(CONTROL, line + '\n');
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
  for (const { sentence, command } of failure.remedies) {
    tell('error remedy ' + escape(sentence, MAX_SENTENCE));
    if (command.length > 0) tell('error command ' + escape(command.join('\n'), MAX_SENTENCE));
  }
  if (failure.detail) tell('error detail ' + escape(failure.detail, MAX_DETAIL));
  tell('step ' + state.step + ' failed');
  exit(1);
}

function print(text) {
  try {
    writeSync(2, text + '\n');
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
    if (count === 0) exit(1);
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
  // While the startup file runs, as an ES module also while it waits.
  isLoading: false,
  ready: false,
  stopping: false,
};

// What the application sees as the global PhusionPassenger.
const PhusionPassenger = new EventEmitter();
PhusionPassenger.configure = listener.configure;

function step(name) {
  tell('step ' + state.step + ' done');
  state.step = name;
  tell('step ' + name + ' begin');
}

// Its workers would be processes that nobody counts, and the master would listen where nobody asks.
function refuseCluster() {
  require('cluster').fork = function refuse() {
    throw listener.misuse('cluster.fork() was called, but how many processes an application has is for Flying Passenger to say',
      'Run the code of a worker without the module cluster, and let Flying Passenger start as many processes of it as it takes: ' +
      'passenger_min_instances 4; in the front\'s configuration.');
  };
  require('module').syncBuiltinESMExports();
}

function terminated() {
  if (process.listenerCount('SIGTERM') === 1) stop(); // else it is the application's own business
}

// The application may have something to do first, else the process ends once the running requests are answered.
function stop() {
  if (state.stopping) return;
  state.stopping = true;
  if (PhusionPassenger.listenerCount('exit') > 0) {
    leave('\'exit\' of PhusionPassenger', () => PhusionPassenger.emit('exit'));
  } else if (process.listenerCount('message') > 0) {
    leave('\'message\' of process', () => process.emit('message', 'shutdown'));
  } else if (process.listenerCount('SIGTERM') > 1) {
    // What it does elsewhere when it is to end; some libraries look whether they are the only ones to do something.
    process.removeListener('SIGTERM', terminated);
    leave('\'SIGTERM\' of process', () => process.emit('SIGTERM', 'SIGTERM'));
  } else {
    closeAndExit();
  }
}

// The application does what it has to do. It may call process.exit at the end of that; else the process ends, as any of Node,
// once nothing is open any more. Nothing of ours counts then.
function leave(event, ask) {
  listener.close();
  listener.letGo();
  process.on('beforeExit', () => {
    if (listener.isBusy()) setTimeout(() => {}, 20);
  });
  setTimeout(() => print('the application was asked to end by the event ' + event + ', and goes on' + openResources() +
    ': let its handler close what it has open, or call process.exit() at its end'), PATIENCE).unref();
  ask();
}

// What it is that keeps the process alive, but for its standard output and error, which are counted though they do not.
function openResources() {
  if (!process.getActiveResourcesInfo) return ''; // before Node 17.3
  const open = process.getActiveResourcesInfo();
  for (const stream of [process.stdout, process.stderr]) {
    const place = stream._handle ? open.indexOf('PipeWrap') : -1;
    if (place >= 0) open.splice(place, 1);
  }
  return open.length > 0 ? ' because of what is open (' + Array.from(new Set(open)).join(', ') + ')' : '';
}

// It has closed its server, and gets no more requests.
function closed() {
  if (state.stopping) return;
  state.stopping = true;
  print('the application has closed its server, and none listens any more: the process ends');
  closeAndExit();
}

// Upgraded connections are not waited for; the daemon has ended their sessions, or it waits no longer.
function closeAndExit() {
  listener.close();
  const exitWhenIdle = () => {
    if (!listener.isBusy()) exit(0);
  };
  setInterval(exitWhenIdle, 20);
  exitWhenIdle();
}

// No request comes before the answer to this. Listeners may be async functions.
async function workOutOfBand() {
  try {
    await Promise.all(PhusionPassenger.listeners('oob_work').map((listener) => listener.call(PhusionPassenger)));
  } catch (error) {
    print('in out-of-band work: ' + (error && error.stack || error));
  }
  tell('oobw-done');
}

function watchControl() {
  const control = new net.Socket({ fd: CONTROL, readable: true, writable: true });
  control.unref();
  control.on('data', (data) => {
    const text = data.toString('latin1');
    if (text.indexOf('shutdown\n') >= 0) stop();
    if (text.indexOf('oobw\n') >= 0) workOutOfBand();
  });
  control.on('end', stop);
  control.on('error', stop);
}

// An exception while the application loads ends the start; later it is Node's own business.
function watchFailures() {
  let hasFinished = false;
  process.on('uncaughtExceptionMonitor', (error) => {
    if (!state.ready && !handlesExceptions()) report(error);
  });
  process.on('beforeExit', () => { hasFinished = true; });
  process.on('exit', (code) => {
    if (state.ready || state.stopping) return;
    fail(hasFinished ? explain.neverListened(state.settings, listener.strangers, state.isLoading) : explain.ended(code));
  });
}

// Whether the application goes on after an exception that nobody caught.
function handlesExceptions() {
  return process.listenerCount('uncaughtException') > 0 || process.hasUncaughtExceptionCaptureCallback();
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

// A module that require cannot load is an ES module. Newer versions of Node load one as the main module: they say none then, and
// return before it has been evaluated.
function load(file) {
  process.argv[1] = file;
  try {
    require('module')._load(file, null, true);
    // What goes wrong there is told by Node.
    return process.mainModule ? Promise.resolve() : importModule(file).catch(() => new Promise(() => {}));
  } catch (error) {
    const isModule = error && (error.code === 'ERR_REQUIRE_ESM' || error.code === 'ERR_REQUIRE_ASYNC_MODULE');
    // Called from the startup file itself, it has run already: what it requires is such a module.
    if (isModule && !String(error.stack).includes('(' + file + ':')) return importModule(file);
    failed(error);
    return Promise.resolve();
  }
}

function failed(error) {
  if (!handlesExceptions()) return report(error);
  return setImmediate(() => { throw error; });
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
  process.on('SIGTERM', terminated);
  process.on('SIGHUP', () => {});
  listener.install({
    isReady: () => state.ready,
    listens: () => step('listen'),
    ready: () => {
      step('ready');
      state.ready = true;
      tell('ready concurrency=0');
    },
    closed,
    print,
  });
  refuseCluster();
  step('load-app');
  state.isLoading = true;
  load(path.resolve(process.cwd(), settings.startup_file)).then(() => { state.isLoading = false; }, failed);
}

exports.start = main;
