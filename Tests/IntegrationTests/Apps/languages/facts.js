// What the Node applications of this folder have in common.
const crypto = require('crypto');
const fs = require('fs');
const os = require('os');

const prefix = process.env.PASSENGER_BASE_URI || '';

exports.note = (event) => fs.appendFileSync(`tmp/events-${process.pid}`, `${event}\n`);

exports.handler = (request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    console.log(`said on standard output ${process.pid}`);
    console.error(`said on standard error ${process.pid}`);
    const body = Buffer.concat(parts);
    const [path, query] = request.url.split('?');
    const facts = {
      pid: process.pid,
      user: os.userInfo().username,
      env: process.env.NODE_ENV,
      method: request.method,
      uri: request.url,
      script: prefix,
      path: decodeURI(path).slice(prefix.length),
      query: query || '',
      type: request.headers['content-type'] || '',
      body: `${body.length} ${crypto.createHash('sha256').update(body).digest('hex')}`,
    };
    response.setHeader('Content-Type', 'text/plain');
    response.end(Object.entries(facts).map(([name, value]) => `${name}: ${value}\n`).join(''));
  });
};
