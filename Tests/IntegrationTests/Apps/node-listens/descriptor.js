const { create, note } = require('./serve.js');

const server = create();
server.listen({ fd: 3 }, note(server));
