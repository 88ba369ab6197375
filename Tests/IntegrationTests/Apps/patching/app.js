// SPDX-License-Identifier: MIT
//
// Does things to the process that serves it, one at each path. What it changes stays changed.
'use strict';

const http = require('http');
const fs = require('fs');
const net = require('net');
const { Worker } = require('worker_threads');

const broken = () => { throw new Error('patched'); };

function answer(response, text) {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.end(text);
}

// Closes the server that has this request, then listens with another one, or with the same.
function listenAgain(response, next) {
  const old = server;
  response.end('pid: ' + process.pid);
  old.close();
  setTimeout(() => {
    server = next || old;
    server.listen(4000, () => { if (server.address().port !== 4000) throw new Error('no address'); });
  }, 50);
}

const paths = {
  '/hints': (response) => { response.writeEarlyHints({ link: '</a>; rel=preload' }); answer(response, 'hinted'); },
  '/processing': (response) => { response.writeProcessing(); answer(response, 'processed'); },
  '/final-102': (response) => { response.writeHead(102); response.end(); },
  '/final-103': (response) => { response.statusCode = 103; response.end('nobody reads this'); },
  '/stdout': (response) => {
    for (const name of ['stdout', 'stderr']) Object.defineProperty(process, name, { value: { write: broken } });
    answer(response, 'done');
  },
  '/patch': (response) => {
    process.exit = broken;
    fs.writeSync = fs.readSync = broken;
    http.Server.prototype.close = net.Server.prototype.close = broken;
    Date.now = () => 0;
    answer(response, 'done');
  },
  '/timeouts': (response) => { server.keepAliveTimeout = 1; server.requestTimeout = 1; answer(response, 'done'); },
  '/rejection': (response) => { Promise.reject(new Error('nobody waits')); setTimeout(() => answer(response, 'done'), 20); },
  '/exception': (response) => { setTimeout(() => { answer(response, 'done'); throw new Error('nobody catches'); }, 5); },
  '/worker': (response) => {
    new Worker('require("worker_threads").parentPort.postMessage("from a worker")', { eval: true })
      .once('message', (text) => answer(response, text));
  },
  '/again': (response) => listenAgain(response),
  '/another': (response) => listenAgain(response, http.createServer(handle)),
  '/closes': (response) => { answer(response, 'done'); server.close(); setInterval(() => {}, 1000); },
  '/count': (response) => server.getConnections((error, count) => answer(response, count > 0 ? 'some' : 'none')),
};

function handle(request, response) {
  const path = paths[request.url];
  if (path) return path(response);
  return answer(response, 'pid: ' + process.pid);
}

process.on('uncaughtException', (error) => console.log('caught: ' + error.message));
process.on('SIGTERM', () => {
  fs.appendFileSync('tmp/ended', 'SIGTERM ');
  server.close(() => process.reallyExit(0));
});

let server = http.createServer(handle);
setImmediate(() => { throw new Error('before it listens'); });
setTimeout(() => server.listen(3000), 50);
