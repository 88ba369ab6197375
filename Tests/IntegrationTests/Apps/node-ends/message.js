const { asked } = require('./serve.js');

process.on('message', (message) => asked(message));
