const { create, note } = require('./serve.js');

const server = create();
server.listen({ port: '3000', host: '::1', backlog: 5, exclusive: true }, note(server));
