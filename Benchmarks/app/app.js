'use strict';

// The smallest answer Node gives, so that what is measured is the way to it. Behind nginx it listens on SOCKET.
// /bytes/N answers with N bytes, /pid with the process, a POST to another path than / with the length of its body.

const http = require('node:http');
const { Readable } = require('node:stream');

const BLOCK = Buffer.alloc(64 * 1024, 'x');

function answer(response, text) {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

function* blocks(length) {
  for (let rest = length; rest > 0; rest -= BLOCK.length) yield rest < BLOCK.length ? BLOCK.subarray(0, rest) : BLOCK;
}

function answerOther(request, response) {
  if (request.method === 'POST') {
    let length = 0;
    request.on('data', (chunk) => { length += chunk.length; });
    request.on('end', () => answer(response, `${length}\n`));
    return;
  }
  request.resume();
  if (request.url === '/pid') return answer(response, `${process.pid}\n`);
  const length = Number(request.url.split('/')[2]);
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': length });
  Readable.from(blocks(length)).pipe(response);
}

const server = http.createServer((request, response) => {
  if (request.url !== '/') return answerOther(request, response);
  request.resume();
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 12 });
  response.end('hello world\n');
});
server.keepAliveTimeout = 0;
server.listen(process.env.SOCKET || 3000);
