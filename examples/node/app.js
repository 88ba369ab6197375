'use strict';

// A plain Node server. The port given to `listen` does not matter: under Flying Passenger the first server that
// listens gets the socket that the daemon made for this process. Started by hand (`node app.js`) it uses the port.

const http = require('node:http');
const os = require('node:os');

let requests = 0;

const server = http.createServer((request, response) => {
  requests += 1;
  const page = [
    'app: node',
    `user: ${os.userInfo().username}`,
    `pid: ${process.pid}`,
    `script name: ${process.env.PASSENGER_BASE_URI || ''}`,
    `requests: ${requests}`,
    '',
  ].join('\n');
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(page),
  });
  response.end(request.method === 'HEAD' ? undefined : page);
});

server.listen(3000);
