// SPDX-License-Identifier: MIT
//
// Serves what the startup files of this folder make, and says how its server sees itself.
const http = require('http');

exports.create = () => {
  const server = http.createServer((request, response) => {
    response.end(JSON.stringify({ listening: server.listening, address: server.address(), seen: exports.seen }));
  });
  return server;
};
exports.note = (server) => () => { exports.seen = server.address(); };
