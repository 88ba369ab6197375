// Looks for a free port first, as some tools do it, with a server of its own.
const http = require('http');
const net = require('net');
const { create, note } = require('./serve.js');

const tcp = net.createServer().listen(0, '127.0.0.1', () => tcp.close(() => {
  const first = http.createServer();
  first.listen(0, () => first.close(() => {
    const server = create();
    server.listen(3000, note(server));
  }));
}));
