'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const { Readable } = require('node:stream');

const block = Buffer.alloc(65536, Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
let requests = 0;

function* blocks(bytes) {
  for (let left = bytes; left > 0; left -= block.length) {
    yield left >= block.length ? block : block.subarray(0, left);
  }
}

function* lines(count) {
  for (let line = 0; line < count; line += 1) yield `line ${line}\n`;
}

function statusFields() {
  return fs.readFileSync('/proc/self/status', 'latin1').split('\n')
    .filter((line) => /^(Uid|Gid|Groups|CapEff|NoNewPrivs):/.test(line)).join('\n') + '\n';
}

const server = http.createServer((request, response) => {
  requests += 1;
  const url = new URL(request.url, 'http://localhost');
  const number = Number(/=(\d+)/.exec(url.search)?.[1] ?? 0);
  const text = (body) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
  };
  switch (url.pathname) {
    case '/':
      text(`app: node\nuser: ${os.userInfo().username}\npid: ${process.pid}\n`
        + `script name: ${process.env.PASSENGER_BASE_URI || ''}\nrequests: ${requests}\n`);
      break;
    case '/pid': text(`${process.pid}\n`); break;
    case '/ids': text(statusFields()); break;
    case '/env': text(Object.entries(process.env).map((pair) => `${pair.join('=')}\n`).join('')); break;
    case '/request': {
      const headers = Object.entries(request.headers).map((pair) => `${pair.join(': ')}\n`).join('');
      text(`${request.method} ${request.url}\n${headers}`);
      break;
    }
    case '/echo': {
      const hash = crypto.createHash('sha256');
      let length = 0;
      request.on('data', (part) => { hash.update(part); length += part.length; });
      request.on('end', () => text(`${length} ${hash.digest('hex')}\n`));
      break;
    }
    case '/download':
      response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': number });
      Readable.from(blocks(number), { objectMode: false }).pipe(response);
      break;
    case '/chunks':
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      Readable.from(lines(number)).pipe(response);
      break;
    case '/sleep': setTimeout(() => text(`${process.pid}\n`), number); break;
    case '/exit': process.exit(7); break;
    default:
      response.writeHead(404, { 'Content-Type': 'text/plain' });
      response.end('no such page in the application\n');
  }
});

// Answers an upgrade and sends back whatever comes, until the other side has finished.
server.on('upgrade', (request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
});

server.listen(3000);
