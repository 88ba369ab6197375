// Koa's way: a callback, a server that is made where it listens, whatever it was given.
const { create, note } = require('./serve.js');

class Application {
  listen(...options) {
    return create().listen(...options);
  }
}

const server = new Application().listen('8000', '0.0.0.0', () => note(server)());
