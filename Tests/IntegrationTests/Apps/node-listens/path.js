const { create, note } = require('./serve.js');

const server = create();
server.listen('/nonexistent/app.sock', note(server));
