'use strict';

// Asks for out-of-band work, which lasts as long as there is a file "hold" beside this one.

const fs = require('fs');
const http = require('http');
const { setTimeout: rest } = require('timers/promises');

const HEADERS = { '/ask': 'X-Passenger-Request-OOB-Work', '/ask-newly': '!~Request-OOB-Work' };

function note(what) {
  fs.appendFileSync('work.log', `${what} ${process.pid}\n`);
}

PhusionPassenger.on('oob_work', async () => {
  note('begin');
  while (fs.existsSync('hold')) await rest(5);
  note('end');
});

http.createServer((request, response) => {
  const header = HEADERS[request.url];
  if (header) response.setHeader(header, 'true');
  response.end(String(process.pid));
}).listen(3000);
