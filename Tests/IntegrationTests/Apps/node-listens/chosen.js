// One server of several, and the other one really listens.
const http = require('http');
const { create, note } = require('./serve.js');

PhusionPassenger.configure({ autoInstall: false });
const other = http.createServer().listen(0, '127.0.0.1', () => {
  if (!other.address().port) throw new Error('the other one has no port');
  const server = create();
  server.listen({ path: 'passenger' }, note(server));
});
