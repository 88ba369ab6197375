// SPDX-License-Identifier: MIT
//
// A server for the startup files of this folder, which do something before they end. /slow answers once the process was asked to.
const http = require('http');

let asked;
const wait = new Promise((done) => { asked = done; });

exports.asked = (name) => {
  console.log(`${name} was asked to end`);
  setTimeout(() => { console.log(`${name} has cleaned up`); asked(); }, 50);
};
exports.server = http.createServer((request, response) => {
  if (request.url !== '/slow') return response.end(`pid: ${process.pid}\n`);
  response.write(`pid: ${process.pid}\n`);
  return wait.then(() => response.end('to the end\n'));
}).listen(3000);
