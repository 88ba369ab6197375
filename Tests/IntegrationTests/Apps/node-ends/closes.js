// Waits for its server to close, as most do; without what it has open the timer would keep it alive.
const { asked, server } = require('./serve.js');

setInterval(() => {}, 1000);
process.on('SIGTERM', () => {
  asked('closes');
  server.close((error) => {
    console.log(`the server has closed: ${error || 'well'}`);
    process.exit();
  });
});
