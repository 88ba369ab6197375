// Fastify's way, without a port: the server that counts for "localhost", and one for each further address of it.
const http = require('http');
const { create, note } = require('./serve.js');

const main = create();

async function listen(options) {
  await new Promise((done, failed) => main.once('error', failed).once('listening', done).listen(options));
  const { address, port } = main.address();
  await Promise.all(['127.0.0.1', '::1'].filter((other) => other !== address).map((host) => new Promise((done) => {
    const second = http.createServer();
    second.on('upgrade', main.emit.bind(main, 'upgrade'));
    main.on('close', () => second.close());
    second.listen({ ...options, host, port }, done);
  })));
}

listen({ host: 'localhost', port: undefined }).then(note(main), () => process.exit(1));
