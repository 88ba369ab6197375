// A service on both addresses of localhost, as Fastify starts it; / tells what its servers say of themselves.
const http = require('http');

const say = (server) => JSON.stringify({ listening: server.listening, address: server.address() });
const serve = (request, response) => {
  if (request.url !== '/close') return response.end(say(first) + '\n' + say(second) + '\n');
  second.close(() => response.end(say(second) + '\n'));
};
const first = http.createServer(serve);
const second = http.createServer(serve);
first.listen({ port: 3000, host: '127.0.0.1' }, () => {
  second.listen({ port: 3000, host: '::1' }, () => {
    if (typeof second.address().address !== 'string') throw new Error('no address');
  });
});
