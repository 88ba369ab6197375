'use strict';

// An Express application. Debian's node-express lies in /usr/share/nodejs, where Node does not look by itself; the
// sample configuration says `passenger_env_var NODE_PATH /usr/share/nodejs`. With npm it lies in node_modules/.

const os = require('node:os');
const express = require('express');

const app = express();
let requests = 0;

app.use((request, response, next) => {
  requests += 1;
  response.type('text/plain');
  next();
});

app.get('/', (request, response) => {
  response.send([
    'app: express',
    `user: ${os.userInfo().username}`,
    `pid: ${process.pid}`,
    `script name: ${process.env.PASSENGER_BASE_URI || ''}`,
    `requests: ${requests}`,
    '',
  ].join('\n'));
});

app.get('/hello/:name', (request, response) => {
  response.send(`Hello ${request.params.name}\n`);
});

app.listen(3000);
