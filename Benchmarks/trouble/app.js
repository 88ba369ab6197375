'use strict';

// An application that makes trouble for its neighbours; TROUBLE says which.

const fs = require('node:fs');
const http = require('node:http');

const trouble = process.env.TROUBLE;

function answer(request, response) {
  request.resume();
  if (trouble === 'crash') process.exit(1);
  if (trouble === 'flood') flood(Number(request.url.split('?')[1]));
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 12 });
  response.end('hello world\n');
}

// The pipe is read at the pace of the daemon: as fast as it can.
function flood(milliseconds) {
  const block = Buffer.from('0123456789abcdef'.repeat(8) + '\n').toString().repeat(500);
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    try {
      fs.writeSync(1, block);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

// A start that hangs: alive, and never listening.
if (trouble === 'hang') setInterval(() => {}, 1000);
else http.createServer(answer).listen(3000);
