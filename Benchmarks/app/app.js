'use strict';

// The smallest answer Node gives, so that what is measured is the way to it. Behind nginx it listens on SOCKET.

const http = require('node:http');

const server = http.createServer((request, response) => {
  request.resume();
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 12 });
  response.end('hello world\n');
});
server.keepAliveTimeout = 0;
server.listen(process.env.SOCKET || 3000);
