const { create, note } = require('./serve.js');

const server = create();
server.on('listening', note(server)).listen();
