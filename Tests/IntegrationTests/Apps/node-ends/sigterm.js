const { asked } = require('./serve.js');

process.on('SIGTERM', (signal) => asked(signal));
