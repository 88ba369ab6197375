const { create, note } = require('./serve.js');

const server = create();
server.listen(0, note(server));
