// The second one is not served, and says so.
const http = require('http');
const { create } = require('./serve.js');

const server = create();
server.listen(3000, () => {
  try {
    http.createServer().listen(9090);
  } catch (error) {
    require('./serve.js').seen = error.message.split(':')[0];
  }
});
